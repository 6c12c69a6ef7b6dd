/* What the gateway says: answers, what it says unasked, and what is not believed. */
#include "agent_impl.h"
#include "clock.h"
#include "lease.h"
#include "log.h"
#include "names.h"
#include "reason.h"
#include "when.h"

#define TAKEN_WAIT_MS 1000 /* before asking again for what the gateway has just taken away */

static struct log_limit async_limit, junk_limit, trust_limit;

/* RFC 3103 9.5, 9.13, 10.4: the three messages that come unasked, with counter 0. */
static void
input_async(struct agent *agent, const struct rsip_message *m)
{
	char said[REASON_MAX];
	struct lease *lease;

	switch (m->type) {
	case RSIP_FREE_RESPONSE:
		if ((lease = agent_lease_by_bind_id(agent, m->bind_id)) == NULL)
			return;
		log_warn("agent", "lease taken away by the gateway bind_id=%u", m->bind_id);
		agent_take_lease(agent, lease, TAKEN_WAIT_MS);
		break;
	case RSIP_DE_REGISTER_RESPONSE:
		agent_lose(agent, "de-registered by the gateway", false, backoff_fail(&agent->registering));
		break;
	case RSIP_ERROR_RESPONSE:
		reason_said(m, said, sizeof(said));
		log_warn_limited(&async_limit, "agent", "gateway refuses our packets error=%s text=\"%s\"",
		    rsip_error_name(m->error), said);
		if (m->error == RSIP_REGISTER_FIRST)
			agent_lose(agent, "the gateway does not know it", true, 0);
		else if (m->error == RSIP_LOCAL_ADDR_UNALLOWED || m->error == RSIP_LOCAL_ADDRPORT_UNALLOWED)
			agent_doubt(agent);
		break;
	default:
		break;
	}
}

/* The answer to the request under way, or to the one given up, for which it is late but not too late. */
static bool
answers(const struct agent *agent, const struct rsip_message *m)
{
	if (agent->exchange == EXCHANGE_NONE || (m->has_counter && m->counter != agent->counter))
		return false;
	if (m->type != RSIP_ERROR_RESPONSE && m->type != rsip_msg_response_to(agent->last[1]) &&
	    !(m->type == RSIP_FREE_RESPONSE && agent->exchange == EXCHANGE_EXTEND))
		return false;
	/* A gateway that counts nothing over TCP: only the bind ID tells a FREE_RESPONSE of its own accord. */
	return m->has_counter || !m->has_bind_id || agent->subject == NULL || agent->exchange == EXCHANGE_ASSIGN ||
	       m->bind_id == agent->subject->grant.bind_id;
}

static void
input_answer(struct agent *agent, const struct rsip_message *m)
{
	const struct exchange_ops *ops = &exchange_ops[agent->exchange];

	if (!agent_in_flight(agent))
		agent_move(agent, ops->sending);
	backoff_reset(&agent->reconnect);
	if (m->type != RSIP_ERROR_RESPONSE)
		ops->done(agent, m);
	else if (agent_registered(agent) && (m->error == RSIP_REGISTER_FIRST || m->error == RSIP_BAD_CLIENT_ID))
		agent_lose(agent, "the gateway does not know it", m->error == RSIP_REGISTER_FIRST, 0);
	else
		ops->refused(agent, m);
	agent_forget_exchange(agent);
	agent_rest(agent);
}

/* Its counter was behind: the same again with one that is not. */
static void
ask_again(struct agent *agent)
{
	enum exchange exchange = agent->exchange;
	struct lease *subject = agent->subject;

	log_info("agent", "the gateway has seen higher counters of this identity: asking again");
	agent_forget_exchange(agent);
	agent_rest(agent);
	if (agent->online)
		agent_begin(agent, exchange, subject);
}

static void
log_refused(const struct agent *agent, const struct rsip_message *m)
{
	char said[REASON_MAX];

	reason_said(m, said, sizeof(said));
	log_warn_limited(&trust_limit, "agent", "message discarded, it does not prove to be the gateway's: compare identity and "
	    "key-file of both ends type=%s error=%s text=\"%s\" refused=%llu", rsip_msg_name(m->type),
	    rsip_error_name(m->error), said, (unsigned long long)agent->trust.refused);
}

static void
input_trusted(struct agent *agent, const struct rsip_message *m, enum trust_verdict trust)
{
	bool asked = trust != TRUST_NOTICE, unasked = trust != TRUST_ANSWER;

	if (asked && !(m->has_counter && m->counter == 0) && answers(agent, m))
		input_answer(agent, m);
	else if (unasked && agent_registered(agent) && (!m->has_counter || m->counter == 0))
		input_async(agent, m);
}

/* "An RSIP host that detects an error in a message received from an RSIP gateway MUST silently discard the message"
 * (RFC 3103 9.1.3), and so it does with a client ID "that has no meaning to the host" (10.2.1). */
void
agent_input(struct agent *agent, const void *bytes, size_t len)
{
	static struct rsip_message m;
	enum rsip_error fault = message_decode(&m, bytes, len);
	enum trust_verdict trust;

	if (fault != RSIP_OK || rsip_msg_is_request(m.type)) {
		log_warn_limited(&junk_limit, "agent", "message discarded type=%s fault=%s len=%zu", rsip_msg_name(m.type),
		    fault == RSIP_OK ? "a request" : rsip_error_name(fault), len);
		return;
	}
	log_debug("agent", "received type=%s counter=%u", rsip_msg_name(m.type), m.has_counter ? m.counter : 0);
	trust = trust_read(&agent->trust, agent->link_addr, bytes, message_whole_len(bytes, len),
	    agent->exchange != EXCHANGE_NONE ? agent->last : NULL, agent->last_len);
	if (trust == TRUST_REFUSED) {
		log_refused(agent, &m);
		return;
	}
	if (trust == TRUST_REPLAY)
		ask_again(agent);
	else if (!agent_registered(agent) || !m.has_client_id || m.client_id == agent->reg.client_id)
		input_trusted(agent, &m, trust);
	else
		return;
	agent_run(agent);
}

static bool
is_call(const struct rsip_message *m)
{
	return m->type == RSIP_ERROR_RESPONSE && m->error == RSIP_REGISTER_FIRST && m->has_counter && m->counter == 0;
}

/* RFC 3103 10.2.2. A QUERY has no effect but its answer, which is REGISTER_FIRST where the call was true. */
void
agent_called(struct agent *agent, const void *bytes, size_t len)
{
	static struct rsip_message m;
	int64_t now = clock_now();

	if (message_decode(&m, bytes, len) != RSIP_OK || !is_call(&m) || !agent_registered(agent) ||
	    now - agent->called_at < AGENT_CALLED_PAUSE_MS)
		return;
	log_info("agent", "gateway says that it does not know us: asking it");
	agent->called_at = now;
	agent->query_at = now;
	agent->open_at = when_sooner(agent->open_at, now); /* it lives: no need to wait */
	if (agent->again_at != WHEN_NEVER)
		agent->again_at = now;
	agent_run(agent);
}
