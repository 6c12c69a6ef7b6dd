/* One public address in use: what of it is leased, and what is held for a former holder. The unit of bookkeeping is
 * the tuple (binding.h); whether a tuple may be leased at all is the pool's business. */
#ifndef RSIPD_ADDRESS_H
#define RSIPD_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "addr.h"
#include "binding.h"
#include "hold.h"
#include "pool_totals.h"
#include "portbits.h"
#include "range_table.h"
#include "ranges.h"

struct address {
	ip4_t addr;
	bool whole;                         /* leased by RSA-IP */
	struct hold *whole_hold;            /* held whole after such a lease, or NULL */
	struct portbits *ports;             /* leased; made at the first */
	struct range_table leased[TUPLE_KINDS]; /* SPI, COOKIE, IKE_PEER */
	struct ranges held[TUPLE_KINDS];    /* PORT, SPI, COOKIE; the nodes of struct hold */
	size_t n_leased, n_held;            /* tuples of all kinds */
	struct pool_totals totals;          /* the pool's to keep */
	UT_hash_handle hh;
};

struct address *address_new(ip4_t addr);
void address_free(struct address *a); /* with what is leased; holds must be gone */

/* Whether anything of the tuple is leased, or held for another than host. *past is then the last number of what is in
 * the way, as far as it is known: a search may go on behind it. a NULL is an address of which nothing is in use. */
bool address_conflict(const struct address *a, struct tuple tuple, ip4_t host, uint64_t *past);

/* Marks a tuple that has no conflict as leased, and ends that. */
void address_take(struct address *a, struct tuple tuple);
void address_give(struct address *a, struct tuple tuple);

bool address_is_leased(const struct address *a, struct tuple tuple); /* exactly this one; of ports, all of them */

/* Marks a tuple as held, and ends that. It overlaps no other hold. */
void address_hold(struct address *a, struct hold *hold);
void address_unhold(struct address *a, struct hold *hold);
/* The first hold that has something of the tuple, or NULL. Everything is part of a whole address. */
struct hold *address_find_hold(const struct address *a, struct tuple tuple);

/* Where to look for free numbers: n contiguous ones, their first divisible by align, all within lo..hi and none of
 * them in skip. */
struct address_room {
	enum tuple_kind kind;
	uint64_t lo, hi, n, align;
	const uint16_t *skip;
	size_t n_skip;
};
/* Finds room for host at a random place; false when there is none. a as for address_conflict. */
bool address_find_room(const struct address *a, const struct address_room *room, ip4_t host, uint64_t *first);

/* The same in one step, but only within what is held for the host: own is the first of its holds here. */
bool address_find_held_room(const struct address *a, const struct address_room *room, const struct hold *own,
                            uint64_t *first);

#endif
