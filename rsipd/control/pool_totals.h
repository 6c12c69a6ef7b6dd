/* Sums over the bindings of a pool, or of one address of it. */
#ifndef RSIPD_POOL_TOTALS_H
#define RSIPD_POOL_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "binding.h"
#include "hold.h"

struct pool_totals {
	uint64_t addresses, ports_total; /* what there is; ports that can be leased, over all addresses */
	uint64_t addresses_leased;       /* whole, by RSA-IP */
	uint64_t ports_leased, ports_held, spis_leased, cookies_leased;
	uint64_t bindings, hosts; /* hosts that hold at least one of these bindings */
};

/* Adds n (1 or -1) times a binding; first says that its host has no other one here. */
void pool_totals_count(struct pool_totals *totals, const struct binding *b, int n, bool first);
void pool_totals_count_hold(struct pool_totals *totals, const struct hold *hold, int n);

#endif
