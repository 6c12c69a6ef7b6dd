/* The inside of struct pool, for pool.c and quarantine.c only. */
#ifndef RSIPD_POOL_STATE_H
#define RSIPD_POOL_STATE_H

#include "address.h"
#include "pool.h"
#include "pool_room.h"

/* What is known of one pool of the configuration. */
struct pool_entry {
	const struct conf_pool *spec;
	struct pool_room room;
	struct pool_totals totals;
};

/* A host for which something is held, and on which addresses: where it is best served when it comes back. */
struct holder {
	ip4_t host;
	struct holder_place {
		ip4_t addr;
		struct hold *holds; /* utlist.h */
		struct holder_place *next; /* utlist.h */
	} *places;
	UT_hash_handle hh;
};

struct pool {
	struct address *in_use; /* uthash; an address of which nothing is leased or held is not in it */
	struct pool_entry *entries;
	size_t n_entries;
	struct holder *holders; /* uthash, by host */
};

struct address *pool_address_find(const struct pool *pool, ip4_t addr); /* NULL: not in use */
struct address *pool_address_get(struct pool *pool, ip4_t addr);        /* made if need be */
void pool_address_drop_idle(struct pool *pool, struct address *a);

/* The pool that has the address; NULL when none has it any more, after a reload. */
struct pool_entry *pool_entry_of(const struct pool *pool, ip4_t addr);

/* Something of the address may be leased by anyone again: searches look there once more. */
void pool_reopen(struct pool *pool, const struct address *a, struct tuple tuple);

struct holder *pool_holder_find(const struct pool *pool, ip4_t host); /* NULL: nothing is held for it */

void pool_account_hold(struct pool *pool, const struct hold *hold, int n); /* n times, 1 or -1 */

#endif
