/* The address that packets leave from: netlink.h. */
#include <linux/rtnetlink.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "mem.h"
#include "netlink_impl.h"

#define LENGTHS 33 /* of prefixes, 0 to 32 */

struct way { struct ip4_prefix to; uint32_t metric; size_t rank; unsigned ifindex; ip4_t via, src; };

struct netlink_ways {
	struct way *all;           /* longer prefixes first, then by address; one for each prefix */
	size_t begin[LENGTHS + 1]; /* of the prefixes of 32 - i bits */
	struct netlink_addr *addrs;
	size_t n_addrs;
};

/* ---- reading ---- */

static ip4_t
ip4_of(struct nl_addr *addr)
{
	return addr != NULL && nl_addr_get_family(addr) == AF_INET && nl_addr_get_len(addr) == 4 ? netlink_ip4(addr) : 0;
}

/* False when packets do not go by it: another table's, no way out, or a dead one. */
static bool
read_way(struct rtnl_route *route, struct way *out)
{
	struct nl_addr *to = rtnl_route_get_dst(route);
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

	if (rtnl_route_get_table(route) != RT_TABLE_MAIN || rtnl_route_get_type(route) != RTN_UNICAST || hop == NULL ||
	    (rtnl_route_nh_get_flags(hop) & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0)
		return false;
	*out = (struct way){
		.to = { ip4_of(to), to != NULL ? (uint8_t)nl_addr_get_prefixlen(to) : 0 },
		.metric = rtnl_route_get_priority(route), .ifindex = (unsigned)rtnl_route_nh_get_ifindex(hop),
		.via = ip4_of(rtnl_route_nh_get_gateway(hop)), .src = ip4_of(rtnl_route_get_pref_src(route)),
	};
	return out->to.len < LENGTHS;
}

static int
order_of_prefixes(const void *a, const void *b)
{
	const struct ip4_prefix *one = &((const struct way *)a)->to, *other = &((const struct way *)b)->to;

	if (one->len != other->len)
		return one->len > other->len ? -1 : 1;
	return one->addr < other->addr ? -1 : one->addr > other->addr;
}

/* Of one prefix the lowest metric first, and what the kernel told first. */
static int
order_of_ways(const void *a, const void *b)
{
	const struct way *one = a, *other = b;
	int order = order_of_prefixes(one, other);

	if (order != 0)
		return order;
	if (one->metric != other->metric)
		return one->metric < other->metric ? -1 : 1;
	return one->rank < other->rank ? -1 : 1;
}

/* The first of each prefix is the one that packets take. */
static void
put_in_order(struct netlink_ways *ways, size_t n)
{
	size_t kept = 0, length = 0;

	qsort(ways->all, n, sizeof(*ways->all), order_of_ways);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && order_of_prefixes(&ways->all[kept - 1], &ways->all[i]) == 0)
			continue;
		ways->all[kept] = ways->all[i];
		while (length <= 32u - ways->all[kept].to.len)
			ways->begin[length++] = kept;
		kept++;
	}
	while (length <= LENGTHS)
		ways->begin[length++] = kept;
}

struct netlink_ways *
netlink_ways_read(struct netlink *nl)
{
	struct netlink_ways *ways;
	struct nl_cache *routes = NULL;
	size_t n = 0;

	if (rtnl_route_alloc_cache(nl->sock, AF_INET, 0, &routes) != 0)
		return NULL;
	ways = mem_zero(1, sizeof(*ways));
	ways->all = mem_zero((size_t)nl_cache_nitems(routes), sizeof(*ways->all));
	for (struct nl_object *o = nl_cache_get_first(routes); o != NULL; o = nl_cache_get_next(o)) {
		if (read_way((struct rtnl_route *)o, &ways->all[n])) {
			ways->all[n].rank = n;
			n++;
		}
	}
	nl_cache_free(routes);
	put_in_order(ways, n);
	ways->n_addrs = netlink_addresses(nl, &ways->addrs);
	return ways;
}

void
netlink_ways_free(struct netlink_ways *ways)
{
	if (ways == NULL)
		return;
	free(ways->all);
	free(ways->addrs);
	free(ways);
}

/* ---- asking ---- */

static const struct way *
way_to(const struct netlink_ways *ways, ip4_t dst)
{
	for (size_t i = 0; i < LENGTHS; i++) {
		uint8_t len = (uint8_t)(32 - i);
		struct way wanted = { .to = { dst & ip4_mask(len), len } };
		size_t n = ways->begin[i + 1] - ways->begin[i];
		const struct way *found = n == 0 ? NULL :
		    bsearch(&wanted, ways->all + ways->begin[i], n, sizeof(wanted), order_of_prefixes);

		if (found != NULL)
			return found;
	}
	return NULL;
}

/* The device's address in the network of the next hop, else its first. */
static ip4_t
address_for(const struct netlink_ways *ways, const struct way *way, ip4_t dst)
{
	ip4_t first = 0, next = way->via != 0 ? way->via : dst;

	for (size_t i = 0; i < ways->n_addrs; i++) {
		const struct netlink_addr *own = &ways->addrs[i];
		struct ip4_prefix net = { own->addr & ip4_mask(own->prefix_len), own->prefix_len };

		if (own->ifindex != way->ifindex)
			continue;
		if (own->prefix_len < 32 && ip4_prefix_has(net, next))
			return own->addr;
		if (first == 0)
			first = own->addr;
	}
	return first;
}

ip4_t
netlink_ways_source(const struct netlink_ways *ways, ip4_t dst)
{
	const struct way *way = way_to(ways, dst);

	if (way == NULL)
		return 0;
	return way->src != 0 ? way->src : address_for(ways, way, dst);
}

unsigned
netlink_ways_device(const struct netlink_ways *ways, ip4_t addr)
{
	for (size_t i = 0; i < ways->n_addrs; i++) {
		if (ways->addrs[i].addr == addr)
			return ways->addrs[i].ifindex;
	}
	return 0;
}
