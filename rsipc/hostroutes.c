#include "hostroutes.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "routes.h"
#include "sharing.h"
#include "wish.h"

#define PRIORITY_ARRIVED 4564
#define PRIORITY_FROM 4565
#define PRIORITY_NEW 4566

struct hostroutes {
	const struct conf *conf;
	struct netlink *nl;
	struct routes *routes;
	bool local_away; /* sharing.h */
};

static const struct ip4_prefix unchosen = { .addr = 0, .len = 32 }; /* matches source 0.0.0.0 only */

/* ---- what goes through the tunnel, and what does not ---- */

static void
throw_back(struct hostroutes *hr, struct ip4_prefix prefix)
{
	struct netlink_route route = { .to = prefix, .throws = true };

	route.table = HOSTROUTES_TABLE_FROM;
	routes_want_route(hr->routes, route);
	route.table = HOSTROUTES_TABLE_NEW;
	routes_want_route(hr->routes, route);
}

/* A gateway on this machine routes what we hand over to it to itself. Packets between its hosts it keeps to itself, too;
 * one that it sends on to the address is for another holder of that. */
static bool
is_handed_over(const struct hostroutes *hr, const struct wish *wish, struct ip4_prefix prefix)
{
	for (size_t i = 0; hr->conf->handover != NULL && i < wish->n_addrs; i++) {
		if (ip4_prefix_has(prefix, wish->addrs[i]))
			return true;
	}
	return false;
}

/* Throws come first: where the config names a local network, the network stays local. */
static void
want_throws(struct hostroutes *hr, const struct wish *wish)
{
	struct ip4_prefix *connected;
	size_t n = netlink_connected(hr->nl, &connected);

	for (size_t i = 0; i < wish->n_locals; i++)
		throw_back(hr, wish->locals[i]);
	for (size_t i = 0; i < n; i++) {
		if (!is_handed_over(hr, wish, connected[i]))
			throw_back(hr, connected[i]);
	}
	free(connected);
}

/* A prefix that lies inside a local network is local, too, although its route would be the longer match. */
static bool
is_local(const struct wish *wish, struct ip4_prefix prefix)
{
	for (size_t i = 0; i < wish->n_locals; i++) {
		if (wish->locals[i].len <= prefix.len && ip4_prefix_has(wish->locals[i], prefix.addr))
			return true;
	}
	return false;
}

static void
want_tunnelled(struct hostroutes *hr, const struct wish *wish, unsigned ifindex)
{
	struct netlink_route route = { .ifindex = ifindex, .table = HOSTROUTES_TABLE_FROM };

	routes_want_route(hr->routes, route); /* 0.0.0.0/0 */
	if (hr->conf->handover != NULL)
		return;
	route.table = HOSTROUTES_TABLE_NEW;
	route.src = wish->addrs[0];
	for (size_t i = 0; i < wish->n_routes; i++) {
		route.to = wish->routes[i];
		if (!is_local(wish, route.to))
			routes_want_route(hr->routes, route);
	}
}

static void
want_rules(struct hostroutes *hr, const struct wish *wish)
{
	struct netlink_rule rule = { .priority = PRIORITY_FROM, .table = HOSTROUTES_TABLE_FROM, .from.len = 32 };

	for (size_t i = 0; i < wish->n_addrs; i++) {
		rule.from.addr = wish->addrs[i];
		routes_want_rule(hr->routes, rule);
	}
	if (hr->conf->handover != NULL)
		rule = (struct netlink_rule){ .priority = PRIORITY_ARRIVED, .table = RT_TABLE_MAIN, .iif = hr->conf->device };
	else
		rule = (struct netlink_rule){ .priority = PRIORITY_NEW, .table = HOSTROUTES_TABLE_NEW, .from = unchosen };
	routes_want_rule(hr->routes, rule);
}

/* ---- the address is other machines', too ---- */

static bool
want_sharing(struct hostroutes *hr, const struct wish *wish)
{
	for (size_t i = 0; i < wish->n_owns; i++)
		sharing_want_port(hr->routes, wish->owns[i].addr, wish->owns[i].ports);
	for (size_t i = 0; i < wish->n_shared; i++)
		sharing_want_address(hr->routes, wish->shared[i], HOSTROUTES_TABLE_FROM);
	return wish->n_shared > 0;
}

/* Packets for commands are dropped before the host's stack answers "no such port"; the relay delivers its own copy. */
static bool
want_shields(struct hostroutes *hr, const struct wish *wish)
{
	struct netlink_rule rule = {
		.priority = SHARING_PRIORITY_DROP, .iif = hr->conf->device, .to.len = 32, .drops = true,
	};

	for (size_t i = 0; i < wish->n_guests; i++) {
		rule.to.addr = wish->guests[i].addr;
		rule.dports = wish->guests[i].ports;
		routes_want_rule(hr->routes, rule);
	}
	return wish->n_guests > 0;
}

static void
move_local(struct hostroutes *hr, bool away)
{
	if (away == hr->local_away)
		return;
	if (sharing_move_local(hr->nl, away, HOSTROUTES_PROTOCOL))
		hr->local_away = away;
	else
		log_error("hostnet", "rule for table local cannot be moved");
}

/* ---- all together ---- */

void
hostroutes_apply(struct hostroutes *hr, const struct wish *wish, unsigned ifindex, bool shield)
{
	bool before_local;

	want_throws(hr, wish);
	want_tunnelled(hr, wish, ifindex);
	want_rules(hr, wish);
	before_local = hr->conf->handover == NULL && want_sharing(hr, wish);
	if (shield)
		before_local |= want_shields(hr, wish);
	routes_commit(hr->routes);
	move_local(hr, before_local);
}

void
hostroutes_clear(struct hostroutes *hr)
{
	routes_commit(hr->routes); /* to nothing */
	move_local(hr, false);
}

struct hostroutes *
hostroutes_new(const struct conf *conf, struct netlink *nl)
{
	struct hostroutes *hr = mem_zero(1, sizeof(*hr));

	hr->conf = conf;
	hr->nl = nl;
	hr->routes = routes_new(nl, HOSTROUTES_PROTOCOL);
	hr->local_away = sharing_local_is_away(nl);
	move_local(hr, false);
	netlink_purge(nl, HOSTROUTES_PROTOCOL);
	return hr;
}

void
hostroutes_free(struct hostroutes *hr)
{
	if (hr == NULL)
		return;
	routes_free(hr->routes);
	free(hr);
}
