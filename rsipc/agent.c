#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "when.h"

#define STOP_MS 3000 /* how long a clean exit waits for the gateway */

/* ---- transport ---- */

void
agent_up(struct agent *agent, ip4_t host_addr)
{
	bool elsewhere = agent->host_addr != 0 && agent->host_addr != host_addr && agent_registered(agent);

	agent->opening = false;
	agent->online = true;
	agent->link_addr = host_addr;
	agent->changed = true;
	if (elsewhere && agent->conf->identity != NULL)
		agent->moving = true; /* and stays so, should we be back before the gateway has answered */
	else if (elsewhere) /* to the gateway, a host without an identity is its source address */
		agent_lose(agent, "this host's own address has changed", false, 0);
	agent->move_at = 0;
	if (!agent->moving || agent->host_addr == 0)
		agent->host_addr = host_addr;
	agent_verify_leases(agent);
	agent_run(agent);
}

void
agent_relocate(struct agent *agent)
{
	if (agent->stopping || agent->link_addr == 0)
		return;
	log_info("agent", "this host's own address has changed");
	agent_forget_exchange(agent);
	agent_rest(agent);
	agent_reopen(agent, 0);
	agent_run(agent);
}

/* The gateway may have forgotten us, and the connection: that would show only when something sent went long unanswered.
 * A session anew tells at once; in it each lease that is not over is extended (agent_up). A clock that is set again and
 * again is no reason to ask that often. */
void
agent_woken(struct agent *agent)
{
	if (!agent->stopping && clock_now() >= agent->doubt_at) {
		log_info("agent", "this machine has slept, or its clock was set: asking the gateway what still holds");
		agent_doubt(agent);
		backoff_reset(&agent->reconnect);
		agent_forget_exchange(agent);
		agent_rest(agent);
		agent->register_at = agent->query_at = clock_now();
		agent_reopen(agent, 0);
	}
	agent_run(agent);
}

void
agent_down(struct agent *agent, const char *why)
{
	int64_t wait = backoff_fail(&agent->reconnect);

	log_warn("agent", "gateway unreachable reason=\"%s\" retry_in_ms=%lld", why, (long long)wait);
	agent->online = agent->opening = false;
	agent->open_at = clock_now() + wait;
	agent->changed = true;
	/* Whether the gateway has carried out the request is unknown. A binding whose grant was lost on the way stays
	 * there unused until its time is over; everything else is asked again and has the same outcome. */
	agent_forget_exchange(agent);
	agent_rest(agent);
	agent_run(agent);
}

/* ---- life ---- */

void
agent_stop(struct agent *agent)
{
	agent->stopping = true;
	agent->stop_by = clock_now() + STOP_MS;
	agent_run(agent);
}

/* The name goes into a message that must be text; a host may be named anything. */
static void
read_hostname(struct agent *agent)
{
	if (gethostname(agent->hostname, sizeof(agent->hostname) - 1) != 0)
		agent->hostname[0] = '\0';
	for (const char *c = agent->hostname; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~') {
			agent->hostname[0] = '\0';
			return;
		}
	}
}

struct agent *
agent_new(const struct conf *conf, bool conf_leases, const struct agent_ops *ops, void *arg)
{
	struct agent *agent = mem_zero(1, sizeof(*agent));

	agent->conf = conf;
	agent->ops = ops;
	agent->arg = arg;
	agent->again_at = WHEN_NEVER;
	agent->doubt_at = clock_now();
	agent->called_at = -AGENT_CALLED_PAUSE_MS;
	agent->trust.conf = conf;
	read_hostname(agent);
	for (size_t i = 0; conf_leases && i < conf->n_leases; i++) {
		struct lease *lease = lease_new(&conf->leases[i], NULL);
		DL_APPEND(agent->leases, lease);
	}
	return agent;
}

void
agent_free(struct agent *agent)
{
	struct lease *lease, *next;

	DL_FOREACH_SAFE(agent->leases, lease, next)
		free(lease);
	free(agent->locals);
	free(agent);
}

const struct lease *
agent_leases(const struct agent *agent)
{
	return agent->leases;
}

const struct ip4_prefix *
agent_locals(const struct agent *agent, size_t *n)
{
	*n = agent->n_locals;
	return agent->locals;
}

const struct agent_registration *
agent_registration(const struct agent *agent)
{
	return agent_registered(agent) ? &agent->reg : NULL;
}

const char *
agent_state_name(const struct agent *agent)
{
	return agent_state_word(agent->state);
}

bool
agent_online(const struct agent *agent)
{
	return agent->online;
}

ip4_t
agent_host_addr(const struct agent *agent)
{
	return agent->host_addr;
}

ip4_t
agent_link_addr(const struct agent *agent)
{
	return agent->link_addr;
}

uint64_t
agent_refused(const struct agent *agent)
{
	return agent->trust.refused;
}
