/* The address that packets leave from: netlink.h. */
#include <linux/rtnetlink.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "netlink_impl.h"

struct way { bool found; uint8_t len; uint32_t metric; unsigned ifindex; ip4_t via, src; };

static ip4_t
ip4_of(struct nl_addr *addr)
{
	return addr != NULL && nl_addr_get_family(addr) == AF_INET && nl_addr_get_len(addr) == 4 ? netlink_ip4(addr) : 0;
}

/* The longest prefix wins, then the lowest metric. */
static void
consider(struct rtnl_route *route, ip4_t dst, struct way *best)
{
	struct nl_addr *to = rtnl_route_get_dst(route);
	struct ip4_prefix prefix = { ip4_of(to), to != NULL ? (uint8_t)nl_addr_get_prefixlen(to) : 0 };
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
	uint32_t metric = rtnl_route_get_priority(route);

	if (rtnl_route_get_table(route) != RT_TABLE_MAIN || rtnl_route_get_type(route) != RTN_UNICAST || hop == NULL ||
	    (rtnl_route_nh_get_flags(hop) & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0 || !ip4_prefix_has(prefix, dst))
		return;
	if (best->found && (prefix.len < best->len || (prefix.len == best->len && metric >= best->metric)))
		return;
	*best = (struct way){
		.found = true, .len = prefix.len, .metric = metric, .ifindex = (unsigned)rtnl_route_nh_get_ifindex(hop),
		.via = ip4_of(rtnl_route_nh_get_gateway(hop)), .src = ip4_of(rtnl_route_get_pref_src(route)),
	};
}

/* The device's address in the network of the next hop, else its first. */
static ip4_t
address_for(struct netlink *nl, const struct way *way, ip4_t dst)
{
	struct netlink_addr *all;
	size_t n = netlink_addresses(nl, &all);
	ip4_t first = 0, near = 0;

	for (size_t i = 0; i < n; i++) {
		if (all[i].ifindex != way->ifindex)
			continue;
		if (first == 0)
			first = all[i].addr;
		if (near == 0 && all[i].prefix_len < 32 &&
		    ip4_prefix_has((struct ip4_prefix){ all[i].addr & ip4_mask(all[i].prefix_len), all[i].prefix_len },
		        way->via != 0 ? way->via : dst))
			near = all[i].addr;
	}
	free(all);
	return near != 0 ? near : first;
}

ip4_t
netlink_source(struct netlink *nl, ip4_t dst)
{
	struct nl_cache *routes = NULL;
	struct way best = { 0 };

	if (rtnl_route_alloc_cache(nl->sock, AF_INET, 0, &routes) != 0)
		return 0;
	for (struct nl_object *o = nl_cache_get_first(routes); o != NULL; o = nl_cache_get_next(o))
		consider((struct rtnl_route *)o, dst, &best);
	nl_cache_free(routes);
	if (!best.found)
		return 0;
	return best.src != 0 ? best.src : address_for(nl, &best, dst);
}
