/* Addresses and routes of a device for IPv4 and IPv6 alike: netlink.h. */
#include <netlink/route/addr.h>
#include <netlink/route/route.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink_impl.h"

static struct nl_addr *
build(const struct netlink_net *net)
{
	bool v4 = net->version == 4;
	struct nl_addr *addr = netlink_must(nl_addr_build(v4 ? AF_INET : AF_INET6, net->addr, v4 ? 4 : 16));

	nl_addr_set_prefixlen(addr, net->len);
	return addr;
}

int
netlink_net_address(struct netlink *nl, unsigned ifindex, const struct netlink_net *net)
{
	struct rtnl_addr *change = netlink_must(rtnl_addr_alloc());
	struct nl_addr *addr = build(net);
	int err;

	rtnl_addr_set_ifindex(change, (int)ifindex);
	rtnl_addr_set_local(change, addr);
	if (net->version == 6)
		rtnl_addr_set_flags(change, IFA_F_NODAD);
	err = rtnl_addr_add(nl->sock, change, NLM_F_REPLACE);
	nl_addr_put(addr);
	rtnl_addr_put(change);
	return netlink_errno(err);
}

int
netlink_net_route(struct netlink *nl, unsigned ifindex, const struct netlink_net *net)
{
	struct rtnl_route *route = netlink_must(rtnl_route_alloc());
	struct rtnl_nexthop *hop = netlink_must(rtnl_route_nh_alloc());
	struct nl_addr *to = build(net);
	int err;

	rtnl_route_nh_set_ifindex(hop, (int)ifindex);
	rtnl_route_set_family(route, (uint8_t)nl_addr_get_family(to));
	rtnl_route_set_dst(route, to);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	rtnl_route_add_nexthop(route, hop);
	err = rtnl_route_add(nl->sock, route, NLM_F_CREATE);
	nl_addr_put(to);
	rtnl_route_put(route);
	return netlink_errno(err);
}
