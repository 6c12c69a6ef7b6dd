#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "renew.h"
#include "when.h"

#define STOP_MS 3000           /* how long a clean exit waits for the gateway */
#define DOUBT_OVER_MS 60000    /* without errors of the gateway: the next one has all leases checked at once again */
#define CALLED_PAUSE_MS 1000   /* between two questions that calls to the port of RSIP cause */
#define TAKEN_WAIT_MS 1000     /* before asking again for what the gateway has just taken away */

static struct log_limit async_limit, junk_limit, trust_limit;

/* ---- leases ---- */

bool
agent_holding(const struct agent *agent)
{
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != LEASE_WANTED)
			return true;
	}
	return false;
}

void
agent_drop_lease(struct agent *agent, struct lease *lease)
{
	if (agent->subject == lease)
		agent->subject = NULL;
	DL_DELETE(agent->leases, lease);
	free(lease);
	agent->changed = true;
}

/* RSA-IP gives an address of its own; all else goes together on one, so that the host has one public face. */
ip4_t
agent_near(const struct agent *agent, const struct lease *lease)
{
	const struct lease *other;

	if (lease->want->method == RSIP_METHOD_RSA_IP)
		return 0;
	DL_FOREACH(agent->leases, other) {
		if (other->state == LEASE_HELD && other->grant.method != RSIP_METHOD_RSA_IP)
			return other->grant.address;
	}
	return 0;
}

/* What was held is no more: ask again after wait_ms, or forget it where nobody wants it. */
static void
take_lease(struct agent *agent, struct lease *lease, int64_t wait_ms)
{
	if (lease->want == NULL)
		agent_drop_lease(agent, lease);
	else
		lease_lost(lease, wait_ms);
	agent->changed = true;
}

static struct lease *
lease_by_bind_id(const struct agent *agent, uint32_t bind_id)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != LEASE_WANTED && lease->grant.bind_id == bind_id)
			return lease;
	}
	return NULL;
}

/* Has every lease extended now: the answers tell whether the gateway still knows them. */
static void
verify_leases(struct agent *agent)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state == LEASE_HELD)
			lease->renew_at = clock_now();
	}
}

void
agent_doubt(struct agent *agent)
{
	int64_t now = clock_now();

	if (now < agent->doubt_at)
		return;
	if (now - agent->doubt_at >= DOUBT_OVER_MS)
		backoff_reset(&agent->doubting);
	agent->doubt_at = now + backoff_fail(&agent->doubting);
	verify_leases(agent);
}

/* ---- the request under way ---- */

static bool
in_flight(const struct agent *agent)
{
	return agent->exchange != EXCHANGE_NONE && agent->again_at == WHEN_NEVER;
}

/* From a pending state back to registered or assigned; nothing to do in any other. */
static void
rest(struct agent *agent)
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

static void
forget_exchange(struct agent *agent)
{
	agent->exchange = EXCHANGE_NONE;
	agent->subject = NULL;
	agent->again_at = WHEN_NEVER;
	retransmit_stop(&agent->timer);
}

static void
transmit(struct agent *agent)
{
	agent->again_at = WHEN_NEVER;
	agent_move(agent, exchange_ops[agent->exchange].sending);
	retransmit_start(&agent->timer, agent->conf->udp ? &retransmit_udp : &retransmit_tcp);
	agent->ops->send(agent->last, agent->last_len, agent->arg);
}

static void
begin(struct agent *agent, enum exchange exchange, struct lease *subject)
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
	transmit(agent);
}

/* A fresh transport session, in which the counter begins at 1 again. */
static void
reopen(struct agent *agent, int64_t wait_ms)
{
	agent->ops->close(agent->arg);
	agent->online = agent->opening = false;
	agent->open_at = clock_now() + wait_ms;
	agent->changed = true;
}

static void
end_stop(struct agent *agent)
{
	if (agent_registered(agent))
		log_warn("agent", "gateway not told that we leave; its leases run out by themselves");
	agent->stopped = true;
	agent->ops->stopped(agent->arg);
}

/* All attempts went unanswered. Over UDP the same bytes are sent again later: the counter must not move before they are
 * answered (RFC 3103 10.1). Over TCP the connection is given up, except for an EXTEND, to which silence is a lawful
 * answer (9.10.3). */
