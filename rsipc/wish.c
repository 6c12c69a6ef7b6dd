#include "wish.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "mem.h"

/* Into a set of at most WISH_ADDRS. */
static void
add_address(ip4_t *addrs, size_t *n, ip4_t addr)
{
	for (size_t i = 0; i < *n; i++) {
		if (addrs[i] == addr)
			return;
	}
	if (*n < WISH_ADDRS)
		addrs[(*n)++] = addr;
}

static void
add_ports(struct wish *wish, const struct grant *grant)
{
	wish->ports = mem_grow(wish->ports, wish->n_ports + grant->n_ports, sizeof(*wish->ports));
	memcpy(wish->ports + wish->n_ports, grant->ports, grant->n_ports * sizeof(*wish->ports));
	wish->n_ports += grant->n_ports;
}

/* Appends all ranges of the grant to a list. */
static void
add_ranges(struct wish_ports **list, size_t *n, const struct grant *grant)
{
	*list = mem_grow(*list, *n + grant->n_ports, sizeof(**list));
	for (unsigned i = 0; i < grant->n_ports; i++)
		(*list)[(*n)++] = (struct wish_ports){ .addr = grant->address, .ports = grant->ports[i] };
}

static void
add_local(struct wish *wish, struct ip4_prefix prefix)
{
	wish->locals = mem_grow(wish->locals, wish->n_locals + 1, sizeof(prefix));
	wish->locals[wish->n_locals++] = prefix;
}

/* Leases may name another tunnel end than the gateway, but only all the same one: there is one tunnel. The agent sees
 * to it that all have the same GRE key. */
static void
take_endpoint(struct wish *wish, const struct conf *conf, const struct grant *grant)
{
	ip4_t end = grant->endpoint != 0 ? grant->endpoint : conf->gateway;

	if (wish->remote == 0) {
		wish->remote = end;
		wish->gre_key = grant->gre_key;
	} else if (wish->remote != end) {
		log_warn("lease", "has another tunnel end than the others and is of no use bind_id=%u", grant->bind_id);
	}
}

/* A host with a whole address as its first needs no confinement: all ports of it are its own. */
static void
take_host_lease(struct wish *wish, const struct grant *grant)
{
	add_address(wish->addrs, &wish->n_addrs, grant->address);
	if (grant->method != RSIP_METHOD_RSA_IP) {
		add_address(wish->shared, &wish->n_shared, grant->address);
		add_ranges(&wish->owns, &wish->n_owns, grant);
	}
	if (grant->address != wish->addrs[0])
		return;
	wish->confine = grant->method != RSIP_METHOD_RSA_IP;
	if (!grant->listen)
		add_ports(wish, grant);
}

static void
add_route(struct wish *wish, struct ip4_prefix prefix)
{
	wish->routes = mem_grow(wish->routes, wish->n_routes + 1, sizeof(prefix));
	wish->routes[wish->n_routes++] = prefix;
}

static bool
is_routed(const struct conf *conf, ip4_t peer)
{
	for (size_t i = 0; i < conf->n_routes; i++) {
		if (ip4_prefix_has(conf->routes[i], peer))
			return true;
	}
	return false;
}

/* A lease that programs may use without asking for it: they get the first address as their source. */
static bool
is_for_anyone(const struct wish *wish, const struct lease *lease)
{
	return lease->state == LEASE_HELD && lease->owner == NULL && !lease->grant.listen &&
	       lease->grant.address == wish->addrs[0];
}

/* Where all such leases are bound to a remote address, "the host MUST use the specified local parameters only with the
 * remote address specified" (RFC 3103 7.2): only these peers are reached through the tunnel. */
static void
take_routes(struct wish *wish, const struct conf *conf, const struct agent *agent)
{
	bool bound = false;

	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (!is_for_anyone(wish, l))
			continue;
		bound = l->grant.remote != 0;
		if (!bound)
			break;
		if (is_routed(conf, l->grant.remote))
			add_route(wish, (struct ip4_prefix){ l->grant.remote, 32 });
	}
	if (bound)
		return;
	wish->n_routes = 0;
	for (size_t i = 0; i < conf->n_routes; i++)
		add_route(wish, conf->routes[i]);
}

void
wish_read(struct wish *wish, const struct conf *conf, const struct agent *agent, bool host_wide)
{
	size_t n_locals;
	const struct ip4_prefix *locals = agent_locals(agent, &n_locals);

	*wish = (struct wish){ 0 };
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->state != LEASE_HELD)
			continue;
		take_endpoint(wish, conf, &l->grant);
		if (l->owner != NULL)
			add_ranges(&wish->guests, &wish->n_guests, &l->grant);
		else if (host_wide)
			take_host_lease(wish, &l->grant);
	}
	if (wish->remote == 0)
		return;
	wish->local = agent_host_addr(agent);
	take_routes(wish, conf, agent);
	add_local(wish, (struct ip4_prefix){ conf->gateway, 32 });
	add_local(wish, (struct ip4_prefix){ wish->remote, 32 });
	for (size_t i = 0; i < n_locals; i++)
		add_local(wish, locals[i]);
}

void
wish_clear(struct wish *wish)
{
	free(wish->ports);
	free(wish->locals);
	free(wish->routes);
	free(wish->guests);
	free(wish->owns);
	*wish = (struct wish){ 0 };
}
