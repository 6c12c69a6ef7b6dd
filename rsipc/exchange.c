#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "exchange_impl.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "reason.h"
#include "renew.h"
#include "request.h"
#include "when.h"

#define MOVE_AGAIN_MS 1000 /* before asking again, of a gateway that says that it cannot now */
#define QUERY_TCP_MS 600000 /* how often to ask what is local: it may change at a reload of the gateway */
#define QUERY_UDP_MS 60000  /* over UDP also to notice a gateway that has forgotten us: no connection breaks */

void
exchange_log_refusal(const char *what, const struct rsip_message *m, int64_t wait_ms)
{
	char text[REASON_MAX];

	reason_text(m, text, sizeof(text));
	log_warn("agent", "%s refused error=%s text=\"%s\" retry_in_ms=%lld", what, rsip_error_name(m->error), text,
	    (long long)wait_ms);
}

/* R = max(R, Bi), RFC 3103 6. */
void
exchange_prolong(struct agent *agent, int64_t expires)
{
	if (agent->reg.expires < expires)
		agent->reg.expires = expires;
}

static bool
silent_repeat(struct agent *agent)
{
	(void)agent;
	return true;
}

/* ---- REGISTER, RFC 3103 9.2 ---- */

static void
register_build(const struct agent *agent, struct rsip_message *m)
{
	request_register(m, agent->hostname);
}

static void
register_done(struct agent *agent, const struct rsip_message *m)
{
	agent->reg.client_id = m->client_id;
	agent->reg.expires = clock_now() + (int64_t)m->lease_time * 1000;
	agent->reg.local_flow = m->local_flow;
	agent->reg.remote_flow = m->remote_flow;
	agent->query_at = 0;
	agent->changed = true;
	agent->host_addr = agent->link_addr;
	trust_renew(&agent->trust);
	backoff_reset(&agent->registering);
	log_info("agent", "registered client_id=%u lease_s=%u", m->client_id, m->lease_time);
	agent_move(agent, EV_REGISTERED);
}

/* ALREADY_REGISTERED tells the client ID of a registration that we do not remember: end it first (RFC 3103 10.2.1). */
static void
register_refused(struct agent *agent, const struct rsip_message *m)
{
	if (m->error == RSIP_ALREADY_REGISTERED && m->has_client_id) {
		log_info("agent", "ending an older registration of this host client_id=%u", m->client_id);
		agent->has_stale = true;
		agent->stale_id = m->client_id;
		return;
	}
	int64_t wait = backoff_fail(&agent->registering);
	agent->register_at = clock_now() + wait;
	exchange_log_refusal("registration", m, wait);
}

/* ---- DE-REGISTER, RFC 3103 9.4: of the registration of the past, or of the present one ---- */

static void
de_register_build(const struct agent *agent, struct rsip_message *m)
{
	request_de_register(m, agent_registered(agent) ? agent->reg.client_id : agent->stale_id);
}

static void
de_register_done(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease, *next;

	log_info("agent", "de-registered client_id=%u", m->client_id);
	agent->has_stale = false;
	agent->changed = true;
	if (!agent_registered(agent))
		return;
	agent_move(agent, EV_UNREGISTERED);
	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->want == NULL)
			agent_drop_lease(agent, lease);
		else if (lease->state == LEASE_HELD)
			lease_lost(lease, 0); /* its values are remembered for the next start */
	}
}

/* "which will generate another error, but this error SHOULD be ignored by the host" (RFC 3103 10.2.2). */
static void
de_register_refused(struct agent *agent, const struct rsip_message *m)
{
	if (agent_registered(agent))
		exchange_log_refusal("de-registration", m, 0);
	agent->has_stale = false;
	agent->stop_by = clock_now(); /* when it was to stop: there is nothing better to try */
}

static bool
de_register_silent(struct agent *agent)
{
	agent->stop_by = clock_now();
	return !agent_registered(agent);
}

/* ---- QUERY, RFC 3103 9.14 ---- */

static void
query_build(const struct agent *agent, struct rsip_message *m)
{
	request_query(m, agent->reg.client_id);
}

static void
query_later(struct agent *agent)
{
	agent->query_at = clock_now() + (agent->conf->udp ? QUERY_UDP_MS : QUERY_TCP_MS);
}

/* The prefix of a "local" tuple; false for what routes cannot say: names and IPv6. */
static bool
tuple_prefix(const struct rsip_tuple *tuple, struct ip4_prefix *prefix)
{
	bool network = tuple->indicator == RSIP_LOCAL_NETWORK;
	uint32_t mask = network ? tuple->netmask.ip4 : UINT32_MAX;

	if ((!network && tuple->indicator != RSIP_LOCAL_ADDRESS) || tuple->addr.type != RSIP_ADDR_IPV4)
		return false;
	prefix->addr = tuple->addr.ip4 & mask;
	prefix->len = (uint8_t)__builtin_popcount(mask); /* masks are contiguous: tuple.h */
	return true;
}