static void
give_up(struct agent *agent)
{
	bool again = exchange_ops[agent->exchange].silent(agent);
	int64_t wait;

	rest(agent);
	if (!again) {
		forget_exchange(agent);
		return;
	}
	wait = backoff_fail(&agent->reconnect);
	log_warn("agent", "gateway does not answer request=%s retry_in_ms=%lld", exchange_ops[agent->exchange].name,
	    (long long)wait);
	if (agent->conf->udp) {
		agent->again_at = clock_now() + wait;
	} else {
		forget_exchange(agent);
		reopen(agent, wait);
	}
}

void
agent_lose(struct agent *agent, const char *why, bool tell, int64_t wait_ms)
{
	struct lease *lease, *next;

	log_warn("agent", "registration lost client_id=%u reason=\"%s\"", agent->reg.client_id, why);
	agent->moving = false;
	agent->host_addr = agent->link_addr;
	forget_exchange(agent);
	agent_move(agent, EV_UNREGISTERED);
	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->state != LEASE_WANTED)
			take_lease(agent, lease, 0);
	}
	agent->has_stale = tell;
	agent->stale_id = agent->reg.client_id;
	agent->register_at = clock_now() + wait_ms;
	agent->changed = true;
	if (agent->conf->udp && agent->online)
		reopen(agent, 0);
}

/* ---- what to do next ---- */

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
	begin(agent, EXCHANGE_ASSIGN, lease);
}

static struct lease *
any_held(const struct agent *agent)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state == LEASE_HELD)
			return lease;
	}
	return NULL;
}

/* Until the gateway knows where we are it hears nothing else from us. */
static void
plan_move(struct agent *agent)
{
	struct lease *lease = any_held(agent);

	if (lease != NULL)
		begin(agent, EXCHANGE_EXTEND, lease);
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
		begin(agent, EXCHANGE_FREE, lease);
	else if ((lease = first_due(agent, LEASE_WANTED)) != NULL)
		assign(agent, lease);
	else if ((lease = first_due(agent, LEASE_HELD)) != NULL)
		begin(agent, EXCHANGE_EXTEND, lease);
	else if (agent->query_at <= clock_now())
		begin(agent, EXCHANGE_QUERY, NULL);
}

static void
plan(struct agent *agent)
{
	int64_t now = clock_now();

	if (agent->stopping && (!agent->online || agent->again_at != WHEN_NEVER || agent->stop_by <= now)) {
		end_stop(agent);
	} else if (!agent->online) {
		if (!agent->opening && agent->open_at <= now) {
			agent->opening = true;
			agent->counter = 0;
			agent->ops->open(agent->arg);
		}
	} else if (agent->exchange != EXCHANGE_NONE) {
		if (agent->again_at <= now)
			transmit(agent);
	} else if (agent->stopping) {
		if (agent_registered(agent))
			begin(agent, EXCHANGE_DE_REGISTER, NULL);
		else
			end_stop(agent);
	} else if (agent_registered(agent)) {
		plan_registered(agent);
	} else if (agent->has_stale) {
		begin(agent, EXCHANGE_DE_REGISTER, NULL);
	} else if (agent->register_at <= now) {
		begin(agent, EXCHANGE_REGISTER, NULL);
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
			take_lease(agent, lease, 0);
		}
	}
	if (agent_registered(agent) && agent->reg.expires <= now)
		agent_lose(agent, "it ran out", false, 0);
	else if (agent->state == AGENT_ASSIGNED)
		rest(agent);
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
			give_up(agent);
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
	verify_leases(agent);
	agent_run(agent);
}

void
agent_relocate(struct agent *agent)
{
	if (agent->stopping || agent->link_addr == 0)
		return;
	log_info("agent", "this host's own address has changed");
	forget_exchange(agent);
	rest(agent);
	reopen(agent, 0);
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
	forget_exchange(agent);
	rest(agent);
	agent_run(agent);
}

/* ---- what the gateway says ---- */

