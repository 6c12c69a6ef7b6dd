/* What to do next, and when. */
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "lease.h"
#include "log.h"
#include "when.h"

static struct lease *
first_due(const struct agent *agent, enum lease_state state)
{
	int64_t now = clock_now();
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != state)
			continue;
		if (state == LEASE_UNWANTED || (state == LEASE_WANTED && lease->want != NULL && lease->ask_at <= now) ||
		    (state == LEASE_HELD && lease->renew_at <= now))
			return lease;
	}
	return NULL;
}

/* Cuts the lease to what one request may ask for; what is left over stands behind it and is asked for next. */
static void
assign(struct agent *agent, struct lease *lease)
{
	bool micro = agent->reg.local_flow == RSIP_LOCAL_MICRO;
	struct lease *rest_of_it = lease_carve(lease, lease_ports_per_request(lease->n_ports, micro));

	if (rest_of_it != NULL)
		DL_APPEND_ELEM(agent->leases, lease, rest_of_it);
	agent_begin(agent, EXCHANGE_ASSIGN, lease);
}

/* Until the gateway knows where we are it hears nothing else from us. */
static void
plan_move(struct agent *agent)
{
	struct lease *lease = agent_any_held(agent);

	if (lease != NULL)
		agent_begin(agent, EXCHANGE_EXTEND, lease);
	else
		agent_lose(agent, "this host's own address has changed, and it holds no lease to move", true, 0);
}

static void
plan_registered(struct agent *agent)
{
	struct lease *lease;

	if (agent->moving) {
		if (agent->move_at <= clock_now())
			plan_move(agent);
		return;
	}
	if ((lease = first_due(agent, LEASE_UNWANTED)) != NULL)
		agent_begin(agent, EXCHANGE_FREE, lease);
	else if ((lease = first_due(agent, LEASE_WANTED)) != NULL)
		assign(agent, lease);
	else if ((lease = first_due(agent, LEASE_HELD)) != NULL)
		agent_begin(agent, EXCHANGE_EXTEND, lease);
	else if (agent->query_at <= clock_now())
		agent_begin(agent, EXCHANGE_QUERY, NULL);
}

static void
plan(struct agent *agent)
{
	int64_t now = clock_now();

	if (agent->stopping && (!agent->online || agent->again_at != WHEN_NEVER || agent->stop_by <= now)) {
		agent_end_stop(agent);
	} else if (!agent->online) {
		if (!agent->opening && agent->open_at <= now) {
			agent->opening = true;
			agent->counter = 0;
			agent->ops->open(agent->arg);
		}
	} else if (agent->exchange != EXCHANGE_NONE) {
		if (agent->again_at <= now)
			agent_transmit(agent);
	} else if (agent->stopping) {
		if (agent_registered(agent))
			agent_begin(agent, EXCHANGE_DE_REGISTER, NULL);
		else
			agent_end_stop(agent);
	} else if (agent_registered(agent)) {
		plan_registered(agent);
	} else if (agent->has_stale) {
		agent_begin(agent, EXCHANGE_DE_REGISTER, NULL);
	} else if (agent->register_at <= now) {
		agent_begin(agent, EXCHANGE_REGISTER, NULL);
	}
}

static void
expire(struct agent *agent)
{
	int64_t now = clock_now();
	struct lease *lease, *next;

	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->state != LEASE_WANTED && lease->expires <= now) {
			log_warn("agent", "lease ran out bind_id=%u", lease->grant.bind_id);
			agent_take_lease(agent, lease, 0);
		}
	}
	if (agent_registered(agent) && agent->reg.expires <= now)
		agent_lose(agent, "it ran out", false, 0);
	else if (agent->state == AGENT_ASSIGNED)
		agent_rest(agent);
}

static int64_t
lease_wake(const struct agent *agent)
{
	int64_t when = WHEN_NEVER;
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != LEASE_WANTED)
			when = when_sooner(when, lease->expires);
		if (!agent->online || !agent_registered(agent) || agent->exchange != EXCHANGE_NONE || agent->moving)
			continue;
		if (lease->state == LEASE_HELD)
			when = when_sooner(when, lease->renew_at);
		else if (lease->state == LEASE_WANTED && lease->want != NULL)
			when = when_sooner(when, lease->ask_at);
	}
	return when;
}

/* The next time at which agent_run has something to do. */
static int64_t
next_wake(const struct agent *agent)
{
	int64_t when = when_sooner(retransmit_due(&agent->timer), lease_wake(agent));

	if (agent->stopped)
		return WHEN_NEVER;
	if (agent->stopping)
		when = when_sooner(when, agent->stop_by);
	if (agent_registered(agent))
		when = when_sooner(when, agent->reg.expires);
	if (!agent->online)
		return agent->opening ? when : when_sooner(when, agent->open_at);
	if (agent->exchange != EXCHANGE_NONE)
		return when_sooner(when, agent->again_at);
	if (agent->moving)
		return when_sooner(when, agent->move_at);
	return when_sooner(when, agent_registered(agent) ? agent->query_at : agent->register_at);
}

void
agent_run(struct agent *agent)
{
	if (!agent->stopped) {
		switch (retransmit_step(&agent->timer)) {
		case RETRANSMIT_SEND:
			agent->ops->send(agent->last, agent->last_len, agent->arg);
			break;
		case RETRANSMIT_GIVE_UP:
			agent_give_up(agent);
			break;
		case RETRANSMIT_WAIT:
			break;
		}
		expire(agent);
		plan(agent);
	}
	agent->ops->wake(next_wake(agent), agent->arg);
	if (agent->changed) {
		agent->changed = false;
		agent->ops->changed(agent->arg);
	}
}
