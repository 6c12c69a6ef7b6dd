#include "address.h"

#include <stdlib.h>

#include "mem.h"
#include "random.h"

struct address *
address_new(ip4_t addr)
{
	struct address *a = mem_zero(1, sizeof(*a));

	a->addr = addr;
	return a;
}

void
address_free(struct address *a)
{
	for (int kind = 0; kind < TUPLE_KINDS; kind++)
		range_table_done(&a->leased[kind]);
	free(a->ports);
	free(a);
}

static bool
leased_port(const struct address *a, struct tuple tuple, uint64_t *past)
{
	int at = a->ports == NULL ? -1 : portbits_find(a->ports, true, (uint16_t)tuple.first, (uint16_t)tuple.last);
	int end;

	if (at < 0)
		return false;
	end = portbits_find(a->ports, false, (uint16_t)at, UINT16_MAX);
	*past = end < 0 ? UINT16_MAX : (uint64_t)end - 1;
	return true;
}

static bool
leased_number(const struct address *a, struct tuple tuple, uint64_t *past)
{
	const struct range_entry *entry = range_table_find(&a->leased[tuple.kind], tuple.first, tuple.last);

	if (entry == NULL)
		return false;
	*past = entry->last;
	return true;
}

static bool
is_leased(const struct address *a, struct tuple tuple, uint64_t *past)
{
	if (a->whole || (tuple.kind == TUPLE_ADDRESS && a->n_leased > 0)) {
		*past = UINT64_MAX;
		return true;
	}
	if (tuple.kind == TUPLE_PORT)
		return leased_port(a, tuple, past);
	return tuple.kind != TUPLE_ADDRESS && leased_number(a, tuple, past);
}

/* A hold of some kind from a number on. */
static struct hold *
hold_from(const struct address *a, enum tuple_kind kind, uint64_t first, uint64_t last)
{
	return hold_of_node(ranges_overlap(&a->held[kind], first, last));
}

/* A host's own holds are not in its way; but a whole address held for it comes back only whole. */
static bool
held_in_the_way(const struct address *a, struct tuple tuple, ip4_t host, uint64_t *past)
{
	uint64_t from = tuple.first;
	struct hold *hold;

	if (a->whole_hold != NULL && (tuple.kind != TUPLE_ADDRESS || a->whole_hold->host != host)) {
		*past = UINT64_MAX;
		return true;
	}
	while ((hold = hold_from(a, tuple.kind, from, tuple.last)) != NULL) {
		*past = hold->node.last;
		if (hold->host != host)
			return true;
		if (hold->node.last >= tuple.last)
			break;
		from = hold->node.last + 1;
	}
	return false;
}

static bool
any_held_by_other(const struct address *a, ip4_t host)
{
	uint64_t past;

	for (int kind = TUPLE_PORT; kind < TUPLE_KINDS; kind++) {
		if (held_in_the_way(a, (struct tuple){ a->addr, (enum tuple_kind)kind, 0, UINT64_MAX }, host, &past))
			return true;
	}
	return false;
}

bool
address_conflict(const struct address *a, struct tuple tuple, ip4_t host, uint64_t *past)
{
	*past = UINT64_MAX;
	if (a == NULL)
		return false;
	if (is_leased(a, tuple, past) || held_in_the_way(a, tuple, host, past))
		return true;
	return tuple.kind == TUPLE_ADDRESS && a->whole_hold == NULL && any_held_by_other(a, host);
}

void
address_take(struct address *a, struct tuple tuple)
{
	a->n_leased++;
	if (tuple.kind == TUPLE_ADDRESS) {
		a->whole = true;
	} else if (tuple.kind == TUPLE_PORT) {
		if (a->ports == NULL)
			a->ports = mem_zero(1, sizeof(*a->ports));
		portbits_set(a->ports, (uint16_t)tuple.first, (uint16_t)tuple.last);
	} else {
		range_table_add(&a->leased[tuple.kind], tuple.first, tuple.last, 0);
	}
}

void
address_give(struct address *a, struct tuple tuple)
{
	a->n_leased--;
	if (tuple.kind == TUPLE_ADDRESS) {
		a->whole = false;
	} else if (tuple.kind == TUPLE_PORT) {
		portbits_clear(a->ports, (uint16_t)tuple.first, (uint16_t)tuple.last);
	} else {
		range_table_remove(&a->leased[tuple.kind], tuple.first, 0);
	}
}