static void
query_done(struct agent *agent, const struct rsip_message *m)
{
	free(agent->locals);
	agent->locals = mem_zero(m->n_tuples + 1u, sizeof(*agent->locals)); /* one more: the next candidate's place */
	agent->n_locals = 0;
	for (unsigned i = 0; i < m->n_tuples; i++) {
		if (tuple_prefix(&m->tuples[i], &agent->locals[agent->n_locals]))
			agent->n_locals++;
	}
	log_debug("agent", "local networks known count=%zu", agent->n_locals);
	agent->changed = true;
	query_later(agent);
}

/* Not knowing what is local, "assume that the queried host or network is remote" (RFC 3103 9.15.3). */
static void
query_refused(struct agent *agent, const struct rsip_message *m)
{
	log_info("agent", "gateway does not tell what is local error=%s", rsip_error_name(m->error));
	query_later(agent);
}

/* ---- EXTEND, RFC 3103 9.10 ---- */

static void
extend_build(const struct agent *agent, struct rsip_message *m)
{
	request_extend(m, agent->reg.client_id, agent->subject);
	m->has_move = agent->moving; /* our extension */
}

/* The gateway has no such binding any more: get another where one is wanted. */
static void
extend_ended(struct agent *agent, struct lease *lease)
{
	agent->changed = true;
	if (lease->want != NULL)
		lease_lost(lease, 0);
	else
		agent_drop_lease(agent, lease);
}

/* The gateway sends the tunnel to our present address: all leases are there, whatever becomes of this one. */
static void
moved(struct agent *agent)
{
	char from[IP4_STRLEN], to[IP4_STRLEN];

	agent->moving = false;
	agent->changed = true;
	if (agent->host_addr != agent->link_addr)
		log_info("agent", "moved from=%s to=%s", ip4_str(agent->host_addr, from), ip4_str(agent->link_addr, to));
	agent->host_addr = agent->link_addr;
}

/* EXTEND_RESPONSE; or FREE_RESPONSE: "the RSIP gateway MAY [...] make it explicitly expire" (9.10.3). */
static void
extend_done(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;

	if (agent->moving)
		moved(agent);
	if (lease == NULL || lease->state == LEASE_WANTED || m->bind_id != lease->grant.bind_id)
		return;
	if (m->type == RSIP_FREE_RESPONSE) {
		log_warn("agent", "lease not extended by the gateway bind_id=%u", m->bind_id);
		extend_ended(agent, lease);
		return;
	}
	renew_granted(&lease->expires, &lease->renew_at, m->lease_time);
	exchange_prolong(agent, lease->expires);
	agent->changed = true;
	log_debug("agent", "extended bind_id=%u lease_s=%u", m->bind_id, m->lease_time);
}

static void
extend_refused(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;

	exchange_log_refusal(agent->moving ? "move" : "extension", m, 0);
	if (agent->moving && m->error != RSIP_BAD_BIND_ID && m->error != RSIP_INTERNAL_SERVER_ERROR) {
		agent_lose(agent, "the gateway does not let it move here", true, 0);
		return;
	}
	if (lease == NULL || lease->state == LEASE_WANTED)
		return;
	agent->move_at = clock_now() + (m->error == RSIP_BAD_BIND_ID ? 0 : MOVE_AGAIN_MS);
	if (m->error == RSIP_BAD_BIND_ID)
		extend_ended(agent, lease);
	else
		lease->renew_at = renew_again(lease->expires);
}

static bool
extend_silent(struct agent *agent)
{
	if (agent->subject != NULL)
		agent->subject->renew_at = renew_again(agent->subject->expires);
	return agent->conf->udp || agent->moving;
}

/* ---- FREE, RFC 3103 9.12 ---- */

static void
free_build(const struct agent *agent, struct rsip_message *m)
{
	request_free(m, agent->reg.client_id, agent->subject);
}

static void
free_done(struct agent *agent, const struct rsip_message *m)
{
	log_info("agent", "freed bind_id=%u", m->bind_id);
	if (agent->subject != NULL)
		agent_drop_lease(agent, agent->subject);
}

/* BAD_BIND_ID means that it is gone, which is what we want; with any other error it goes when its time is over. But it
 * "may indicate that the host and gateway's states have become unsynchronized" (9.12.3): see what else is not as we think. */
static void
free_refused(struct agent *agent, const struct rsip_message *m)
{
	exchange_log_refusal("free", m, 0);
	if (agent->subject != NULL)
		agent_drop_lease(agent, agent->subject);
	agent_doubt(agent);
}

const struct exchange_ops exchange_ops[EXCHANGE_KINDS] = {
	[EXCHANGE_REGISTER] = { "register", EV_SEND_REGISTER, register_build, register_done, register_refused,
	    silent_repeat },
	[EXCHANGE_DE_REGISTER] = { "de-register", EV_SEND_DE_REGISTER, de_register_build, de_register_done,
	    de_register_refused, de_register_silent },
	[EXCHANGE_ASSIGN] = { "assign", EV_SEND_ASSIGN, exchange_assign_build, exchange_assign_done,
	    exchange_assign_refused, silent_repeat },
	[EXCHANGE_QUERY] = { "query", EV_SEND_QUERY, query_build, query_done, query_refused, silent_repeat },
	[EXCHANGE_EXTEND] = { "extend", EV_SEND_EXTEND, extend_build, extend_done, extend_refused, extend_silent },
	[EXCHANGE_FREE] = { "free", EV_SEND_FREE, free_build, free_done, free_refused, silent_repeat },
};
