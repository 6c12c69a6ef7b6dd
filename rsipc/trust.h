/* The host's side of message authentication (common/authentication.h): requests are signed, and what the gateway says is
 * believed when it proves that it has the key. A spoofer so can neither refuse us something in the gateway's name, nor
 * end a lease or the registration. */
#ifndef RSIPC_TRUST_H
#define RSIPC_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct conf;

struct trust {
	const struct conf *conf;
	uint64_t counter; /* of the last request */
	uint64_t notice;  /* of the last notice in this registration */
	bool proven;      /* the gateway has authenticated itself once: it does so always */
	unsigned replays; /* times in a row that a request was taken for a replay */
	uint64_t refused; /* messages that were not believed */
};

enum trust_verdict {
	TRUST_REFUSED,
	TRUST_PLAIN,  /* nothing has to be proved, here or with this gateway */
	TRUST_ANSWER, /* the gateway's, to the very request */
	TRUST_REPLAY, /* the same; it took the request for a replay, and a fresh one will do better */
	TRUST_NOTICE, /* the gateway's, unasked, and never heard before */
};

/* Appends our authentication to a request in bytes[0..len), where the config has an identity. Returns the new length, 0
 * when it does not fit. host_addr is the address that it is sent from. */
size_t trust_sign(struct trust *t, ip4_t host_addr, uint8_t *bytes, size_t len, size_t cap);

/* What to make of one whole message from the gateway. request is the one under way, as it was sent; NULL: none. */
enum trust_verdict trust_read(struct trust *t, ip4_t host_addr, const uint8_t *bytes, size_t len, const uint8_t *request,
                              size_t request_len);

/* A registration begins: the notices of its gateway begin anew. */
void trust_renew(struct trust *t);

#endif
