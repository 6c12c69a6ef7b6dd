#include "xdp_blocks.h"

#include <stddef.h>

#include "xdp_slots.h"

#define LINE_WORDS 8 /* of both tables */

/* Either table: lines of so many items, with their indices behind them or in them. */
struct view {
	uint64_t *words;
	uint32_t n_lines, n_items;
	bool slots_behind;
	uint32_t (*sum_of)(__u64 item, __u32 n_lines);
};

/* A place for an item. */
struct place {
	uint64_t *item;
	uint32_t *slot; /* NULL where it is in the item */
};

static struct view
view_of(const struct xdp_tables *t, enum xdp_block_table table)
{
	if (table == XDP_BLOCKS_SPI)
		return (struct view) { (uint64_t *)t->spis, t->sizes.spi_lines, XDP_SPI_ITEMS, false, xdp_spi_sum };
	return (struct view) { (uint64_t *)t->cookies, t->sizes.cookie_lines, XDP_COOKIE_ITEMS, true, xdp_cookie_sum };
}

static struct place
place_at(const struct view *v, uint32_t line, uint32_t i)
{
	uint64_t *items = &v->words[(size_t)line * LINE_WORDS];

	return (struct place) { &items[i], v->slots_behind ? (uint32_t *)&items[v->n_items] + i : NULL };
}

static uint32_t
slot_of(const struct place *p)
{
	return p->slot != NULL ? *p->slot : (uint32_t)(*p->item & (XDP_ITEM_SLOTS - 1));
}

static uint64_t
id_of(const struct place *p)
{
	return p->slot != NULL ? *p->item : *p->item & ~(XDP_ITEM_SLOTS - 1);
}

/* An index behind the item is written after it: whoever sees that sees the item. */
static void
write_item(const struct place *p, uint64_t id, uint32_t slot)
{
	__atomic_store_n(p->item, p->slot != NULL ? id : id | slot, __ATOMIC_RELEASE);
	if (p->slot != NULL)
		__atomic_store_n(p->slot, slot, __ATOMIC_RELEASE);
}

static void
erase(const struct place *p)
{
	if (p->slot != NULL)
		__atomic_store_n(p->slot, 0, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n(p->item, 0, __ATOMIC_RELEASE);
}

static bool
find_in_line(const struct view *v, const struct xdp_block_key *key, uint32_t line, struct place *p)
{
	for (uint32_t i = 0; i < v->n_items; i++) {
		*p = place_at(v, line, i);
		if (slot_of(p) != 0 && id_of(p) == key->id)
			return true;
	}
	return false;
}

static bool
find(const struct view *v, const struct xdp_block_key *key, struct place *p)
{
	return find_in_line(v, key, key->line, p) ||
	       find_in_line(v, key, xdp_other_line(key->sum, key->line, v->n_lines), p);
}

static bool
find_free(const struct view *v, uint32_t line, struct place *p)
{
	for (uint32_t i = 0; i < v->n_items; i++) {
		*p = place_at(v, line, i);
		if (slot_of(p) == 0)
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
		if (!find_free(v, xdp_other_line(v->sum_of(id_of(p), v->n_lines), line, v->n_lines), &to))
			continue;
		write_item(&to, id_of(p), slot_of(p));
		erase(p);
		return true;
	}
	return false;
}

bool
xdp_blocks_set(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	uint32_t other = xdp_other_line(key->sum, key->line, v.n_lines);
	struct place p;

	if (find(&v, key, &p)) {
		if (t->bindings[slot_of(&p)].local_addr != t->bindings[slot].local_addr)
			return false;
	} else if (!find_free(&v, key->line, &p) && !find_free(&v, other, &p) && !make_room(&v, key->line, &p) &&
	           !make_room(&v, other, &p)) {
		return false;
	}
	write_item(&p, key->id, slot);
	return true;
}

void
xdp_blocks_drop(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	struct place p;

	if (find(&v, key, &p) && slot_of(&p) == slot)
		erase(&p);
}

uint32_t
xdp_blocks_find(const struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key)
{
	struct view v = view_of(t, table);
	struct place p;

	return find(&v, key, &p) ? slot_of(&p) : 0;
}

static uint32_t
count(const struct xdp_tables *t, const struct view *v, bool sweep)
{
	uint32_t n = 0;

	for (size_t at = 0; at < (size_t)v->n_lines * v->n_items; at++) {
		struct place p = place_at(v, (uint32_t)(at / v->n_items), (uint32_t)(at % v->n_items));

		if (slot_of(&p) == 0)
			continue;
		if (sweep && !xdp_slots_live(t, slot_of(&p)))
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
