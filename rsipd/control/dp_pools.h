/* The pools as a data plane is told of them (dataplane.h), one message a range of addresses. */
#ifndef RSIPD_DP_POOLS_H
#define RSIPD_DP_POOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "dataplane.h"

struct conf;

/* A walk over them. Begins with conf and the gateway's own addresses set, both borrowed, and the rest 0. */
struct dp_pools {
	const struct conf *conf;
	const ip4_t *own;
	size_t n_own;
	size_t pool, range; /* what comes next; pool n_pools is the gateway's own addresses */
};

/* The next message; false behind the last one. The gateway's own addresses come once more by themselves, as what they
 * are. */
bool dp_pools_next(struct dp_pools *walk, struct dp_pool *m);

/* The message for an address that is still leased but of no pool any more. */
struct dp_pool dp_pool_left(const struct conf *conf, ip4_t addr);

#endif
