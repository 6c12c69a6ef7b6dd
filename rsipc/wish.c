#include "wish.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "mem.h"

static void
add_address(struct wish *wish, ip4_t addr)
{
	for (size_t i = 0; i < wish->n_addrs; i++) {
		if (wish->addrs[i] == addr)
			return;
	}
	if (wish->n_addrs < WISH_ADDRS)
		wish->addrs[wish->n_addrs++] = addr;
}

static void
add_ports(struct wish *wish, const struct grant *grant)
{
	wish->ports = mem_grow(wish->ports, wish->n_ports + grant->n_ports, sizeof(*wish->ports));
	memcpy(wish->ports + wish->n_ports, grant->ports, grant->n_ports * sizeof(*wish->ports));
	wish->n_ports += grant->n_ports;
}

static void
add_guest(struct wish *wish, const struct grant *grant)
{
	wish->guests = mem_grow(wish->guests, wish->n_guests + grant->n_ports, sizeof(*wish->guests));
	for (unsigned i = 0; i < grant->n_ports; i++)
		wish->guests[wish->n_guests++] = (struct wish_guest){ .addr = grant->address, .ports = grant->ports[i] };
}

static void
add_local(struct wish *wish, struct ip4_prefix prefix)
{
	wish->locals = mem_grow(wish->locals, wish->n_locals + 1, sizeof(prefix));
	wish->locals[wish->n_locals++] = prefix;
}

/* Leases may name another tunnel end than the gateway, but only all the same one: there is one tunnel. */
static void
take_endpoint(struct wish *wish, const struct conf *conf, const struct grant *grant)
{
	ip4_t end = grant->endpoint != 0 ? grant->endpoint : conf->gateway;

	if (wish->remote == 0)
		wish->remote = end;
	else if (wish->remote != end)
		log_warn("lease", "has another tunnel end than the others and is of no use bind_id=%u", grant->bind_id);
}

/* A host with a whole address as its first needs no confinement: all ports of it are its own. */
static void
take_host_lease(struct wish *wish, const struct grant *grant)
{
	add_address(wish, grant->address);
	if (grant->address != wish->addrs[0])
		return;
	wish->confine = grant->method != RSIP_METHOD_RSA_IP;
	if (!grant->listen)
		add_ports(wish, grant);
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
			add_guest(wish, &l->grant);
		else if (host_wide)
			take_host_lease(wish, &l->grant);
	}
	if (wish->remote == 0)
		return;
	wish->local = agent_host_addr(agent);
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
	free(wish->guests);
	*wish = (struct wish){ 0 };
}
