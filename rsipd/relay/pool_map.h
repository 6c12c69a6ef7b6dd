/* Which addresses the gateway serves and how: struct dp_pool by address. Told anew as a whole, in a synchronisation. */
#ifndef RSIPD_POOL_MAP_H
#define RSIPD_POOL_MAP_H

#include <stddef.h>

#include "dataplane.h"

struct pool_list { struct dp_pool *pools; size_t n; };

/* Zero-initialised: empty. */
struct pool_map {
	struct pool_list own;    /* the gateway's own addresses: few, and looked at first */
	struct pool_list ranges; /* the others: sorted by address; pools are disjoint */
};

/* NULL when the address is in none. Valid until the map changes. */
const struct dp_pool *pool_map_find(const struct pool_map *map, ip4_t addr);

/* Pools may be added in any order; pool_map_sort comes between the last and the first lookup. */
void pool_map_add(struct pool_map *map, const struct dp_pool *pool);
void pool_map_sort(struct pool_map *map);
void pool_map_clear(struct pool_map *map);

#endif
