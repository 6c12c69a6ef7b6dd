/* The life of a binding: granted, extended, freed, expired (RFC 3103 6, 9.6-9.13; design: leases). Each goes through
 * policy, pool, store and data plane in that order. Durable is what is done here only after store_commit. */
#ifndef RSIPD_LEASE_H
#define RSIPD_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"
#include "policy.h"
#include "refusal.h"

/* Grants a binding as asked, or refuses with the error of RFC 3103 9.6.3, 9.8.3, 9.16.3 or RFC 3104 6.2. *out is
 * valid until it ends. The registration lasts at least as long: R = max(R, B). */
enum rsip_error lease_grant(struct ledger *l, struct session *s, const struct lease_request *req, struct binding **out,
                            struct refusal *why);

/* Prolongs a binding, by asked_s seconds from now or, with 0, by what policy gives; never shortens it. */
enum rsip_error lease_extend(struct ledger *l, struct binding *b, uint32_t asked_s, struct refusal *why);

/* Ends a binding: its tuples go into quarantine, b is freed. how is for the history: "freed", "expired", ... */
void lease_end(struct ledger *l, struct binding *b, const char *how);

/* Seconds until then, as told to hosts: rounded down, at least 0. */
uint32_t lease_seconds_left(int64_t expires);

#endif
