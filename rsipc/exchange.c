#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "reason.h"
#include "renew.h"
#include "request.h"
#include "when.h"

#define MOVE_AGAIN_MS 1000 /* before asking again, of a gateway that says that it cannot now */
#define UNWANTED_S 60 /* for so long a binding of no lease time is there to be freed */
#define QUERY_TCP_MS 600000 /* how often to ask what is local: it may change at a reload of the gateway */
#define QUERY_UDP_MS 60000  /* over UDP also to notice a gateway that has forgotten us: no connection breaks */

static void
log_refusal(const char *what, const struct rsip_message *m, int64_t wait_ms)
{
	char text[REASON_MAX];

	reason_text(m, text, sizeof(text));
	log_warn("agent", "%s refused error=%s text=\"%s\" retry_in_ms=%lld", what, rsip_error_name(m->error), text,
	    (long long)wait_ms);
}

/* R = max(R, Bi), RFC 3103 6. */
static void
prolong(struct agent *agent, int64_t expires)
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
	log_refusal("registration", m, wait);
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
		log_refusal("de-registration", m, 0);
	agent->has_stale = false;
	agent->stop_by = clock_now(); /* when it was to stop: there is nothing better to try */
}

static bool
de_register_silent(struct agent *agent)
{
	agent->stop_by = clock_now();
	return !agent_registered(agent);
}

/* ---- ASSIGN and LISTEN, RFC 3103 9.6, 9.8, 9.16, RFC 3104 6.2 ---- */

/* All leases go through one tunnel, so the first one decides on its key. */
static struct tunnel_kind
tunnel_wanted(const struct agent *agent)
{
	const struct lease *held = agent_any_held(agent);

	return (struct tunnel_kind){
		.type = agent->conf->tunnel,
		.gre_key = held != NULL ? held->grant.gre_key : agent->conf->gre_key,
	};
}

static void
assign_build(const struct agent *agent, struct rsip_message *m)
{
	const struct lease *lease = agent->subject;

	request_assign(m, agent->reg.client_id, agent->reg.remote_flow, lease, agent_near(agent, lease),
	               tunnel_wanted(agent));
}

static void
log_grant(const struct lease *lease, uint32_t lease_s)
{
	const struct grant *grant = &lease->grant;
	char addr[IP4_STRLEN];

	log_info("agent", "leased name=%s bind_id=%u method=%s address=%s ports=%u first_port=%u lease_s=%u",
	    lease->want->name, grant->bind_id, rsip_method_name(grant->method), ip4_str(grant->address, addr),
	    grant_port_count(grant), grant->n_ports > 0 ? grant->ports[0].first : 0, lease_s);
}

/* A binding that we have but cannot use, or that nobody waits for any more, is freed (RFC 3103 9.7.3). */
static void
assign_unusable(struct agent *agent, struct lease *lease, const struct grant *grant, const struct rsip_message *m,
    const char *fault)
{
	struct lease *unwanted = lease_new(NULL, lease != NULL ? lease->owner : NULL);

	log_warn("agent", "grant given back bind_id=%u reason=\"%s\"", grant->bind_id, fault);
	lease_granted(unwanted, grant, m->lease_time != 0 ? m->lease_time : UNWANTED_S);
	unwanted->state = LEASE_UNWANTED;
	DL_APPEND(agent->leases, unwanted);
	if (lease == NULL)
		return;
	if (lease->want == NULL) {
		agent_drop_lease(agent, lease);
		return;
	}
	lease->error = RSIP_UNKNOWN_ERROR;
	snprintf(lease->error_text, sizeof(lease->error_text), "the gateway's grant cannot be used: %s", fault);
	lease->ask_at = clock_now() + backoff_fail(&lease->backoff);
}

/* Gateways that do not know our extensions ignore them. The lease is of use all the same. */
static void
warn_of_the_missing(const struct conf_lease *want, const struct rsip_message *m, uint32_t gre_key)
{
	char peer[IP4_STRLEN];

	if (want->cookie_block && !m->has_cookie)
		log_warn("agent", "the gateway leases no block of IKE cookies, it has to learn them lease=%s", want->name);
	if (gre_key != 0 && m->gre_key == 0)
		log_warn("agent", "the gateway does not speak GRE keys, the tunnel has none lease=%s", want->name);
	if (want->ike_peer != 0 && m->ike_listener != want->ike_peer)
		log_warn("agent", "the gateway lets no peer begin IKE with us, it ignores ike-peer lease=%s peer=%s", want->name,
		    ip4_str(want->ike_peer, peer));
}

