/* The invariants of the design's section on leases, checked against the tables as they stand. */
#ifndef RSIPD_LEASE_CHECK_H
#define RSIPD_LEASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger.h"

/* True when all hold; else false with the first violation found in why. Cost grows with the number of bindings: for
 * tests, debug builds and `rsipctl check`. */
bool lease_check(struct ledger *l, char *why, size_t why_size);

/* With RSIP_DEBUG: ends the program when lease_check fails. Called after every operation. */
void lease_assert(struct ledger *l, const char *after);

#endif
