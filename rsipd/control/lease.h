/* The life of a binding: granted, extended, freed, expired (RFC 3103 6, 9.6-9.13; design: leases). Each goes through
 * policy, pool, store and data plane in that order. Durable is what is done here only after the store's commit. */
#ifndef RSIPD_LEASE_H
#define RSIPD_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"
#include "policy.h"
#include "refusal.h"

/* Beside the errors of RSIP: neither granted nor refused, since a name is being looked up. The same request is to be made
 * again when remote_names_events.answered is called. */
#define LEASE_LATER ((enum rsip_error)0xffff)

/* Grants a binding as asked, or refuses with the error of RFC 3103 9.6.3, 9.8.3, 9.16.3 or RFC 3104 6.2. *out is
 * valid until it ends; or LEASE_LATER. The registration lasts at least as long: R = max(R, B). */
enum rsip_error lease_grant(struct ledger *l, struct session *s, const struct lease_request *req, struct binding **out,
                            struct refusal *why);

/* Gives a binding a new lease from now on: asked_s seconds or, with 0, what policy gives. A host may ask for less than
 * what is left. Refused, with the binding as it was, when policy would not grant it to this host any more. */
enum rsip_error lease_extend(struct ledger *l, struct binding *b, uint32_t asked_s, struct refusal *why);

/* Why a lease ends: for the history and the counters. */
enum lease_how {
	LEASE_FREED,
	LEASE_DE_REGISTERED,
	LEASE_EXPIRED,
	LEASE_NOT_EXTENDED,
	LEASE_BY_OPERATOR,
	LEASE_WITHDRAWN, /* upstream.h */
};

/* The addresses of b->remote that the host's policy lets it talk to, into addrs[DP_REMOTE_ADDRS_MAX]; returns how many. */
size_t lease_peers(const struct binding *b, ip4_t *addrs);

/* The addresses of a name have changed: its bindings follow, in the store and in the data plane. */
void lease_follow_name(struct ledger *l, const struct remote_name *name);

/* Ends a binding: its tuples go into quarantine, b is freed. */
void lease_end(struct ledger *l, struct binding *b, enum lease_how how);
const char *lease_how_name(enum lease_how how); /* "freed", "de-registered", ... */

/* Seconds until then, as told to hosts: rounded up, so that a grant that took a few milliseconds is told as granted, and
 * 0 is over. */
uint32_t lease_seconds_left(int64_t expires);

#endif
