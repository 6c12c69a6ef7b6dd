#include "xdp_blocks.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "xdp_slots.h"

/* Lines are added while more of their items than this are taken. Seven in eight blocks are found in their first line
 * then; fewer lines would have fewer there, and more lines would have fewer blocks in each. */
#define ITEMS_WANTED(lines) ((uint64_t)(lines) * XDP_LINE_ITEMS * 5 / 8)

/* A line that is still to be split has twice as many candidates as one that has been: some of its items have to go to
 * their other lines, and some of those on. */
#define MOVES_MAX 4

/* And where that makes no room for a block: a few lines more, then it is the relay's. */
#define GROWTH_MAX 8

/* Either table. */
struct view {
	const struct xdp_tables *t;
	enum xdp_block_table table;
	struct xdp_line *lines;
	uint32_t n_lines; /* that there are */
	struct xdp_lines *in_use;
	uint32_t *n_items;
};

static struct view
view_of(const struct xdp_tables *t, enum xdp_block_table table)
{
	if (table == XDP_BLOCKS_SPI)
		return (struct view) { t, table, t->spis, t->sizes.spi_lines, &t->state->spis, &t->state->n_spis };
	return (struct view) { t, table, t->cookies, t->sizes.cookie_lines, &t->state->cookies, &t->state->n_cookies };
}

static uint32_t
slot_of(__u64 item)
{
	return (uint32_t)(item & (XDP_ITEM_SLOTS - 1));
}

static void
write_item(__u64 *place, __u64 item)
{
	__atomic_store_n(place, item, __ATOMIC_RELEASE);
}

/* The key of a block that is in the table: what is not in the item is in its binding. */
static struct xdp_block_key
key_of(const struct view *v, __u64 item)
{
	uint32_t slot = slot_of(item), kind = (uint32_t)(item >> XDP_ITEM_SLOT_BITS) & ((1u << XDP_ITEM_KIND_BITS) - 1);
	uint32_t mix;

	if (slot >= v->t->sizes.bindings)
		return (struct xdp_block_key) { 0 };
	mix = xdp_addr_mix(v->t->state->seed, ntohl(v->t->bindings[slot].local_addr));
	if (v->table == XDP_BLOCKS_SPI)
		return xdp_spi_key(mix, (uint32_t)(item >> 32) ^ mix, kind);
	return xdp_cookie_key(mix, v->t->terms[slot].cookie_value, kind != 0 ? kind : 64);
}

/* ---- places ---- */

/* Of the line's items the first that is item where mask is set. */
static __u64 *
find_in_line(const struct view *v, uint32_t line, __u64 item, __u64 mask)
{
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		__u64 *place = &v->lines[line].items[i];

		if (*place != 0 && (*place & mask) == item)
			return place;
	}
	return NULL;
}

static __u64 *
find(const struct view *v, const struct xdp_block_key *key, __u64 item, __u64 mask)
{
	__u64 *place = find_in_line(v, xdp_first_line(key, v->in_use), item, mask);

	return place != NULL ? place : find_in_line(v, xdp_second_line(key, v->in_use), item, mask);
}

static __u64 *
find_block(const struct view *v, const struct xdp_block_key *key)
{
	return find(v, key, key->id, ~(XDP_ITEM_SLOTS - 1));
}

static __u64 *
find_free(const struct view *v, uint32_t line)
{
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		if (v->lines[line].items[i] == 0)
			return &v->lines[line].items[i];
	}
	return NULL;
}

/* There before it is gone here, so that it is always somewhere. */
static __u64 *
move(__u64 *place, __u64 *to)
{
	write_item(to, *place);
	write_item(place, 0);
	return place;
}

/* An item that had to take its second line goes to its first one, where there may be room by now. */
static __u64 *
send_one_home(const struct view *v, uint32_t line)
{
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		__u64 *place = &v->lines[line].items[i], *to;
		struct xdp_block_key key = key_of(v, *place);

		if ((to = find_free(v, xdp_first_line(&key, v->in_use))) != NULL)
			return move(place, to);
	}
	return NULL;
}

static uint32_t
other_line(const struct view *v, __u64 item, uint32_t line)
{
	struct xdp_block_key key = key_of(v, item);
	uint32_t first = xdp_first_line(&key, v->in_use);

	return first == line ? xdp_second_line(&key, v->in_use) : first;
}

/* An item of the line goes to its other one, where further items may have to go first, moves of them in a row (cuckoo
 * hashing). */
static __u64 *
make_room(const struct view *v, uint32_t line, int moves)
{
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		__u64 *place = &v->lines[line].items[i], *to, item = *place;
		uint32_t other = other_line(v, item, line);

		if ((to = find_free(v, other)) == NULL && (moves == 1 || (to = make_room(v, other, moves - 1)) == NULL))
			continue;
		if (*place != item) /* those who went first came by here */
			return *place == 0 ? place : NULL;
		return move(place, to);
	}
	return NULL;
}

