#include "routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

struct set {
	struct netlink_route *routes;
	size_t n_routes;
	struct netlink_rule *rules;
	size_t n_rules;
};

struct routes {
	struct netlink *nl;
	uint8_t protocol;
	struct set now, next;
};

struct routes *
routes_new(struct netlink *nl, uint8_t protocol)
{
	struct routes *routes = mem_zero(1, sizeof(*routes));

	routes->nl = nl;
	routes->protocol = protocol;
	return routes;
}

static void
set_clear(struct set *set)
{
	free(set->routes);
	free(set->rules);
	*set = (struct set){ 0 };
}

void
routes_free(struct routes *routes)
{
	if (routes == NULL)
		return;
	set_clear(&routes->now);
	set_clear(&routes->next);
	free(routes);
}

/* ---- comparing ---- */

static bool
same_prefix(struct ip4_prefix a, struct ip4_prefix b)
{
	return a.addr == b.addr && a.len == b.len;
}

static bool
same_route(const struct netlink_route *a, const struct netlink_route *b)
{
	return same_prefix(a->to, b->to) && a->table == b->table && a->ifindex == b->ifindex && a->via == b->via &&
	       a->src == b->src && a->throws == b->throws;
}

static bool
same_rule(const struct netlink_rule *a, const struct netlink_rule *b)
{
	bool iif = a->iif == NULL || b->iif == NULL ? a->iif == b->iif : strcmp(a->iif, b->iif) == 0;

	return iif && a->priority == b->priority && a->table == b->table && same_prefix(a->from, b->from) &&
	       same_prefix(a->to, b->to) && a->dports.first == b->dports.first && a->dports.last == b->dports.last &&
	       a->drops == b->drops && a->transport == b->transport;
}

static bool
has_route(const struct set *set, const struct netlink_route *route)
{
	for (size_t i = 0; i < set->n_routes; i++) {
		if (same_route(&set->routes[i], route))
			return true;
	}
	return false;
}

static bool
has_rule(const struct set *set, const struct netlink_rule *rule)
{
	for (size_t i = 0; i < set->n_rules; i++) {
		if (same_rule(&set->rules[i], rule))
			return true;
	}
	return false;
}

/* ---- collecting ---- */

void
routes_want_route(struct routes *routes, struct netlink_route route)
{
	struct set *set = &routes->next;

	for (size_t i = 0; i < set->n_routes; i++) {
		if (same_prefix(set->routes[i].to, route.to) && set->routes[i].table == route.table)
			return;
	}
	route.protocol = routes->protocol;
	set->routes = mem_grow(set->routes, set->n_routes + 1, sizeof(route));
	set->routes[set->n_routes++] = route;
}

void
routes_want_rule(struct routes *routes, struct netlink_rule rule)
{
	struct set *set = &routes->next;

	rule.protocol = routes->protocol;
	set->rules = mem_grow(set->rules, set->n_rules + 1, sizeof(rule));
	set->rules[set->n_rules++] = rule;
}

/* ---- changing ---- */

/* Takes out of next what the kernel did not take. */
static void
add_new(struct routes *r)
{
	struct set *next = &r->next;
	char text[IP4_PREFIX_STRLEN];
	int err;

	for (size_t i = 0; i < next->n_routes; i++) {
		if (has_route(&r->now, &next->routes[i]) || (err = netlink_route_add(r->nl, &next->routes[i])) == 0)
			continue;
		log_error("routes", "route refused to=%s table=%u error=\"%s\"", ip4_prefix_str(next->routes[i].to, text),
		    next->routes[i].table, strerror(err));
		next->routes[i--] = next->routes[--next->n_routes];
	}
	for (size_t i = 0; i < next->n_rules; i++) {
		if (has_rule(&r->now, &next->rules[i]) || (err = netlink_rule_add(r->nl, &next->rules[i])) == 0)
			continue;
		log_error("routes", "rule refused priority=%u error=\"%s\"", next->rules[i].priority, strerror(err));
		next->rules[i--] = next->rules[--next->n_rules];
	}
}

/* What went with its device is no fault. */
static void
delete_old(struct routes *r)
{
	for (size_t i = 0; i < r->now.n_rules; i++) {
		if (!has_rule(&r->next, &r->now.rules[i]))
			netlink_rule_del(r->nl, &r->now.rules[i]);
	}
	for (size_t i = 0; i < r->now.n_routes; i++) {
		if (!has_route(&r->next, &r->now.routes[i]))
			netlink_route_del(r->nl, &r->now.routes[i]);
	}
}

void
routes_commit(struct routes *r)
{
	add_new(r);
	delete_old(r);
	set_clear(&r->now);
	r->now = r->next;
	r->next = (struct set){ 0 };
}
