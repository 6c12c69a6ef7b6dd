#include "xdp_blocks.h"

#include <stddef.h>

#include "xdp_slots.h"

#define LINE_WORDS 8 /* of both tables */

/* Either table: lines of so many items, with their values behind them or none. */
struct view {
	uint64_t *words;
	uint32_t n_lines, n_items;
	bool values;
};

/* A place for an item. */
struct place {
	uint64_t *item, *value; /* value: NULL where there are none */
};

static struct view
view_of(const struct xdp_tables *t, enum xdp_block_table table)
{
	if (table == XDP_BLOCKS_SPI)
		return (struct view) { (uint64_t *)t->spis, t->sizes.spi_lines, XDP_SPI_ITEMS, false };
	return (struct view) { (uint64_t *)t->cookies, t->sizes.cookie_lines, XDP_COOKIE_ITEMS, true };
}

static struct place
place_at(const struct view *v, uint32_t line, uint32_t i)
{
	uint64_t *item = &v->words[(size_t)line * LINE_WORDS + i];

	return (struct place) { item, v->values ? item + v->n_items : NULL };
}

static uint32_t
slot_of(uint64_t item)
{
	return (uint32_t)(item & (XDP_ITEM_SLOTS - 1));
}

/* Value first: whoever sees the item sees that. */
static void
write_item(const struct place *p, uint64_t item, uint64_t value)
{
	if (p->value != NULL)
		__atomic_store_n(p->value, value, __ATOMIC_RELAXED);
	__atomic_store_n(p->item, item, __ATOMIC_RELEASE);
}

static void
erase(const struct place *p)
{
	__atomic_store_n(p->item, 0, __ATOMIC_RELEASE);
}

static bool
find_in_line(const struct view *v, const struct xdp_block_key *key, uint32_t line, struct place *p)
{
	for (uint32_t i = 0; i < v->n_items; i++) {
		*p = place_at(v, line, i);
		if (slot_of(*p->item) != 0 && (*p->item ^ key->id) < XDP_ITEM_SLOTS && (!v->values || *p->value == key->value))
			return true;
	}
	return false;
}

static bool
find(const struct view *v, const struct xdp_block_key *key, struct place *p)
{
	return find_in_line(v, key, key->line, p) ||
	       find_in_line(v, key, xdp_other_line(key->id, key->line, v->n_lines), p);
}

static bool
find_free(const struct view *v, uint32_t line, struct place *p)
{
	for (uint32_t i = 0; i < v->n_items; i++) {
		*p = place_at(v, line, i);
		if (*p->item == 0)
			return true;
	}
	return false;
}

/* An item of the line goes to its other one: there before it is gone here, so that it is always somewhere. */
static bool
make_room(const struct view *v, uint32_t line, struct place *p)
{
	for (uint32_t i = 0; i < v->n_items; i++) {
		struct place to;

		*p = place_at(v, line, i);
		if (!find_free(v, xdp_other_line(*p->item, line, v->n_lines), &to))
			continue;
		write_item(&to, *p->item, p->value != NULL ? *p->value : 0);
		erase(p);
		return true;
	}
	return false;
}

bool
xdp_blocks_set(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	uint32_t other = xdp_other_line(key->id, key->line, v.n_lines);
	struct place p;

	if (find(&v, key, &p)) {
		if (t->bindings[slot_of(*p.item)].local_addr != t->bindings[slot].local_addr)
			return false;
	} else if (!find_free(&v, key->line, &p) && !find_free(&v, other, &p) && !make_room(&v, key->line, &p) &&
	           !make_room(&v, other, &p)) {
		return false;
	}
	write_item(&p, key->id | slot, key->value);
	return true;
}

void
xdp_blocks_drop(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	struct place p;

	if (find(&v, key, &p) && slot_of(*p.item) == slot)
		erase(&p);
}

uint32_t
xdp_blocks_find(const struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key)
{
	struct view v = view_of(t, table);
	struct place p;

	return find(&v, key, &p) ? slot_of(*p.item) : 0;
}

static uint32_t
count(const struct xdp_tables *t, const struct view *v, bool sweep)
{
	uint32_t n = 0;

	for (size_t at = 0; at < (size_t)v->n_lines * v->n_items; at++) {
		struct place p = place_at(v, (uint32_t)(at / v->n_items), (uint32_t)(at % v->n_items));

		if (*p.item == 0)
			continue;
		if (sweep && !xdp_slots_live(t, slot_of(*p.item)))
			erase(&p);
		else
			n++;
	}
	return n;
}

void
xdp_blocks_sweep(struct xdp_tables *t)
{
	struct view spis = view_of(t, XDP_BLOCKS_SPI), cookies = view_of(t, XDP_BLOCKS_COOKIE);

	count(t, &spis, true);
	count(t, &cookies, true);
}

uint32_t
xdp_blocks_count(const struct xdp_tables *t, enum xdp_block_table table)
{
	struct view v = view_of(t, table);

	return count(t, &v, false);
}
