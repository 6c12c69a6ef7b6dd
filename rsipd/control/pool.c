#include "pool.h"

#include <stdlib.h>
#include <utlist.h>

#include "fit.h"
#include "mem.h"
#include "pool_spec.h"
#include "pool_state.h"

struct pool *
pool_new(void)
{
	return mem_zero(1, sizeof(struct pool));
}

struct address *
pool_address_find(const struct pool *pool, ip4_t addr)
{
	struct address *a;

	HASH_FIND(hh, pool->in_use, &addr, sizeof(addr), a);
	return a;
}

struct address *
pool_address_get(struct pool *pool, ip4_t addr)
{
	struct address *a = pool_address_find(pool, addr);

	if (a == NULL) {
		a = address_new(addr);
		HASH_ADD(hh, pool->in_use, addr, sizeof(a->addr), a);
	}
	return a;
}

void
pool_address_drop_idle(struct pool *pool, struct address *a)
{
	if (a->n_leased == 0 && a->n_held == 0) {
		HASH_DELETE(hh, pool->in_use, a);
		address_free(a);
	}
}

void
pool_free(struct pool *pool)
{
	struct address *a, *tmp;
	struct holder *holder, *next_holder;
	struct holder_place *place, *next_place;
	struct hold *hold;

	if (pool == NULL)
		return;
	HASH_ITER(hh, pool->in_use, a, tmp) {
		while ((hold = address_find_hold(a, (struct tuple){ a->addr, TUPLE_ADDRESS, 0, 0 })) != NULL) {
			address_unhold(a, hold);
			slab_give(&hold_slab, hold);
		}
		HASH_DELETE(hh, pool->in_use, a);
		address_free(a);
	}
	HASH_ITER(hh, pool->holders, holder, next_holder) {
		HASH_DELETE(hh, pool->holders, holder);
		LL_FOREACH_SAFE(holder->places, place, next_place)
			free(place);
		free(holder);
	}
	free(pool->entries);
	free(pool);
}

struct pool_entry *
pool_entry_of(const struct pool *pool, ip4_t addr)
{
	for (size_t i = 0; i < pool->n_entries; i++) {
		if (pool_spec_index(pool->entries[i].spec, addr) >= 0)
			return &pool->entries[i];
	}
	return NULL;
}

static struct pool_entry *
entry_of_spec(const struct pool *pool, const struct conf_pool *spec)
{
	for (size_t i = 0; i < pool->n_entries; i++) {
		if (pool->entries[i].spec == spec)
			return &pool->entries[i];
	}
	return NULL;
}

void
pool_reopen(struct pool *pool, const struct address *a, struct tuple tuple)
{
	struct pool_entry *e = pool_entry_of(pool, a->addr);

	if (e != NULL)
		pool_room_again(&e->room, a, (uint64_t)pool_spec_index(e->spec, a->addr), tuple);
}

/* Counts b, n times (1 or -1), in its pool and at its address. siblings are the other bindings of its host. */
static void
account(struct pool *pool, const struct binding *b, int n, const struct binding *siblings)
{
	struct address *a = pool_address_find(pool, b->local_addr);
	struct pool_entry *e = pool_entry_of(pool, b->local_addr);
	bool first_here = true, first_in_pool = true;

	for (; siblings != NULL && siblings != b && first_here; siblings = siblings->next) {
		first_here = siblings->local_addr != b->local_addr;
		if (e != NULL && pool_spec_index(e->spec, siblings->local_addr) >= 0)
			first_in_pool = false;
	}
	pool_totals_count(&a->totals, b, n, first_here);
	if (e != NULL)
		pool_totals_count(&e->totals, b, n, first_in_pool);
}

void
pool_account_hold(struct pool *pool, const struct hold *hold, int n)
{
	struct address *a = pool_address_find(pool, hold->addr);
	struct pool_entry *e = pool_entry_of(pool, hold->addr);

	pool_totals_count_hold(&a->totals, hold, n);
	if (e != NULL)
		pool_totals_count_hold(&e->totals, hold, n);
}

static void
entry_init(struct pool_entry *e, const struct conf_pool *spec)
{
	*e = (struct pool_entry){ .spec = spec };
	e->totals.addresses = pool_spec_size(spec);
	e->totals.ports_total = e->totals.addresses * pool_spec_leasable_ports(spec);
}

static void
account_again(struct hold *hold, void *arg)
{
	pool_account_hold(arg, hold, 1);
}

