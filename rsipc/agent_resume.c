/* Taking up what an earlier run of the agent held: agent.h. */
#include <string.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"

void
agent_resume(struct agent *agent, const struct agent_registration *registration)
{
	agent->reg = *registration;
	agent->moving = agent->conf->identity != NULL; /* this may be another address than then */
	agent_move(agent, EV_REGISTERED);
}

static unsigned
spi_count(const struct grant *grant)
{
	unsigned count = 0;

	for (unsigned i = 0; i < grant->n_spis; i++)
		count += grant->spis[i].last - grant->spis[i].first + 1;
	return count;
}

/* None is what a gateway gives that does not speak keys. */
static bool
key_fits(const struct agent *agent, const struct grant *grant)
{
	return grant->gre_key == 0 || grant->gre_key == agent->conf->gre_key;
}

/* The wanted lease of that name which the grant fills, or fills the first part of. */
static struct lease *
lease_for_grant(const struct agent *agent, const char *name, const struct grant *grant)
{
	unsigned ports = grant_port_count(grant);
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		const struct conf_lease *want = lease->want;

		if (lease->state == LEASE_WANTED && !lease->had && want != NULL && strcmp(want->name, name) == 0 &&
		    want->method == grant->method && want->listen == grant->listen && want->spis == spi_count(grant) &&
		    grant->tunnel == agent->conf->tunnel && key_fits(agent, grant) &&
		    ports <= lease->n_ports && (ports > 0 || lease->n_ports == 0))
			return lease;
	}
	return NULL;
}

void
agent_resume_binding(struct agent *agent, const char *name, const struct grant *grant, int64_t expires)
{
	struct lease *lease = lease_for_grant(agent, name, grant), *remainder;
	bool live = agent_registered(agent) && expires > clock_now();

	if (lease == NULL && !live)
		return;
	if (lease == NULL) {
		lease = lease_new(NULL, NULL);
		DL_APPEND(agent->leases, lease);
	} else if ((remainder = lease_carve(lease, (uint16_t)grant_port_count(grant))) != NULL) {
		DL_APPEND_ELEM(agent->leases, lease, remainder);
	}
	lease->grant = *grant;
	if (lease->want != NULL) {
		lease->grant.remote = lease->want->remote;
		lease->grant.remote_ports = (struct port_range){ lease->want->remote_port, lease->want->remote_port };
	}
	lease->had = true;
	lease->ask = ASK_SAME;
	lease->expires = expires;
	if (live)
		lease->state = lease->want != NULL ? LEASE_HELD : LEASE_UNWANTED;
	if (agent->state == AGENT_REGISTERED && live)
		agent_move(agent, EV_HOLDING);
}
