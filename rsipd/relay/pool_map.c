#include "pool_map.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static int
compare_addr_to_pool(const void *key, const void *element)
{
	const ip4_t *addr = key;
	const struct dp_pool *pool = element;

	return *addr < pool->addresses.first ? -1 : *addr > pool->addresses.last;
}

static int
compare_pools(const void *a, const void *b)
{
	const struct dp_pool *p = a, *q = b;

	return p->addresses.first < q->addresses.first ? -1 : p->addresses.first > q->addresses.first;
}

const struct dp_pool *
pool_map_find(const struct pool_map *map, ip4_t addr)
{
	for (size_t i = 0; i < map->own.n; i++) {
		if (compare_addr_to_pool(&addr, &map->own.pools[i]) == 0)
			return &map->own.pools[i];
	}
	if (map->ranges.n == 0)
		return NULL;
	return bsearch(&addr, map->ranges.pools, map->ranges.n, sizeof(struct dp_pool), compare_addr_to_pool);
}

void
pool_map_add(struct pool_map *map, const struct dp_pool *pool)
{
	struct pool_list *list = pool->own ? &map->own : &map->ranges;

	list->pools = mem_grow(list->pools, list->n + 1, sizeof(*list->pools));
	list->pools[list->n++] = *pool;
}

void
pool_map_sort(struct pool_map *map)
{
	if (map->ranges.n > 0)
		qsort(map->ranges.pools, map->ranges.n, sizeof(struct dp_pool), compare_pools);
}

void
pool_map_clear(struct pool_map *map)
{
	free(map->own.pools);
	free(map->ranges.pools);
	memset(map, 0, sizeof(*map));
}
