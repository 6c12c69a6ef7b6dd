/* The request under way: sent, repeated, given up; and the end of a registration, which ends it. */
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "when.h"

bool
agent_in_flight(const struct agent *agent)
{
	return agent->exchange != EXCHANGE_NONE && agent->again_at == WHEN_NEVER;
}

void
agent_rest(struct agent *agent)
{
	switch (agent->state) {
	case AGENT_UNREGISTERED:
	case AGENT_REGISTERED:
		return;
	case AGENT_ASSIGNED:
		if (!agent_holding(agent))
			agent_move(agent, EV_EMPTY);
		return;
	default:
		agent_move(agent, agent_holding(agent) ? EV_HOLDING : EV_EMPTY);
	}
}

void
agent_forget_exchange(struct agent *agent)
{
	agent->exchange = EXCHANGE_NONE;
	agent->subject = NULL;
	agent->again_at = WHEN_NEVER;
	retransmit_stop(&agent->timer);
}

void
agent_transmit(struct agent *agent)
{
	agent->again_at = WHEN_NEVER;
	agent_move(agent, exchange_ops[agent->exchange].sending);
	retransmit_start(&agent->timer, agent->conf->udp ? &retransmit_udp : &retransmit_tcp);
	agent->ops->send(agent->last, agent->last_len, agent->arg);
}

void
agent_begin(struct agent *agent, enum exchange exchange, struct lease *subject)
{
	static struct rsip_message m;

	agent->exchange = exchange;
	agent->subject = subject;
	exchange_ops[exchange].build(agent, &m);
	/* Over TCP the counter is optional; it tells answers from what the gateway says unasked (counter 0). */
	m.has_counter = true;
	m.counter = agent->counter = retransmit_next_counter(agent->counter);
	agent->last_len = message_encode(&m, agent->last, sizeof(agent->last));
	agent->last_len = trust_sign(&agent->trust, agent->link_addr, agent->last, agent->last_len, sizeof(agent->last));
	if (agent->last_len == 0)
		log_fatal("agent", "defect: request cannot be encoded kind=%s", exchange_ops[exchange].name);
	agent_transmit(agent);
}

void
agent_reopen(struct agent *agent, int64_t wait_ms)
{
	agent->ops->close(agent->arg);
	agent->online = agent->opening = false;
	agent->open_at = clock_now() + wait_ms;
	agent->changed = true;
}

void
agent_end_stop(struct agent *agent)
{
	if (agent_registered(agent))
		log_warn("agent", "gateway not told that we leave; its leases run out by themselves");
	agent->stopped = true;
	agent->ops->stopped(agent->arg);
}

/* All attempts went unanswered. Over UDP the same bytes are sent again later: the counter must not move before they are
 * answered (RFC 3103 10.1). Over TCP the connection is given up, except for an EXTEND, to which silence is a lawful
 * answer (9.10.3). */
void
agent_give_up(struct agent *agent)
{
	bool again = exchange_ops[agent->exchange].silent(agent);
	int64_t wait;

	agent_rest(agent);
	if (!again) {
		agent_forget_exchange(agent);
		return;
	}
	wait = backoff_fail(&agent->reconnect);
	log_warn("agent", "gateway does not answer request=%s retry_in_ms=%lld", exchange_ops[agent->exchange].name,
	    (long long)wait);
	if (agent->conf->udp) {
		agent->again_at = clock_now() + wait;
	} else {
		agent_forget_exchange(agent);
		agent_reopen(agent, wait);
	}
}

void
agent_lose(struct agent *agent, const char *why, bool tell, int64_t wait_ms)
{
	struct lease *lease, *next;

	log_warn("agent", "registration lost client_id=%u reason=\"%s\"", agent->reg.client_id, why);
	agent->moving = false;
	agent->host_addr = agent->link_addr;
	agent_forget_exchange(agent);
	agent_move(agent, EV_UNREGISTERED);
	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->state != LEASE_WANTED)
			agent_take_lease(agent, lease, 0);
	}
	agent->has_stale = tell;
	agent->stale_id = agent->reg.client_id;
	agent->register_at = clock_now() + wait_ms;
	agent->changed = true;
	if (agent->conf->udp && agent->online)
		agent_reopen(agent, 0);
}
