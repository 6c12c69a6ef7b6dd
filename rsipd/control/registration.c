#include "registration.h"

#include <utlist.h>

#include "clock.h"
#include "lease_check.h"
#include "log.h"

struct session *
registration_begin(struct ledger *l, ip4_t host_addr, ip4_t gateway_addr, enum rsip_transport transport,
                   const char *name, size_t name_len)
{
	const struct conf_policy *policy = conf_policy_for(l->conf, host_addr);
	struct session *s = session_add(&l->sessions, host_addr, 0);
	char host[IP4_STRLEN];

	s->gateway_addr = gateway_addr;
	s->transport = transport;
	s->policy = policy;
	session_set_name(s, name, name_len);
	s->expires = clock_now() + (int64_t)policy->registration_s * 1000;
	expiry_set(&l->session_expiry, s, s->expires);
	store_put_session(l->store, s);
	log_info("session", "registered host=%s name=\"%s\" policy=%s transport=%s expires_in_s=%u",
	         ip4_str(host_addr, host), s->name != NULL ? s->name : "", policy->name,
	         rsip_transport_name(transport), policy->registration_s);
	l->stats->registrations++;
	lease_assert(l, "register");
	return s;
}

void
registration_prolong(struct ledger *l, struct session *s, int64_t until)
{
	if (until <= s->expires) /* RFC 3103 6: R = max(R, Bi) */
		return;
	s->expires = until;
	expiry_set(&l->session_expiry, s, until);
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
	DL_FOREACH(s->bindings, b)
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
	struct session *s;

	ledger_set_conf(l, conf);
	for (s = l->sessions.by_addr; s != NULL; s = s->by_addr.next)
		registration_curtail(l, s);
}

void
registration_note_reply(struct ledger *l, struct session *s, struct replay_seq seq, const void *response, size_t len,
                        bool durable)
{
	replay_note(&s->replay, seq.port, seq.counter, response, len);
	if (durable)
		store_put_session(l->store, s);
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
	session_remove(&l->sessions, s);
	lease_assert(l, "registration end");
}