static __u64 *
find_room(const struct view *v, const struct xdp_block_key *key)
{
	uint32_t first = xdp_first_line(key, v->in_use), second = xdp_second_line(key, v->in_use);
	__u64 *place;

	if ((place = find_free(v, first)) != NULL || (place = send_one_home(v, first)) != NULL ||
	    (place = find_free(v, second)) != NULL)
		return place;
	for (int moves = 1; moves <= MOVES_MAX; moves++) {
		if ((place = make_room(v, first, moves)) != NULL || (place = make_room(v, second, moves)) != NULL)
			return place;
	}
	return NULL;
}

/* ---- growth ---- */

/* Whether an item of the line from belongs into the line that is split off, by the lines that there are then. */
static bool
goes_along(const struct view *v, __u64 item, uint32_t from, const struct xdp_lines *then)
{
	struct xdp_block_key key = key_of(v, item);
	uint32_t first = xdp_first_line(&key, then), fresh = then->n - 1;

	return item != 0 && (first == fresh || (first != from && xdp_second_line(&key, then) == fresh));
}

/* One line more. What it takes over is in it before programs look there, and a program that read of the lines before
 * that misses it for a moment at worst, so that the relay has the packet. */
static bool
grow(const struct view *v)
{
	struct xdp_lines then = { v->in_use->n + 1, v->in_use->wide };
	uint32_t fresh = then.n - 1, from;

	if (fresh >= v->n_lines)
		return false;
	if (fresh > then.wide)
		then.wide = 2 * then.wide + 1;
	from = fresh & then.wide >> 1;
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		__u64 item = v->lines[from].items[i];

		write_item(&v->lines[fresh].items[i], goes_along(v, item, from, &then) ? item : 0);
	}
	__atomic_store_n(&v->in_use->wide, then.wide, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->in_use->n, then.n, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
		if (v->lines[fresh].items[i] != 0)
			write_item(&v->lines[from].items[i], 0);
	}
	return true;
}

/* ---- all of it ---- */

/* Of two bindings that lease what looks alike. */
static bool
lease_the_same(const struct view *v, uint32_t a, uint32_t b)
{
	return v->t->bindings[a].local_addr == v->t->bindings[b].local_addr &&
	       (v->table == XDP_BLOCKS_SPI || v->t->terms[a].cookie_value == v->t->terms[b].cookie_value);
}

bool
xdp_blocks_set(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	__u64 *place = find_block(&v, key);

	if (place != NULL) {
		if (!lease_the_same(&v, slot_of(*place), slot))
			return false;
		write_item(place, key->id | slot);
		return true;
	}
	while (*v.n_items >= ITEMS_WANTED(v.in_use->n) && grow(&v))
		;
	for (int i = 0; (place = find_room(&v, key)) == NULL; i++) {
		if (i == GROWTH_MAX || !grow(&v))
			return false;
	}
	write_item(place, key->id | slot);
	++*v.n_items;
	return true;
}

void
xdp_blocks_drop(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	struct view v = view_of(t, table);
	__u64 *place = find(&v, key, key->id | slot, UINT64_MAX);

	if (place == NULL)
		return;
	write_item(place, 0);
	--*v.n_items;
}

uint32_t
xdp_blocks_find(const struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key)
{
	struct view v = view_of(t, table);
	const __u64 *place = find_block(&v, key);

	return place != NULL ? slot_of(*place) : 0;
}

/* Its binding lives, and programs find it there: who was killed between two writes of a move or a split has left it twice,
 * and the one that nobody finds would outlive the lease. */
static bool
is_kept(const struct view *v, const __u64 *place)
{
	struct xdp_block_key key = key_of(v, *place);

	return xdp_slots_live(v->t, slot_of(*place)) && find_block(v, &key) == place;
}

static uint32_t
count(const struct view *v, bool sweep)
{
	uint32_t n = 0;

	for (uint32_t line = 0; line < v->in_use->n; line++) {
		for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
			__u64 *place = &v->lines[line].items[i];

			if (*place != 0 && sweep && !is_kept(v, place))
				write_item(place, 0);
			n += *place != 0;
		}
	}
	return n;
}

/* What an earlier run that was killed has counted may be wrong by one. */
void
xdp_blocks_sweep(struct xdp_tables *t)
{
	struct view spis = view_of(t, XDP_BLOCKS_SPI), cookies = view_of(t, XDP_BLOCKS_COOKIE);

	*spis.n_items = count(&spis, true);
	*cookies.n_items = count(&cookies, true);
}

uint32_t
xdp_blocks_count(const struct xdp_tables *t, enum xdp_block_table table)
{
	struct view v = view_of(t, table);

	return count(&v, false);
}
