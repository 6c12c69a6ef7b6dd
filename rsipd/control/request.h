/* One request in, one response out: the gateway's side of RFC 3103 and RFC 3104, without sockets. */
#ifndef RSIPD_REQUEST_H
#define RSIPD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "session.h"

struct farewell;
struct ledger;
struct rate_table;
struct stats;

/* What requests are served with. */
struct service {
	struct ledger *ledger;
	struct stats *stats;
	struct rate_table *rates;
	struct farewell *farewell;
	bool read_only; /* the store cannot be written now: what would change it is refused */
};

/* Where a message came from, and to which of our addresses. */
struct requester {
	ip4_t host_addr, gateway_addr;
	uint16_t port;
	enum rsip_transport transport;
	bool again; /* asked before, and told REQUEST_LATER: not counted once more */
};

/* In the place of a length: neither carried out nor refused; to be handled again when a name is known (remote_names.h). */
#define REQUEST_LATER SIZE_MAX

/* Carries out the message in bytes[0..len) and writes the answer into response[0..cap), cap at least RSIP_MESSAGE_MAX.
 * Returns its length; 0 when there is none to give; or REQUEST_LATER. The answer may be sent only when the store has
 * committed what was done; if that fails, request_failed makes what is sent instead. */
size_t request_handle(struct service *svc, const struct requester *from, const uint8_t *bytes, size_t len,
                      uint8_t *response, size_t cap);

/* What the request ends with, RSIP_MAC_LEN bytes, which are its MAC where it is authenticated; NULL when it is shorter. It is
 * shorter than len where a datagram goes on behind it. */
const uint8_t *request_mac(const uint8_t *request, size_t len);

/* Turns a response whose grant did not become durable into INTERNAL_SERVER_ERROR, in place; returns the new length.
 * mac is that of the request that it answers; it is not looked at where the response is not authenticated. */
size_t request_failed(const struct service *svc, const struct requester *from, const uint8_t *mac,
                      uint8_t *response, size_t len, size_t cap);

#endif
