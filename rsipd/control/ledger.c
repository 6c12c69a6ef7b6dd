#include "ledger.h"

#include <stddef.h>
#include <string.h>

void
ledger_init(struct ledger *l, const struct conf *conf, struct store *store, struct stats *stats,
            const struct dp_ops *dataplane, const struct ledger_events *events)
{
	static uint64_t generations;

	*l = (struct ledger){ .generation = ++generations, .conf = conf, .store = store, .stats = stats,
	                      .dataplane = *dataplane, .events = *events };
	binding_table_init(&l->bindings);
	session_table_init(&l->sessions);
	l->pool = pool_new();
	pool_configure(l->pool, conf, &l->sessions);
	expiry_init(&l->session_expiry, session_slab, offsetof(struct session, expiry_slot));
	expiry_init(&l->binding_expiry, binding_slab, offsetof(struct binding, expiry_slot));
	expiry_init(&l->hold_expiry, &hold_slab, offsetof(struct hold, expiry_slot));
}

void
ledger_done(struct ledger *l)
{
	struct id_cursor cursor = { 0 };
	struct session *s;
	struct binding *b;

	while ((s = session_next(&l->sessions, &cursor)) != NULL) {
		while ((b = s->bindings) != NULL) {
			s->bindings = b->next;
			binding_table_remove(&l->bindings, b);
			remote_names_detach(l->names, b);
			binding_free(b);
		}
		session_remove(&l->sessions, s);
	}
	identities_clear(&l->identities);
	session_table_done(&l->sessions);
	binding_table_done(&l->bindings);
	pool_free(l->pool);
	expiry_done(&l->session_expiry);
	expiry_done(&l->binding_expiry);
	expiry_done(&l->hold_expiry);
}

const struct conf_policy *
ledger_policy(const struct ledger *l, const struct session *s)
{
	const struct conf_host *host;

	if (s->identity == NULL)
		return conf_policy_for(l->conf, s->host_addr);
	host = conf_identity(l->conf, s->identity->name, strlen(s->identity->name));
	return host != NULL ? host->policy : NULL;
}

void
ledger_set_conf(struct ledger *l, const struct conf *conf)
{
	struct id_cursor cursor = { 0 };
	struct session *s;

	l->conf = conf;
	while ((s = session_next(&l->sessions, &cursor)) != NULL)
		s->policy = ledger_policy(l, s);
	pool_configure(l->pool, conf, &l->sessions);
}

void
ledger_enter(struct ledger *l, struct session *s, struct binding *b)
{
	b->session = s;
	*(s->last_binding != NULL ? &s->last_binding->next : &s->bindings) = b;
	s->last_binding = b;
	s->n_bindings++;
	s->n_ports += binding_port_count(b);
	s->n_spis += binding_spi_count(b);
	s->n_cookies += binding_terms(b)->cookie_mask != 0;
	binding_table_add(&l->bindings, b);
	if (binding_remote_name(b) != NULL)
		remote_names_attach(l->names, b);
	expiry_set(&l->binding_expiry, b, b->expires);
}

/* Those that end first were mostly granted first: it is seldom far from the head. */
static void
take_off(struct session *s, struct binding *b)
{
	struct binding **at = &s->bindings, *before = NULL;

	for (; *at != b; at = &before->next)
		before = *at;
	*at = b->next;
	b->next = NULL;
	if (s->last_binding == b)
		s->last_binding = before;
}

void
ledger_strike(struct ledger *l, struct binding *b)
{
	struct session *s = b->session;

	expiry_remove(&l->binding_expiry, b);
	remote_names_detach(l->names, b);
	binding_table_remove(&l->bindings, b);
	take_off(s, b);
	s->n_bindings--;
	s->n_ports -= binding_port_count(b);
	s->n_spis -= binding_spi_count(b);
	s->n_cookies -= binding_terms(b)->cookie_mask != 0;
}
