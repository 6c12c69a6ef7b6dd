/* The inside of struct pool, for pool.c and quarantine.c only. */
#ifndef RSIPD_POOL_STATE_H
#define RSIPD_POOL_STATE_H

#include "address.h"
#include "pool.h"

/* What is known of one pool of the configuration. */
struct pool_entry {
	const struct conf_pool *spec;
	uint64_t cursor; /* no address of the pool below this one (pool_spec_index) has room for anyone */
	struct pool_totals totals;
};

struct pool {
	struct address *in_use; /* uthash; an address of which nothing is leased or held is not in it */
	struct pool_entry *entries;
	size_t n_entries;
};

struct address *pool_address_find(const struct pool *pool, ip4_t addr); /* NULL: not in use */
struct address *pool_address_get(struct pool *pool, ip4_t addr);        /* made if need be */
void pool_address_drop_idle(struct pool *pool, struct address *a);

/* The pool that has the address; NULL when none has it any more, after a reload. */
struct pool_entry *pool_entry_of(const struct pool *pool, ip4_t addr);

void pool_account_hold(struct pool *pool, const struct hold *hold, int n); /* n times, 1 or -1 */

#endif
