#include "registration.h"

#include <utlist.h>

#include "clock.h"
#include "lease_check.h"
#include "log.h"

struct session *
registration_begin(struct ledger *l, ip4_t host_addr, ip4_t gateway_addr, enum rsip_transport transport,
                   struct identity *identity, const char *name, size_t name_len)
{
	struct session *s = session_add(&l->sessions, host_addr, 0);
	char host[IP4_STRLEN];

	s->gateway_addr = gateway_addr;
	s->transport = transport;
	s->identity = identity;
	if (identity != NULL)
		identity->session = s;
	s->policy = ledger_policy(l, s);
	session_set_name(s, name, name_len);
	s->expires = clock_now() + (int64_t)s->policy->registration_s * 1000;
	expiry_set(&l->session_expiry, s, s->expires);
	store_put_session(l->store, s);
	log_info("session", "registered host=%s name=\"%s\" identity=\"%s\" policy=%s transport=%s expires_in_s=%u",
	         ip4_str(host_addr, host), s->name != NULL ? s->name : "", identity != NULL ? identity->name : "",
	         s->policy->name, rsip_transport_name(transport), s->policy->registration_s);
	l->stats->registrations++;
	lease_assert(l, "register");
	return s;
}

void
registration_claim(struct ledger *l, struct session *s, struct identity *identity)
{
	char host[IP4_STRLEN];

	s->identity = identity;
	identity->session = s;
	s->policy = ledger_policy(l, s);
	store_put_session(l->store, s);
	log_info("session", "claimed host=%s identity=\"%s\"", ip4_str(s->host_addr, host), identity->name);
	lease_assert(l, "claim");
}

/* The store has it all in one transaction with what else this turn of the loop does, and the answer waits for that. What
 * the sequences of UDP requests from the old address were means nothing at the new one. */
void
registration_move(struct ledger *l, struct session *s, ip4_t host_addr, ip4_t gateway_addr)
{
	char from[IP4_STRLEN], to[IP4_STRLEN];
	const struct binding *b;

	s->moved_from = s->host_addr;
	s->moved = clock_wall();
	s->gateway_addr = gateway_addr;
	session_set_addr(&l->sessions, s, host_addr);
	replay_clear(&s->replay);
	pool_rehost(l->pool, s->moved_from, host_addr);
	store_move_session(l->store, s);
	LL_FOREACH(s->bindings, b)
		l->dataplane.bind(l->dataplane.arg, b);
	l->stats->moves++;
	log_info("session", "moved identity=\"%s\" from=%s to=%s bindings=%u", s->identity->name,
	         ip4_str(s->moved_from, from), ip4_str(host_addr, to), s->n_bindings);
	lease_assert(l, "move");
}

void
registration_prolong(struct ledger *l, struct session *s, int64_t until)
{
	if (until <= s->expires) /* RFC 3103 6: R = max(R, Bi) */
		return;
	s->expires = until;
	expiry_set(&l->session_expiry, s, until);
	s->expires_later = true;
}

void
registration_outlive(struct ledger *l, struct session *s, int64_t expires)
{
	if (s->expires_later && expires >= s->expires)
		store_put_session(l->store, s);
}

/* RFC 3103 9.5.3: a gateway that "will no longer be able to perform RSIP functionality for a given host" SHOULD say so
 * by a DE-REGISTER_RESPONSE; that is what the end of the registration does. */
void
registration_curtail(struct ledger *l, struct session *s)
{
	int64_t until = clock_now();
	const struct binding *b;

	if (s->policy != NULL)
		return;
	LL_FOREACH(s->bindings, b)
		until = b->expires > until ? b->expires : until;
	if (until >= s->expires)
		return;
	s->expires = until;
	expiry_set(&l->session_expiry, s, until);
	store_put_session(l->store, s);
}

void
registration_set_conf(struct ledger *l, const struct conf *conf)
{
	struct id_cursor cursor = { 0 };
	struct session *s;

	ledger_set_conf(l, conf);
	while ((s = session_next(&l->sessions, &cursor)) != NULL)
		registration_curtail(l, s);
}

void
registration_note_reply(struct ledger *l, struct session *s, struct replay_seq seq, const void *response, size_t len,
                        bool durable)
{
	replay_note(&s->replay, seq.port, seq.counter, response, len);
	if (durable)
		store_put_answer(l->store, s);
}

void
registration_end(struct ledger *l, struct session *s, enum lease_how how)
{
	char host[IP4_STRLEN];

	while (s->bindings != NULL)
		lease_end(l, s->bindings, how);
	log_info("session", "ended host=%s name=\"%s\" how=%s", ip4_str(s->host_addr, host),
	         s->name != NULL ? s->name : "", lease_how_name(how));
	l->stats->registrations_expired += how == LEASE_EXPIRED;
	store_remove_session(l->store, s);
	expiry_remove(&l->session_expiry, s);
	if (s->identity != NULL)
		s->identity->session = NULL;
	session_remove(&l->sessions, s);
	lease_assert(l, "registration end");
}
