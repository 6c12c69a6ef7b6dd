/* A registration (RFC 3103 6): the gateway's relationship with one host, and the table of all of them. A host is its
 * source address, and its identity where it has proved one. Memory only: what a change of a registration entails is in
 * registration.c. */
#ifndef RSIPD_SESSION_H
#define RSIPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "id_table.h"
#include "replay.h"

struct binding;
struct conf_policy;
struct identity;

/* Fixed for the life of a registration by its first message (RFC 3103 5). */
enum rsip_transport { RSIP_TCP = 1, RSIP_UDP = 2 };
const char *rsip_transport_name(enum rsip_transport transport); /* "tcp", "udp" */

#define SESSION_NAME_MAX 255

struct session {
	uint32_t number;                       /* slab.h */
	uint32_t addr_next, client_next;       /* the table's */
	ip4_t host_addr;
	uint32_t client_id; /* random: it is all that a host proves itself with; never 0 */
	enum rsip_transport transport;
	ip4_t gateway_addr; /* which of our listen addresses it talks to: what comes asynchronously comes from there */
	struct identity *identity; /* that it has proved, and must with every request; NULL: none */
	int64_t moved;     /* when it came to host_addr, seconds since 1970; 0: it has been there from the start */
	ip4_t moved_from;
	char *name;      /* what the host calls itself (hostname extension), for people only; NULL when it did not say */
	int64_t expires; /* R, clock_now() milliseconds; never before any binding's */
	uint32_t expiry_slot;
	const struct conf_policy *policy; /* NULL: no host section covers it any more (after a reload) */
	struct binding *bindings;         /* by next, in the order of the grants */
	struct binding *last_binding;     /* NULL when there is none */
	uint32_t n_bindings, n_ports, n_spis, n_cookies; /* what they add up to, for the quota */
	struct replay replay;                            /* UDP only */
	/* The store's: its place, from 1, among those to be written by the next commit; what of it; and its answer's row. */
	uint32_t unwritten;
	bool row_changed, answer_changed;
	bool expires_later; /* than its row says, for a binding does: the row follows when that ends */
	uint64_t answer_seq;
};

extern const struct slab *const session_slab; /* of all of them */

struct session_table { struct id_table by_addr, by_client; };
void session_table_init(struct session_table *t);
void session_table_done(struct session_table *t); /* no session may be left; walks come to their end */

/* A new session in the table, which owns it: with this client ID, or a fresh random one if client_id is 0. Returns NULL
 * when the host address or the client ID is in the table already. */
struct session *session_add(struct session_table *t, ip4_t host_addr, uint32_t client_id);
/* Has moved to an address that no session has. */
void session_set_addr(struct session_table *t, struct session *s, ip4_t host_addr);
void session_remove(struct session_table *t, struct session *s); /* frees it; it must hold no binding */
/* A name that is no printable UTF-8, or has quotes or backslashes that would forge log fields, is no name. */
void session_set_name(struct session *s, const char *name, size_t len);

struct session *session_find(const struct session_table *t, ip4_t host_addr); /* or NULL */
struct session *session_find_client(const struct session_table *t, uint32_t client_id);
size_t session_count(const struct session_table *t);

/* A walk, as id_table_next: it may take many turns of the loop. NULL at the end. */
struct session *session_next(const struct session_table *t, struct id_cursor *c);

#endif
