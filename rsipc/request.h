/* Builds the requests of a host, RFC 3103 9 and RFC 3104 6.2. Message counter and sending are the agent's. */
#ifndef RSIPC_REQUEST_H
#define RSIPC_REQUEST_H

#include <stdint.h>

#include "addr.h"
#include "encap.h"

struct lease;
struct rsip_message;

/* hostname is for the gateway's displays; borrowed until the message is encoded. */
void request_register(struct rsip_message *m, const char *hostname);
void request_de_register(struct rsip_message *m, uint32_t client_id);

/* ASSIGN_REQUEST of the lease's method, or LISTEN_REQUEST. What it asks for by name follows lease->ask: near is the
 * address that other leases of this host are on, 0 = none. remote_flow is the gateway's enum rsip_remote_flow,
 * tunnel what to go through. */
void request_assign(struct rsip_message *m, uint32_t client_id, uint8_t remote_flow, const struct lease *lease, ip4_t near,
    struct tunnel_kind tunnel);

void request_extend(struct rsip_message *m, uint32_t client_id, const struct lease *lease);
void request_free(struct rsip_message *m, uint32_t client_id, const struct lease *lease);

/* Without tuples: "a request for all tuples that it is willing to provide" (RFC 3103 9.14.3). */
void request_query(struct rsip_message *m, uint32_t client_id);

#endif
