#include "config.h"

#include "audit_books.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "audit_report.h"
#include "ledger.h"
#include "mem.h"
#include "owned.h"
#include "store_check.h"

#define COST_OF_ROW 2

/* The bindings of one public address, by ID: they may end before they are looked at. */
struct audit_place {
	ip4_t addr;
	uint32_t n, cap;
	uint32_t *ids;
	UT_hash_handle hh;
};

void
audit_books_begin(struct audit_books *c, struct ledger *l, struct audit_report *report)
{
	*c = (struct audit_books){ .ledger = l, .report = report, .seen_id = l->last_bind_id };
	binding_cursor_start(&c->bindings, &l->bindings);
}

void
audit_books_end(struct audit_books *c)
{
	struct audit_place *place, *next;

	HASH_ITER(hh, c->places, place, next) {
		HASH_DELETE(hh, c->places, place);
		free(place->ids);
		free(place);
	}
	free(c->addrs);
}

/* --- hosts --- */

static void
check_sums(struct audit_books *c, const struct session *s)
{
	const struct owned_sums sums = owned_sums(s);
	char host[IP4_STRLEN];

	if (!owned_is_charged(s, &sums))
		audit_report_add(c->report, AUDIT_BOOKS, 7,
		                 "host %s is charged for %u bindings, %u ports, %u SPIs, %u cookie blocks, and holds "
		                 "%u, %u, %u, %u", ip4_str(s->host_addr, host), s->n_bindings, s->n_ports, s->n_spis,
		                 s->n_cookies, sums.bindings, sums.ports, sums.spis, sums.cookies);
}

static void
check_ends(struct audit_books *c, const struct session *s)
{
	const struct binding *b;
	char host[IP4_STRLEN];

	LL_FOREACH(s->bindings, b) {
		if (b->expires > s->expires)
			audit_report_add(c->report, AUDIT_BOOKS, 3, "binding %u would outlive the registration of its host %s",
			                 b->bind_id, ip4_str(s->host_addr, host));
	}
}

unsigned
audit_books_host(struct audit_books *c)
{
	struct session *s = session_next(&c->ledger->sessions, &c->sessions);
	char host[IP4_STRLEN], why[200];

	if (s == NULL)
		return 0;
	c->report->hosts++;
	ip4_str(s->host_addr, host);
	if (session_find(&c->ledger->sessions, s->host_addr) != s ||
	    session_find_client(&c->ledger->sessions, s->client_id) != s)
		audit_report_add(c->report, AUDIT_BOOKS, 3, "host %s cannot be found by its address or client ID", host);
	if (!expiry_is_set(&c->ledger->session_expiry, s, s->expires))
		audit_report_add(c->report, AUDIT_BOOKS, 3, "the registration of host %s would not end in its time", host);
	check_ends(c, s);
	check_sums(c, s);
	if (!store_check_session(c->ledger->store, s, why, sizeof(why)))
		audit_report_add(c->report, AUDIT_ROW_LOST, 4, "the registration of host %s (client ID %u) %s", host,
		                 s->client_id, why);
	return COST_OF_ROW;
}

/* --- bindings --- */

static void
note(struct audit_books *c, const struct binding *b)
{
	struct audit_place *place;

	HASH_FIND(hh, c->places, &b->local_addr, sizeof(b->local_addr), place);
	if (place == NULL) {
		place = mem_zero(1, sizeof(*place));
		place->addr = b->local_addr;
		HASH_ADD(hh, c->places, addr, sizeof(place->addr), place);
	}
	if (place->n == place->cap) {
		place->cap = place->cap > 0 ? 2 * place->cap : 8;
		place->ids = mem_grow(place->ids, place->cap, sizeof(*place->ids));
	}
	place->ids[place->n++] = b->bind_id;
}

static bool
is_of_its_host(const struct audit_books *c, const struct binding *b)
{
	const struct binding *other;

	if (session_find_client(&c->ledger->sessions, b->session->client_id) != b->session)
		return false;
	LL_FOREACH(b->session->bindings, other) {
		if (other == b)
			return true;
	}
	return false;
}

static void
walked(struct audit_books *c)
{
	c->n_addrs = pool_addresses(c->ledger->pool, &c->addrs);
}

unsigned
audit_books_binding(struct audit_books *c)
{
	struct binding *b = binding_cursor_next(&c->bindings);
	char why[200];

	if (b == NULL) {
		walked(c);
		return 0;
	}
	c->report->bindings++;
	if ((int32_t)(b->bind_id - c->seen_id) <= 0) /* what is granted while the walk lasts is noted by catch_up */
		note(c, b);
	if (binding_find(&c->ledger->bindings, b->bind_id) != b || !is_of_its_host(c, b))
		audit_report_add(c->report, AUDIT_BOOKS, 3, "binding %u is not indexed, or not its host's", b->bind_id);
	if (!expiry_is_set(&c->ledger->binding_expiry, b, b->expires))
		audit_report_add(c->report, AUDIT_BOOKS, 3, "binding %u would not end in its time", b->bind_id);
	if (!store_check_binding(c->ledger->store, b, why, sizeof(why)))
		audit_report_add(c->report, AUDIT_ROW_LOST, 4, "binding %u %s", b->bind_id, why);
	if (!store_check_history(c->ledger->store, b, why, sizeof(why)))
		audit_report_add(c->report, AUDIT_HISTORY, 4, "binding %u %s", b->bind_id, why);
	return 2 * COST_OF_ROW;
}

