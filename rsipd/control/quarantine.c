/* The quarantine of pool.h. */
#include <stdlib.h>
#include <utlist.h>

#include "address.h"
#include "mem.h"
#include "pool.h"
#include "pool_state.h"

struct slab hold_slab = SLAB(struct hold);

struct holder *
pool_holder_find(const struct pool *pool, ip4_t host)
{
	struct holder *holder;

	HASH_FIND(hh, pool->holders, &host, sizeof(host), holder);
	return holder;
}

static struct holder_place *
place_of(const struct holder *holder, ip4_t addr)
{
	struct holder_place *place = holder->places;

	while (place != NULL && place->addr != addr)
		place = place->next;
	return place;
}

static void
holder_add(struct pool *pool, struct hold *hold)
{
	struct holder *holder = pool_holder_find(pool, hold->host);
	struct holder_place *place;

	if (holder == NULL) {
		holder = mem_zero(1, sizeof(*holder));
		holder->host = hold->host;
		HASH_ADD(hh, pool->holders, host, sizeof(holder->host), holder);
	}
	place = place_of(holder, hold->addr);
	if (place == NULL) {
		place = mem_zero(1, sizeof(*place));
		place->addr = hold->addr;
		LL_PREPEND(holder->places, place);
	}
	DL_APPEND(place->holds, hold);
}

static void
holder_remove(struct pool *pool, struct hold *hold)
{
	struct holder *holder = pool_holder_find(pool, hold->host);
	struct holder_place *place = place_of(holder, hold->addr);

	DL_DELETE(place->holds, hold);
	if (place->holds != NULL)
		return;
	LL_DELETE(holder->places, place);
	free(place);
	if (holder->places != NULL)
		return;
	HASH_DELETE(hh, pool->holders, holder);
	free(holder);
}

static struct hold *
hold_new(struct pool *pool, struct tuple tuple, ip4_t host, int64_t until)
{
	struct hold *hold = slab_take(&hold_slab);

	hold->node.first = tuple.first;
	hold->node.last = tuple.last;
	hold->addr = tuple.addr;
	hold->kind = tuple.kind;
	hold->host = host;
	hold->until = until;
	address_hold(pool_address_get(pool, tuple.addr), hold);
	holder_add(pool, hold);
	pool_account_hold(pool, hold, 1);
	return hold;
}

struct hold *
pool_hold(struct pool *pool, struct tuple tuple, ip4_t host, int64_t until)
{
	uint64_t past;

	if (address_conflict(pool_address_find(pool, tuple.addr), tuple, 0, &past))
		return NULL;
	return hold_new(pool, tuple, host, until);
}

/* Takes it off a, its address. */
static void
unhold(struct pool *pool, struct address *a, struct hold *hold)
{
	pool_account_hold(pool, hold, -1);
	holder_remove(pool, hold);
	address_unhold(a, hold);
	slab_give(&hold_slab, hold);
}

void
pool_unhold(struct pool *pool, struct hold *hold)
{
	struct address *a = pool_address_find(pool, hold->addr);
	struct tuple tuple = { hold->addr, hold->kind, hold->node.first, hold->node.last };

	unhold(pool, a, hold);
	pool_reopen(pool, a, tuple);
	pool_address_drop_idle(pool, a);
}

void
pool_rehost(struct pool *pool, ip4_t from, ip4_t to)
{
	struct holder *holder;

	while (from != to && (holder = pool_holder_find(pool, from)) != NULL) {
		struct hold *hold = holder->places->holds;

		holder_remove(pool, hold);
		hold->host = to;
		holder_add(pool, hold);
	}
}

struct settlement {
	struct pool *pool;
	pool_hold_cb *ending, *made;
	void *arg;
};

static void
settle_rest(struct settlement *st, const struct hold *hold, uint64_t first, uint64_t last)
{
	struct tuple rest = { hold->addr, hold->kind, first, last };

	st->made(hold_new(st->pool, rest, hold->host, hold->until), st->arg);
}

/* Ends one hold that the tuple has taken from; what is left of it, below and above, is held on. Nothing of it is to be had by
 * others: a search for room on the address would be as vain as before. */
static void
settle_hold(struct settlement *st, struct hold *hold, struct tuple tuple)
{
	struct hold old = *hold;

	st->ending(hold, st->arg);
	unhold(st->pool, pool_address_find(st->pool, tuple.addr), hold);
	if (tuple.kind == TUPLE_ADDRESS)
		return;
	if (old.node.first < tuple.first)
		settle_rest(st, &old, old.node.first, tuple.first - 1);
	if (old.node.last > tuple.last)
		settle_rest(st, &old, tuple.last + 1, old.node.last);
}

void
pool_settle(struct pool *pool, const struct binding *b, pool_hold_cb *ending, pool_hold_cb *made, void *arg)
{
	struct settlement st = { pool, ending, made, arg };
	const struct address *a = pool_address_find(pool, b->local_addr);
	struct hold *hold;

	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);
		while ((hold = address_find_hold(a, tuple)) != NULL)
			settle_hold(&st, hold, tuple);
	}
}

static void
each_hold_of(const struct address *a, pool_hold_cb *cb, void *arg)
{
	if (a->whole_hold != NULL)
		cb(a->whole_hold, arg);
	for (int kind = TUPLE_PORT; kind < TUPLE_KINDS; kind++) {
		struct range_node *node = ranges_overlap(&a->held[kind], 0, UINT64_MAX);
		while (node != NULL) {
			cb(hold_of_node(node), arg);
			node = node->last < UINT64_MAX ? ranges_overlap(&a->held[kind], node->last + 1, UINT64_MAX) : NULL;
		}
	}
}

void
pool_each_hold(const struct pool *pool, pool_hold_cb *cb, void *arg)
{
	const struct address *a, *tmp;

	HASH_ITER(hh, pool->in_use, a, tmp)
		each_hold_of(a, cb, arg);
}

void
pool_each_hold_of(const struct pool *pool, ip4_t addr, pool_hold_cb *cb, void *arg)
{
	const struct address *a = pool_address_find(pool, addr);

	if (a != NULL)
		each_hold_of(a, cb, arg);
}

const struct hold *
pool_find_hold(const struct pool *pool, struct tuple tuple)
{
	const struct address *a = pool_address_find(pool, tuple.addr);

	return a != NULL ? address_find_hold(a, tuple) : NULL;
}

bool
pool_is_held(const struct pool *pool, struct tuple tuple)
{
	return pool_find_hold(pool, tuple) != NULL;
}