bool
address_is_leased(const struct address *a, struct tuple tuple)
{
	if (tuple.kind == TUPLE_ADDRESS)
		return a->whole;
	if (tuple.kind == TUPLE_PORT)
		return a->ports != NULL &&
		       portbits_find(a->ports, false, (uint16_t)tuple.first, (uint16_t)tuple.last) < 0;
	const struct range_entry *entry = range_table_find(&a->leased[tuple.kind], tuple.first, tuple.last);
	return entry != NULL && entry->first == tuple.first && entry->last == tuple.last;
}

void
address_hold(struct address *a, struct hold *hold)
{
	a->n_held++;
	if (hold->kind == TUPLE_ADDRESS)
		a->whole_hold = hold;
	else
		ranges_add(&a->held[hold->kind], &hold->node);
}

void
address_unhold(struct address *a, struct hold *hold)
{
	a->n_held--;
	if (hold->kind == TUPLE_ADDRESS)
		a->whole_hold = NULL;
	else
		ranges_remove(&a->held[hold->kind], &hold->node);
}

struct hold *
address_find_hold(const struct address *a, struct tuple tuple)
{
	if (a->whole_hold != NULL)
		return a->whole_hold;
	if (tuple.kind != TUPLE_ADDRESS)
		return hold_from(a, tuple.kind, tuple.first, tuple.last);
	for (int kind = TUPLE_PORT; kind < TUPLE_KINDS; kind++) {
		struct hold *hold = hold_from(a, (enum tuple_kind)kind, 0, UINT64_MAX);
		if (hold != NULL)
			return hold;
	}
	return NULL;
}

/* One candidate, skip list included. */
static bool
blocked(const struct address *a, const struct address_room *room, ip4_t host, uint64_t first, uint64_t *past)
{
	uint64_t last = first + (room->n - 1);

	for (size_t i = 0; i < room->n_skip; i++) {
		if (room->skip[i] >= first && room->skip[i] <= last) {
			*past = room->skip[i];
			return true;
		}
	}
	return address_conflict(a, (struct tuple){ a != NULL ? a->addr : 0, room->kind, first, last }, host, past);
}

enum { RANDOM_TRIES = 32 };

/* Random places first, which find room at once unless the address is nearly full; then every place, from a random one
 * on, jumping over what is in the way. */
bool
address_find_room(const struct address *a, const struct address_room *room, ip4_t host, uint64_t *first)
{
	uint64_t base = room->lo + (-room->lo & (room->align - 1)), past;

	if (base < room->lo || base > room->hi || room->hi - base < room->n - 1)
		return false;
	uint64_t places = (room->hi - base - (room->n - 1)) / room->align + 1;
	uint64_t start = random_below(places);

	for (int i = 0; i < RANDOM_TRIES; i++) {
		*first = base + random_below(places) * room->align;
		if (!blocked(a, room, host, *first, &past))
			return true;
	}
	for (int lap = 0; lap < 2; lap++) {
		uint64_t end = lap == 0 ? places : start;
		for (uint64_t i = lap == 0 ? start : 0; i < end; i = (past - base) / room->align + 1) {
			*first = base + i * room->align;
			if (!blocked(a, room, host, *first, &past))
				return true;
			if (past >= room->hi)
				break;
		}
	}
	return false;
}

enum { OWN_HOLDS_TRIED = 64 }; /* one is the rule: a host asks for as much as it had */

bool
address_find_held_room(const struct address *a, const struct address_room *room, const struct hold *own, uint64_t *first)
{
	uint64_t past;

	for (int i = 0; own != NULL && i < OWN_HOLDS_TRIED; i++, own = own->next) {
		*first = own->node.first + (-own->node.first & (room->align - 1));
		if (own->kind == room->kind && *first >= room->lo && room->hi >= *first && room->hi - *first >= room->n - 1 &&
		    own->node.last >= *first && own->node.last - *first >= room->n - 1 &&
		    !blocked(a, room, own->host, *first, &past))
			return true;
	}
	return false;
}