/* --- addresses --- */

/* What bindings say of one address now. */
struct leased { struct owned_list owned; uint32_t n_ports; };

/* Sorted by kind and number, what overlaps is next to each other, and a whole address stands before all else. */
static void
check_disjoint(struct audit_books *c, const struct leased *leased, const char *addr)
{
	for (size_t i = 1; i < leased->owned.n; i++) {
		const struct owned *a = &leased->owned.at[i - 1], *b = &leased->owned.at[i];
		if (owned_overlap(a, b))
			audit_report_add(c->report, AUDIT_BOOKS, 1, "bindings %u and %u both lease %s %llu of %s", a->bind_id,
			                 b->bind_id, tuple_kind_name(b->tuple.kind), (unsigned long long)b->tuple.first, addr);
	}
}

static void
check_pool(struct audit_books *c, const struct leased *leased, ip4_t at, const char *addr)
{
	size_t n_tuples;
	uint32_t n_ports;

	for (size_t i = 0; i < leased->owned.n; i++) {
		const struct owned *o = &leased->owned.at[i];
		if (!pool_is_leased(c->ledger->pool, o->tuple))
			audit_report_add(c->report, AUDIT_BOOKS, 1, "the pool could lease %s %llu of %s, which binding %u has, again",
			                 tuple_kind_name(o->tuple.kind), (unsigned long long)o->tuple.first, addr, o->bind_id);
		if (pool_is_held(c->ledger->pool, o->tuple))
			audit_report_add(c->report, AUDIT_BOOKS, 2, "binding %u leases %s %llu of %s, which is in quarantine",
			                 o->bind_id, tuple_kind_name(o->tuple.kind), (unsigned long long)o->tuple.first, addr);
	}
	pool_address_leased(c->ledger->pool, at, &n_tuples, &n_ports);
	if (n_tuples != leased->owned.n || n_ports != leased->n_ports)
		audit_report_add(c->report, AUDIT_BOOKS, 6,
		                 "of %s the pool has %zu tuples with %u ports leased, bindings have %zu with %u: the rest is "
		                 "lost to all hosts", addr, n_tuples, n_ports, leased->owned.n, leased->n_ports);
}

struct hold_check { struct audit_books *books; const char *addr; unsigned n; };

static void
check_hold(struct hold *hold, void *arg)
{
	struct hold_check *h = arg;
	struct audit_books *c = h->books;
	char why[200];

	h->n++;
	if (!expiry_is_set(&c->ledger->hold_expiry, hold, hold->until))
		audit_report_add(c->report, AUDIT_BOOKS, 6, "the quarantine of %s %llu of %s would not end in its time",
		                 tuple_kind_name(hold->kind), (unsigned long long)hold->node.first, h->addr);
	if (!store_check_hold(c->ledger->store, hold, why, sizeof(why)))
		audit_report_add(c->report, AUDIT_ROW_LOST, 4, "the quarantine of %s %llu of %s %s", tuple_kind_name(hold->kind),
		                 (unsigned long long)hold->node.first, h->addr, why);
}

/* Bindings granted since the walk, or since the last address. */
static void
catch_up(struct audit_books *c)
{
	const struct binding *b;

	while (c->seen_id != c->ledger->last_bind_id) {
		if ((b = binding_find(&c->ledger->bindings, ++c->seen_id)) != NULL)
			note(c, b);
	}
}

static void
gather_all(struct audit_books *c, struct leased *leased, ip4_t addr)
{
	const struct audit_place *place;
	const struct binding *b;

	HASH_FIND(hh, c->places, &addr, sizeof(addr), place);
	for (uint32_t i = 0; place != NULL && i < place->n; i++) {
		if ((b = binding_find(&c->ledger->bindings, place->ids[i])) == NULL)
			continue;
		owned_gather(&leased->owned, b);
		leased->n_ports += binding_port_count(b);
	}
	owned_sort(&leased->owned);
}

unsigned
audit_books_address(struct audit_books *c)
{
	struct leased leased = { 0 };
	char addr[IP4_STRLEN];
	struct hold_check holds = { c, addr, 0 };
	ip4_t at;

	catch_up(c);
	if (c->next_addr == c->n_addrs)
		return 0;
	at = c->addrs[c->next_addr++];
	ip4_str(at, addr);
	c->report->addresses++;
	gather_all(c, &leased, at);
	check_disjoint(c, &leased, addr);
	check_pool(c, &leased, at, addr);
	pool_each_hold_of(c->ledger->pool, at, check_hold, &holds);
	free(leased.owned.at);
	return 10 + (unsigned)leased.owned.n / 20 + holds.n;
}
