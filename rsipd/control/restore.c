#include "restore.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

struct restoring {
	struct ledger *l;
	char *why;
	size_t why_size;
};

static bool
contradiction(struct restoring *r, const char *what, ip4_t addr)
{
	char text[IP4_STRLEN];

	snprintf(r->why, r->why_size, "the lease database contradicts itself: %s %s", what, ip4_str(addr, text));
	return false;
}

static bool
restore_identity(void *arg, const char *name, uint64_t counter)
{
	struct restoring *r = arg;

	identities_get(&r->l->identities, name)->counter = counter;
	return true;
}

static bool
restore_session(void *arg, const struct store_session *row)
{
	struct restoring *r = arg;
	struct session *s = session_add(&r->l->sessions, row->host_addr, row->client_id);

	if (s == NULL)
		return contradiction(r, "two registrations of host", row->host_addr);
	s->gateway_addr = row->gateway_addr;
	s->transport = row->transport;
	if (row->identity != NULL) {
		s->identity = identities_get(&r->l->identities, row->identity);
		if (s->identity->session != NULL)
			return contradiction(r, "the identity of another registration is that of host", row->host_addr);
		s->identity->session = s;
	}
	s->moved = row->moved;
	s->moved_from = row->moved_from;
	s->policy = ledger_policy(r->l, s);
	s->expires = row->expires;
	session_set_name(s, row->name, row->name != NULL ? strlen(row->name) : 0);
	expiry_set(&r->l->session_expiry, s, s->expires);
	return true;
}

static struct session *
restore_answer(void *arg, const struct store_answer *row)
{
	struct restoring *r = arg;
	struct session *s = session_find_client(&r->l->sessions, row->client_id);

	if (s != NULL)
		replay_note(&s->replay, row->last.port, row->last.counter, row->response, row->response_len);
	return s;
}

static bool
restore_binding(void *arg, struct binding *b, uint32_t client_id)
{
	struct restoring *r = arg;
	struct session *s = session_find_client(&r->l->sessions, client_id);
	ip4_t addr = b->local_addr;

	b->session = s;
	if (s == NULL || binding_find(&r->l->bindings, b->bind_id) != NULL || !pool_restore(r->l->pool, b)) {
		binding_free(b);
		return contradiction(r, s == NULL ? "a binding of no registration on" : "overlapping bindings on", addr);
	}
	ledger_enter(r->l, s, b);
	if (s->expires < b->expires) {
		s->expires = b->expires;
		s->expires_later = true;
		expiry_set(&r->l->session_expiry, s, s->expires);
	}
	return true;
}

static bool
restore_name(void *arg, const char *name, const ip4_t *addrs, size_t n)
{
	struct restoring *r = arg;

	remote_names_restore(r->l->names, name, addrs, n);
	return true;
}

static bool
restore_hold(void *arg, struct tuple tuple, ip4_t host, int64_t until)
{
	struct restoring *r = arg;
	struct hold *hold = pool_hold(r->l->pool, tuple, host, until);

	if (hold == NULL)
		return contradiction(r, "leased and in quarantine at once on", tuple.addr);
	expiry_set(&r->l->hold_expiry, hold, until);
	return true;
}

bool
restore_ledger(struct ledger *l, char *why, size_t why_size)
{
	struct restoring r = { l, why, why_size };
	const struct store_loader loader = { restore_identity, restore_session, restore_answer, restore_binding, restore_name,
	                                     restore_hold, &r };

	if (!store_load(l->store, &loader, why, why_size))
		return false;
	l->last_bind_id = store_last_bind_id(l->store);
	log_info("lease", "restored registrations=%zu bindings=%zu", session_count(&l->sessions),
	         binding_count(&l->bindings));
	return true;
}
