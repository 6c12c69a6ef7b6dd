/* Routes and policy rules: netlink.h. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "mem.h"
#include "netlink_impl.h"

/* --- routes --------------------------------------------------------------------------------------------------------- */

static void
route_add_hop(struct rtnl_route *route, const struct netlink_route *from)
{
	struct rtnl_nexthop *hop = netlink_must(rtnl_route_nh_alloc());

	rtnl_route_nh_set_ifindex(hop, (int)from->ifindex);
	if (from->via != 0) {
		struct nl_addr *via = netlink_nl_addr((struct ip4_prefix) { from->via, 32 });
		rtnl_route_nh_set_gateway(hop, via);
		nl_addr_put(via);
	}
	if (from->src != 0) {
		struct nl_addr *src = netlink_nl_addr((struct ip4_prefix) { from->src, 32 });
		rtnl_route_set_pref_src(route, src);
		nl_addr_put(src);
	}
	rtnl_route_add_nexthop(route, hop);
}

static struct rtnl_route *
route_build(const struct netlink_route *from)
{
	struct rtnl_route *route = netlink_must(rtnl_route_alloc());
	struct nl_addr *to = netlink_nl_addr(from->to);

	rtnl_route_set_family(route, AF_INET);
	rtnl_route_set_dst(route, to);
	rtnl_route_set_table(route, from->table != 0 ? from->table : RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, from->protocol != 0 ? from->protocol : RTPROT_BOOT);
	nl_addr_put(to);
	if (from->throws)
		rtnl_route_set_type(route, RTN_THROW);
	else
		route_add_hop(route, from);
	return route;
}

int
netlink_route_add(struct netlink *nl, const struct netlink_route *from)
{
	struct rtnl_route *route = route_build(from);
	int err = rtnl_route_add(nl->sock, route, NLM_F_CREATE | NLM_F_REPLACE);

	rtnl_route_put(route);
	return netlink_errno(err);
}

int
netlink_route_del(struct netlink *nl, const struct netlink_route *from)
{
	struct rtnl_route *route = route_build(from);
	int err = rtnl_route_delete(nl->sock, route, 0);

	rtnl_route_put(route);
	return netlink_errno(err);
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */

static struct rtnl_rule *
rule_build(const struct netlink_rule *from)
{
	struct rtnl_rule *rule = netlink_must(rtnl_rule_alloc());

	rtnl_rule_set_family(rule, AF_INET);
	rtnl_rule_set_prio(rule, from->priority);
	if (!from->drops)
		rtnl_rule_set_table(rule, from->table);
	rtnl_rule_set_action(rule, from->drops ? FR_ACT_BLACKHOLE : FR_ACT_TO_TBL);
	if (from->protocol != 0)
		rtnl_rule_set_protocol(rule, from->protocol);
	if (from->dports.first != 0)
		rtnl_rule_set_dport_range(rule, from->dports.first, from->dports.last);
	if (from->transport != 0)
		rtnl_rule_set_ipproto(rule, from->transport);
	if (from->iif != NULL)
		rtnl_rule_set_iif(rule, from->iif);
	if (from->to.len > 0) {
		struct nl_addr *to = netlink_nl_addr(from->to);
		rtnl_rule_set_dst(rule, to);
		nl_addr_put(to);
	}
	if (from->from.len > 0) {
		struct nl_addr *src = netlink_nl_addr(from->from);
		rtnl_rule_set_src(rule, src);
		nl_addr_put(src);
	}
	return rule;
}

int
netlink_rule_add(struct netlink *nl, const struct netlink_rule *from)
{
	struct rtnl_rule *rule = rule_build(from);
	int err = rtnl_rule_add(nl->sock, rule, NLM_F_CREATE);

	rtnl_rule_put(rule);
	return netlink_errno(err);
}

int
netlink_rule_del(struct netlink *nl, const struct netlink_rule *from)
{
	struct rtnl_rule *rule = rule_build(from);
	int err = rtnl_rule_delete(nl->sock, rule, 0);

	rtnl_rule_put(rule);
	return netlink_errno(err);
}

/* --- what is there -------------------------------------------------------------------------------------------------- */

static bool
is_connected(struct rtnl_route *route)
{
	return rtnl_route_get_table(route) == RT_TABLE_MAIN && rtnl_route_get_scope(route) == RT_SCOPE_LINK &&
	       rtnl_route_get_type(route) == RTN_UNICAST && nl_addr_get_prefixlen(rtnl_route_get_dst(route)) > 0;
}

size_t
netlink_connected(struct netlink *nl, struct ip4_prefix **out)
{
	struct nl_cache *routes = NULL;
	size_t n = 0;

	*out = NULL;
	if (rtnl_route_alloc_cache(nl->sock, AF_INET, 0, &routes) != 0)
		return 0;
	*out = mem_zero((size_t)nl_cache_nitems(routes), sizeof(**out));
	for (struct nl_object *o = nl_cache_get_first(routes); o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_route *route = (struct rtnl_route *)o;

		if (!is_connected(route))
			continue;
		(*out)[n].addr = netlink_ip4(rtnl_route_get_dst(route));
		(*out)[n++].len = (uint8_t)nl_addr_get_prefixlen(rtnl_route_get_dst(route));
	}
	nl_cache_free(routes);
	return n;
}

/* libnl's cache of rules holds those of all families, whichever was asked for. */
bool
netlink_rule_asks(struct netlink *nl, uint32_t priority, uint32_t table)
{
	struct nl_cache *rules = NULL;
	bool asks = false;

	if (rtnl_rule_alloc_cache(nl->sock, AF_INET, &rules) != 0)
		return false;
	for (struct nl_object *o = nl_cache_get_first(rules); o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_rule *rule = (struct rtnl_rule *)o;

		asks |= rtnl_rule_get_family(rule) == AF_INET && rtnl_rule_get_prio(rule) == priority &&
		        rtnl_rule_get_table(rule) == table && rtnl_rule_get_action(rule) == FR_ACT_TO_TBL &&
		        rtnl_rule_get_src(rule) == NULL && rtnl_rule_get_dst(rule) == NULL &&
		        rtnl_rule_get_iif(rule) == NULL;
	}
	nl_cache_free(rules);
	return asks;
}

static void
purge_rules(struct netlink *nl, uint8_t protocol)
{
	struct nl_cache *rules = NULL;
	uint8_t made_by;

	if (rtnl_rule_alloc_cache(nl->sock, AF_INET, &rules) != 0)
		return;
	for (struct nl_object *o = nl_cache_get_first(rules); o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_rule *rule = (struct rtnl_rule *)o;

		if (rtnl_rule_get_family(rule) == AF_INET && rtnl_rule_get_protocol(rule, &made_by) == 0 && made_by == protocol)
			rtnl_rule_delete(nl->sock, rule, 0);
	}
	nl_cache_free(rules);
}

static void
purge_routes(struct netlink *nl, uint8_t protocol)
{
	struct nl_cache *routes = NULL;

	if (rtnl_route_alloc_cache(nl->sock, AF_INET, 0, &routes) != 0)
		return;
	for (struct nl_object *o = nl_cache_get_first(routes); o != NULL; o = nl_cache_get_next(o)) {
		if (rtnl_route_get_protocol((struct rtnl_route *)o) == protocol)
			rtnl_route_delete(nl->sock, (struct rtnl_route *)o, 0);
	}
	nl_cache_free(routes);
}

void
netlink_purge(struct netlink *nl, uint8_t protocol)
{
	purge_rules(nl, protocol);
	purge_routes(nl, protocol);
}