/* RFC 3103 9.5, 9.13, 10.4: the three messages that come unasked, with counter 0. */
static void
input_async(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease;

	switch (m->type) {
	case RSIP_FREE_RESPONSE:
		if ((lease = lease_by_bind_id(agent, m->bind_id)) == NULL)
			return;
		log_warn("agent", "lease taken away by the gateway bind_id=%u", m->bind_id);
		take_lease(agent, lease, TAKEN_WAIT_MS);
		break;
	case RSIP_DE_REGISTER_RESPONSE:
		agent_lose(agent, "de-registered by the gateway", false, backoff_fail(&agent->registering));
		break;
	case RSIP_ERROR_RESPONSE:
		log_warn_limited(&async_limit, "agent", "gateway refuses our packets error=%s text=\"%.*s\"",
		    rsip_error_name(m->error), m->error_text_len, m->error_text_len > 0 ? m->error_text : "");
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

	if (!in_flight(agent))
		agent_move(agent, ops->sending);
	backoff_reset(&agent->reconnect);
	if (m->type != RSIP_ERROR_RESPONSE)
		ops->done(agent, m);
	else if (agent_registered(agent) && (m->error == RSIP_REGISTER_FIRST || m->error == RSIP_BAD_CLIENT_ID))
		agent_lose(agent, "the gateway does not know it", m->error == RSIP_REGISTER_FIRST, 0);
	else
		ops->refused(agent, m);
	forget_exchange(agent);
	rest(agent);
}

/* Its counter was behind: the same again with one that is not. */
static void
ask_again(struct agent *agent)
{
	enum exchange exchange = agent->exchange;
	struct lease *subject = agent->subject;

	log_info("agent", "the gateway has seen higher counters of this identity: asking again");
	forget_exchange(agent);
	rest(agent);
	if (agent->online)
		begin(agent, exchange, subject);
}

static void
log_refused(const struct agent *agent, const struct rsip_message *m)
{
	log_warn_limited(&trust_limit, "agent", "message discarded, it does not prove to be the gateway's: compare identity and "
	    "key-file of both ends type=%s error=%s text=\"%.*s\" refused=%llu", rsip_msg_name(m->type),
	    rsip_error_name(m->error), m->error_text_len, m->error_text_len > 0 ? m->error_text : "",
	    (unsigned long long)agent->trust.refused);
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
	    now - agent->called_at < CALLED_PAUSE_MS)
		return;
	log_info("agent", "gateway says that it does not know us: asking it");
	agent->called_at = now;
	agent->query_at = now;
	agent->open_at = when_sooner(agent->open_at, now); /* it lives: no need to wait */
	if (agent->again_at != WHEN_NEVER)
		agent->again_at = now;
	agent_run(agent);
}

/* ---- the owner's wishes ---- */

void
agent_want(struct agent *agent, const struct conf_lease *want, const void *owner)
{
	struct lease *lease = lease_new(want, owner);

	DL_APPEND(agent->leases, lease);
	agent->changed = true;
	agent_run(agent);
}

void
agent_want_more(struct agent *agent, const struct conf_lease *want, uint16_t n_ports)
{
	struct lease *lease = lease_new(want, NULL);

	lease->extra = true;
	lease->n_ports = n_ports;
	lease->port = 0;
	DL_APPEND(agent->leases, lease);
	agent->changed = true;
	agent_run(agent);
}

static struct lease *
own_lease(struct agent *agent, const struct lease *lease)
{
	struct lease *own;

	DL_FOREACH(agent->leases, own) {
		if (own == lease)
			break;
	}
	return own;
}

/* Nobody wants it any more. One that is being asked for is freed when it is granted. */
static void
give_back(struct agent *agent, struct lease *lease)
{
	lease->want = NULL;
	if (lease->state == LEASE_HELD)
		lease->state = LEASE_UNWANTED;
	else if (lease->state == LEASE_WANTED && lease != agent->subject)
		agent_drop_lease(agent, lease);
}

void
agent_give_back(struct agent *agent, const struct lease *extra)
{
	give_back(agent, own_lease(agent, extra));
	agent->changed = true;
	agent_run(agent);
}

void
agent_note_used(struct agent *agent, const struct lease *extra, int64_t now)
{
	own_lease(agent, extra)->used_at = now;
}

void
agent_unwant(struct agent *agent, const void *owner)
{
	struct lease *lease, *next;

	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->owner != owner)
			continue;
		give_back(agent, lease);
	}
	agent->changed = true;
	agent_run(agent);
}

bool
agent_holds(const struct agent *agent, const void *owner)
{
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->owner == owner)
			return true;
	}
	return false;
}

void
agent_stop(struct agent *agent)
{
	agent->stopping = true;
	agent->stop_by = clock_now() + STOP_MS;
	agent_run(agent);
}

/* ---- life ---- */

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
	agent->called_at = -CALLED_PAUSE_MS;
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