static void
assign_done(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;
	struct grant_asked asked = {
		.lease = lease != NULL ? lease->want : NULL,
		.n_ports = lease != NULL ? lease->n_ports : 0,
		.tunnel = tunnel_wanted(agent),
		.key_settled = agent_any_held(agent) != NULL,
	};
	struct grant grant;
	const char *fault = grant_read(&grant, m, &asked);

	agent->changed = true;
	if (fault != NULL) {
		assign_unusable(agent, lease, &grant, m, fault);
		return;
	}
	lease_granted(lease, &grant, m->lease_time);
	prolong(agent, lease->expires);
	log_grant(lease, m->lease_time);
	warn_of_the_missing(lease->want, m, asked.tunnel.gre_key);
}

/* Errors that another choice of address, ports or SPIs may avoid. */
static bool
is_about_choice(enum rsip_error error)
{
	switch (error) {
	case RSIP_LOCAL_ADDR_UNAVAILABLE:
	case RSIP_LOCAL_ADDRPORT_UNAVAILABLE:
	case RSIP_LOCAL_ADDR_INUSE:
	case RSIP_LOCAL_ADDRPORT_INUSE:
	case RSIP_LOCAL_ADDR_UNALLOWED:
	case RSIP_LOCAL_ADDRPORT_UNALLOWED:
	case RSIP_IPSEC_SPI_UNAVAILABLE:
	case RSIP_IPSEC_SPI_INUSE:
		return true;
	default:
		return false;
	}
}

/* What was asked for by name cannot be had: ask for less by name, at once. False when there was no name to drop. */
static bool
ask_for_less(struct agent *agent, struct lease *lease)
{
	if (lease->ask == ASK_SAME) {
		lease->ask = ASK_NEAR;
		return true;
	}
	if (lease->ask == ASK_NEAR && agent_near(agent, lease) != 0 && !lease->extra) { /* more, but not of another address */
		lease->ask = ASK_ANY;
		return true;
	}
	return false;
}

static void
assign_refused(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;
	char what[96];
	int64_t wait;

	agent->changed = true;
	if (lease == NULL)
		return;
	if (lease->want == NULL) {
		agent_drop_lease(agent, lease);
		return;
	}
	if (is_about_choice(m->error) && ask_for_less(agent, lease)) {
		log_debug("agent", "lease refused by name, asking for less name=%s error=%s", lease->want->name,
		    rsip_error_name(m->error));
		return;
	}
	wait = backoff_fail(&lease->backoff);
	lease->ask = ASK_NEAR;
	lease->ask_at = clock_now() + wait;
	lease->error = m->error;
	reason_text(m, lease->error_text, sizeof(lease->error_text));
	snprintf(what, sizeof(what), "lease %s", lease->want->name);
	log_refusal(what, m, wait);
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
	prolong(agent, lease->expires);
	agent->changed = true;
	log_debug("agent", "extended bind_id=%u lease_s=%u", m->bind_id, m->lease_time);
}

static void
extend_refused(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;

	log_refusal(agent->moving ? "move" : "extension", m, 0);
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
	log_refusal("free", m, 0);
	if (agent->subject != NULL)
		agent_drop_lease(agent, agent->subject);
	agent_doubt(agent);
}

const struct exchange_ops exchange_ops[EXCHANGE_KINDS] = {
	[EXCHANGE_REGISTER] = { "register", EV_SEND_REGISTER, register_build, register_done, register_refused,
	    silent_repeat },
	[EXCHANGE_DE_REGISTER] = { "de-register", EV_SEND_DE_REGISTER, de_register_build, de_register_done,
	    de_register_refused, de_register_silent },
	[EXCHANGE_ASSIGN] = { "assign", EV_SEND_ASSIGN, assign_build, assign_done, assign_refused, silent_repeat },
	[EXCHANGE_QUERY] = { "query", EV_SEND_QUERY, query_build, query_done, query_refused, silent_repeat },
	[EXCHANGE_EXTEND] = { "extend", EV_SEND_EXTEND, extend_build, extend_done, extend_refused, extend_silent },
	[EXCHANGE_FREE] = { "free", EV_SEND_FREE, free_build, free_done, free_refused, silent_repeat },
};