void
pool_configure(struct pool *pool, const struct conf *conf, const struct session_table *sessions)
{
	struct id_cursor cursor = { 0 };
	const struct session *s;
	const struct binding *b;
	struct address *a;

	free(pool->entries);
	pool->n_entries = conf->n_pools;
	pool->entries = mem_zero(conf->n_pools, sizeof(*pool->entries));
	for (size_t i = 0; i < conf->n_pools; i++)
		entry_init(&pool->entries[i], &conf->pools[i]);
	for (a = pool->in_use; a != NULL; a = a->hh.next)
		a->totals = (struct pool_totals){ 0 };
	while ((s = session_next(sessions, &cursor)) != NULL) {
		LL_FOREACH(s->bindings, b)
			account(pool, b, 1, s->bindings);
	}
	pool_each_hold(pool, account_again, pool);
}

struct pool_totals
pool_totals(const struct pool *pool, const struct conf_pool *spec)
{
	const struct pool_entry *e = entry_of_spec(pool, spec);

	return e != NULL ? e->totals : (struct pool_totals){ 0 };
}

struct pool_totals
pool_address_totals(const struct pool *pool, const struct conf_pool *spec, ip4_t addr)
{
	const struct address *a = pool_address_find(pool, addr);
	struct pool_totals totals = { 0 };

	if (a != NULL)
		totals = a->totals;
	totals.addresses = 1;
	totals.ports_total = spec != NULL ? pool_spec_leasable_ports(spec) : 0;
	return totals;
}

static void
take_all(struct pool *pool, const struct binding *b)
{
	struct address *a = pool_address_get(pool, b->local_addr);

	for (size_t i = 0; i < binding_n_tuples(b); i++)
		address_take(a, binding_tuple(b, i));
	account(pool, b, 1, b->session->bindings);
}

/* The farthest that a request came, over all addresses it was tried at. */
struct attempt {
	enum fit_step step;
	enum rsip_error error;
};

static bool
acquire_at(struct pool *pool, const struct conf_pool *spec, ip4_t addr, const struct hold *own,
           const struct pool_want *want, struct binding *b, struct attempt *best)
{
	struct fit fit = { .a = pool_address_find(pool, addr), .addr = addr, .spec = spec, .own = own, .want = want,
	                   .b = b };

	b->local_addr = addr;
	if (fit_request(&fit)) {
		take_all(pool, b);
		return true;
	}
	if (best->error == RSIP_OK || fit.step > best->step)
		*best = (struct attempt){ fit.step, fit.error };
	return false;
}

static const struct conf_pool *
wanted_pool_of(const struct pool_want *want, ip4_t addr)
{
	for (size_t i = 0; i < want->n_pools; i++) {
		if (pool_spec_index(want->pools[i], addr) >= 0)
			return want->pools[i];
	}
	return NULL;
}

/* An address has refused: what that says of it, for every request of this kind. */
static void
note_refusal(struct pool_room *room, const struct pool_want *want, const struct binding *b, uint64_t index,
             const struct attempt *here)
{
	if (b->method == RSIP_METHOD_RSA_IP) {
		if (index == room->whole)
			room->whole++;
	} else if (here->step == FIT_ADDRESS) {
		pool_room_none(room, 0, index);
	} else if (here->step == FIT_PORTS && want->ports == POOL_ANY) {
		pool_room_none(room, want->n_any_ports, index);
	}
}

static uint64_t
search_from(const struct pool_room *room, const struct pool_want *want, const struct binding *b)
{
	if (b->method == RSIP_METHOD_RSA_IP)
		return room->whole;
	return pool_room_from(room, want->ports == POOL_ANY ? want->n_any_ports : 0);
}

static bool
acquire_lowest(struct pool *pool, const struct conf_pool *spec, const struct pool_want *want, struct binding *b,
               struct attempt *best)
{
	struct pool_entry *e = entry_of_spec(pool, spec);
	uint64_t from = search_from(&e->room, want, b);

	if (from >= e->totals.addresses && best->error == RSIP_OK) /* nothing to look at: the last one says why */
		from = e->totals.addresses - 1;
	for (uint64_t i = from; i < e->totals.addresses; i++) {
		struct attempt here = { FIT_ADDRESS, RSIP_OK };
		ip4_t addr = pool_spec_address(spec, i);
		const struct address *a = pool_address_find(pool, addr);
		if (acquire_at(pool, spec, addr, NULL, want, b, &here))
			return true;
		if (best->error == RSIP_OK || here.step > best->step)
			*best = here;
		if (a == NULL) /* it does not fit where everything is free: no other address can do better */
			return false;
		note_refusal(&e->room, want, b, i, &here);
	}
	return false;
}

