#include "config.h"

#include "lease_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "log.h"
#include "owned.h"

struct check {
	struct ledger *l;
	struct owned_list owned; /* of all bindings */
	char *why;
	size_t why_size;
};

static bool __attribute__((format(printf, 2, 3)))
violated(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, c->why_size, fmt, ap);
	va_end(ap);
	return false;
}

/* Invariant 1. */
static bool
check_disjoint(struct check *c)
{
	char addr[IP4_STRLEN];

	owned_sort(&c->owned);
	for (size_t i = 1; i < c->owned.n; i++) {
		const struct owned *a = &c->owned.at[i - 1], *b = &c->owned.at[i];
		if (owned_overlap(a, b))
			return violated(c, "bindings %u and %u share %s of %s", a->bind_id, b->bind_id, tuple_kind_name(b->tuple.kind),
			                ip4_str(b->tuple.addr, addr));
	}
	return true;
}

/* Invariants 2 and 6: the pool has as leased exactly what bindings have, and holds none of it. */
static bool
check_pool(struct check *c)
{
	for (size_t i = 0; i < c->owned.n; i++) {
		struct tuple tuple = c->owned.at[i].tuple;
		if (!pool_is_leased(c->l->pool, tuple))
			return violated(c, "the pool does not know what binding %u leases", c->owned.at[i].bind_id);
		if (pool_is_held(c->l->pool, tuple))
			return violated(c, "binding %u leases what is in quarantine", c->owned.at[i].bind_id);
	}
	if (pool_count_leased(c->l->pool) != c->owned.n)
		return violated(c, "the pool has %zu tuples leased, bindings have %zu", pool_count_leased(c->l->pool),
		                c->owned.n);
	return true;
}

static bool
check_binding(struct check *c, const struct session *s, const struct binding *b)
{
	if (b->session != s || binding_find(&c->l->bindings, b->bind_id) != b)
		return violated(c, "binding %u is not indexed, or not its host's", b->bind_id);
	if (b->expires > s->expires) /* invariant 3 */
		return violated(c, "binding %u outlives its registration", b->bind_id);
	if (b->expiry_slot == 0)
		return violated(c, "binding %u would never expire", b->bind_id);
	return true;
}

/* Invariant 7 as far as it lasts: a reload may lower a quota below what a host has. */
static bool
check_sums(struct check *c, const struct session *s)
{
	const struct owned_sums sums = owned_sums(s);

	return owned_is_charged(s, &sums) || violated(c, "client 0x%08x is charged for what it does not hold", s->client_id);
}

static bool
check_sessions(struct check *c)
{
	struct id_cursor cursor = { 0 };
	const struct session *s;
	const struct binding *b;
	size_t n = 0;

	while ((s = session_next(&c->l->sessions, &cursor)) != NULL) {
		if (s->expiry_slot == 0)
			return violated(c, "client 0x%08x would never expire", s->client_id);
		if (!check_sums(c, s))
			return false;
		LL_FOREACH(s->bindings, b) {
			if (!check_binding(c, s, b))
				return false;
			owned_gather(&c->owned, b);
			n++;
		}
	}
	return n == binding_count(&c->l->bindings) || violated(c, "a binding belongs to no registration");
}

bool
lease_check(struct ledger *l, char *why, size_t why_size)
{
	struct check c = { .l = l, .why = why, .why_size = why_size };
	bool ok = check_sessions(&c) && check_disjoint(&c) && check_pool(&c);

	free(c.owned.at);
	return ok;
}

void
lease_assert(struct ledger *l, const char *after)
{
#ifdef RSIP_DEBUG
	char why[200];

	if (!lease_check(l, why, sizeof(why)))
		log_fatal("lease", "invariant violated after=\"%s\" what=\"%s\"", after, why);
#else
	(void)l;
	(void)after;
#endif
}