/* An address where there is no room but what may be held for this host. */
static bool
known_full(const struct pool *pool, const struct conf_pool *spec, ip4_t addr, const struct pool_want *want,
           const struct binding *b)
{
	return (uint64_t)pool_spec_index(spec, addr) < search_from(&entry_of_spec(pool, spec)->room, want, b);
}

static bool
acquire_kept(struct pool *pool, const struct pool_want *want, struct binding *b, struct attempt *best)
{
	for (size_t i = 0; i < want->n_keep; i++) {
		const struct conf_pool *spec = wanted_pool_of(want, want->keep[i]);
		if (spec != NULL && !known_full(pool, spec, want->keep[i], want, b) &&
		    acquire_at(pool, spec, want->keep[i], NULL, want, b, best))
			return true;
	}
	return false;
}

/* Where something is held for the host. quickly: only what is held; else also what lies beside it, which may take a
 * search of all that is in use on the address. */
static bool
acquire_held(struct pool *pool, const struct pool_want *want, struct binding *b, bool quickly, struct attempt *best)
{
	const struct holder *holder = pool_holder_find(pool, want->host);

	for (const struct holder_place *at = holder != NULL ? holder->places : NULL; at != NULL; at = at->next) {
		const struct conf_pool *spec = wanted_pool_of(want, at->addr);
		if (spec != NULL && acquire_at(pool, spec, at->addr, quickly ? at->holds : NULL, want, b, best))
			return true;
	}
	return false;
}

enum rsip_error
pool_acquire(struct pool *pool, const struct pool_want *want, struct binding *b)
{
	struct attempt best = { FIT_ADDRESS, RSIP_OK };

	if (want->addr == POOL_NAMED) {
		const struct conf_pool *spec = wanted_pool_of(want, b->local_addr);
		if (spec == NULL)
			return RSIP_LOCAL_ADDR_UNALLOWED;
		return acquire_at(pool, spec, b->local_addr, NULL, want, b, &best) ? RSIP_OK : best.error;
	}
	if (acquire_kept(pool, want, b, &best) || acquire_held(pool, want, b, true, &best))
		return RSIP_OK;
	for (size_t i = 0; i < want->n_pools; i++) {
		if (acquire_lowest(pool, want->pools[i], want, b, &best))
			return RSIP_OK;
	}
	if (acquire_held(pool, want, b, false, &best))
		return RSIP_OK;
	return best.error != RSIP_OK ? best.error : RSIP_LOCAL_ADDR_UNAVAILABLE;
}

bool
pool_restore(struct pool *pool, const struct binding *b)
{
	const struct address *a = pool_address_find(pool, b->local_addr);
	uint64_t past;

	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		/* No host has address 0: every hold is in the way. */
		if (address_conflict(a, binding_tuple(b, i), 0, &past))
			return false;
	}
	take_all(pool, b);
	return true;
}

void
pool_release(struct pool *pool, const struct binding *b, bool to_be_held)
{
	struct address *a = pool_address_find(pool, b->local_addr);

	for (size_t i = 0; i < binding_n_tuples(b); i++)
		address_give(a, binding_tuple(b, i));
	account(pool, b, -1, b->session->bindings);
	for (size_t i = 0; !to_be_held && i < binding_n_tuples(b); i++)
		pool_reopen(pool, a, binding_tuple(b, i));
	pool_address_drop_idle(pool, a);
}

bool
pool_is_leased(const struct pool *pool, struct tuple tuple)
{
	const struct address *a = pool_address_find(pool, tuple.addr);

	return a != NULL && address_is_leased(a, tuple);
}

size_t
pool_count_leased(const struct pool *pool)
{
	const struct address *a;
	size_t n = 0;

	for (a = pool->in_use; a != NULL; a = a->hh.next)
		n += a->n_leased;
	return n;
}

size_t
pool_addresses(const struct pool *pool, ip4_t **addrs)
{
	const struct address *a;
	size_t n = 0;

	*addrs = mem_zero(HASH_CNT(hh, pool->in_use), sizeof(**addrs));
	for (a = pool->in_use; a != NULL; a = a->hh.next)
		(*addrs)[n++] = a->addr;
	return n;
}

void
pool_address_leased(const struct pool *pool, ip4_t addr, size_t *n_tuples, uint32_t *n_ports)
{
	const struct address *a = pool_address_find(pool, addr);

	*n_tuples = a != NULL ? a->n_leased : 0;
	*n_ports = a != NULL && a->ports != NULL ? portbits_count(a->ports) : 0;
}

bool
pool_is_full(const struct pool *pool)
{
	return pool->in_use == NULL;
}
