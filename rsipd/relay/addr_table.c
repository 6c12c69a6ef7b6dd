#include "addr_table.h"

#include <stdlib.h>
#include <string.h>

#include "demux_binding.h"
#include "mem.h"
#include "port_page.h"

struct spi_block {
	struct spi_range range;
	struct demux_binding *owner;
};

/* The key of the hash: the fixed bits and where they are. */
struct cookie_key { uint64_t mask, value; };

struct cookie_block {
	struct cookie_key key;
	struct demux_binding *owner;
	UT_hash_handle hh;
};

struct ike_listener {
	ip4_t peer;
	struct demux_binding *owner;
	UT_hash_handle hh;
};

struct addr_table *
addr_table_new(ip4_t addr)
{
	struct addr_table *t = mem_zero(1, sizeof(*t));

	t->addr = addr;
	return t;
}

void
addr_table_free(struct addr_table *t)
{
	free(t->spis);
	free(t->masks);
	free(t);
}

/* ---- ports ---- */

struct demux_binding *
addr_table_port(const struct addr_table *t, uint16_t port)
{
	return port_page_owner(t->ports[port >> 8], port & 0xff, port & 0xff);
}

/* The part of a range that lies in a page. */
static void
clip(const struct port_range *range, unsigned high, uint8_t *first, uint8_t *last)
{
	*first = high == range->first >> 8 ? range->first & 0xff : 0;
	*last = high == range->last >> 8 ? range->last & 0xff : 0xff;
}

static struct demux_binding *
port_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	struct demux_binding *other = NULL;
	uint8_t first, last;

	for (unsigned i = 0; i < b->lease.n_ports; i++) {
		const struct port_range *range = &demux_ports(b)[i];
		for (unsigned high = range->first >> 8; other == NULL && high <= range->last >> 8; high++) {
			clip(range, high, &first, &last);
			other = port_page_owner(t->ports[high], first, last);
		}
	}
	return other;
}

/* A range that overlaps an earlier one of the same binding says nothing new, where it does. */
static void
add_to_page(struct port_page **page, uint8_t first, uint8_t last, struct demux_binding *b)
{
	if (port_page_owner(*page, first, last) == NULL) {
		*page = port_page_add(*page, first, last, b);
		return;
	}
	for (unsigned port = first; port <= last; port++) {
		if (port_page_owner(*page, (uint8_t)port, (uint8_t)port) == NULL)
			*page = port_page_add(*page, (uint8_t)port, (uint8_t)port, b);
	}
}

static void
add_ports(struct addr_table *t, struct demux_binding *b)
{
	uint8_t first, last;

	for (unsigned i = 0; i < b->lease.n_ports; i++) {
		const struct port_range *range = &demux_ports(b)[i];
		for (unsigned high = range->first >> 8; high <= range->last >> 8; high++) {
			clip(range, high, &first, &last);
			add_to_page(&t->ports[high], first, last, b);
		}
	}
}

static void
remove_ports(struct addr_table *t, const struct demux_binding *b)
{
	uint8_t first, last;

	for (unsigned i = 0; i < b->lease.n_ports; i++) {
		const struct port_range *range = &demux_ports(b)[i];
		for (unsigned high = range->first >> 8; high <= range->last >> 8; high++) {
			clip(range, high, &first, &last);
			t->ports[high] = port_page_remove(t->ports[high], first, last, b);
		}
	}
}

/* ---- SPIs ---- */

/* Index of the first block that ends at spi or above it; n_spis when there is none. */
static uint32_t
spi_index(const struct addr_table *t, uint32_t spi)
{
	uint32_t low = 0, high = t->n_spis;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->spis[middle].range.last < spi)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The owner of any SPI in the range. */
static struct demux_binding *
spi_overlap(const struct addr_table *t, struct spi_range range)
{
	uint32_t i = spi_index(t, range.first);

	return i < t->n_spis && t->spis[i].range.first <= range.last ? t->spis[i].owner : NULL;
}

struct demux_binding *
addr_table_spi(const struct addr_table *t, uint32_t spi)
{
	return spi_overlap(t, (struct spi_range){ spi, spi });
}

static struct demux_binding *
spi_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	struct demux_binding *other = NULL;

	for (unsigned i = 0; i < b->lease.n_spis && other == NULL; i++)
		other = spi_overlap(t, demux_spis(b)[i]);
	return other;
}

/* A range that overlaps an earlier one of the same binding says nothing new. */
static void
add_spis(struct addr_table *t, struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		uint32_t at = spi_index(t, demux_spis(b)[i].first);

		if (spi_overlap(t, demux_spis(b)[i]) != NULL)
			continue;
		if (t->n_spis == t->cap_spis) {
			t->cap_spis = t->cap_spis == 0 ? 16 : t->cap_spis * 2;
			t->spis = mem_grow(t->spis, t->cap_spis, sizeof(*t->spis));
		}
		memmove(&t->spis[at + 1], &t->spis[at], (t->n_spis - at) * sizeof(*t->spis));
		t->spis[at] = (struct spi_block){ .range = demux_spis(b)[i], .owner = b };
		t->n_spis++;
	}
}

static void
remove_spis(struct addr_table *t, const struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		uint32_t at = spi_index(t, demux_spis(b)[i].first);

		if (at == t->n_spis || t->spis[at].owner != b)
			continue;
		t->n_spis--;
		memmove(&t->spis[at], &t->spis[at + 1], (t->n_spis - at) * sizeof(*t->spis));
	}
}

/* ---- IKE cookie blocks ---- */

static struct cookie_block *
find_block(const struct addr_table *t, uint64_t mask, uint64_t value)
{
	struct cookie_key key = { .mask = mask, .value = value & mask };
	struct cookie_block *block;

	HASH_FIND(hh, t->cookies, &key, sizeof(key), block);
	return block;
}

struct demux_binding *
addr_table_cookie(const struct addr_table *t, uint64_t cookie)
{
	for (uint32_t i = 0; i < t->n_masks; i++) {
		const struct cookie_block *block = find_block(t, t->masks[i].mask, cookie);

		if (block != NULL)
			return block->owner;
	}
	return NULL;
}

/* Two blocks overlap when their values agree where both fix a bit. */
static struct demux_binding *
conflict_within(const struct addr_table *t, const struct demux_binding *b)
{
	const struct cookie_block *block;

	for (block = t->cookies; block != NULL; block = block->hh.next) {
		uint64_t both = block->key.mask & b->lease.cookie_mask;

		if ((block->key.value & both) == (b->lease.cookie_value & both))
			return block->owner;
	}
	return NULL;
}

/* A block at least as large as b's is found by its own mask; all are looked at only where smaller ones are in use. */
static struct demux_binding *
cookie_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	const struct cookie_block *block;
	uint64_t own = b->lease.cookie_mask;

	if ((b->lease.flags & DP_F_COOKIE_BLOCK) == 0)
		return NULL;
	for (uint32_t i = 0; i < t->n_masks; i++) {
		if ((t->masks[i].mask & own) != t->masks[i].mask)
			return conflict_within(t, b);
		block = find_block(t, t->masks[i].mask, b->lease.cookie_value);
		if (block != NULL)
			return block->owner;
	}
	return NULL;
}

static struct cookie_mask *
find_mask(const struct addr_table *t, uint64_t mask)
{
	uint32_t i = 0;

	while (i < t->n_masks && t->masks[i].mask != mask)
		i++;
	return i < t->n_masks ? &t->masks[i] : NULL;
}

static void
add_cookie_block(struct addr_table *t, struct demux_binding *b)
{
	struct cookie_block *block = mem_zero(1, sizeof(*block));
	struct cookie_mask *mask = find_mask(t, b->lease.cookie_mask);

	block->key = (struct cookie_key){ .mask = b->lease.cookie_mask,
		                          .value = b->lease.cookie_value & b->lease.cookie_mask };
	block->owner = b;
	HASH_ADD(hh, t->cookies, key, sizeof(block->key), block);
	if (mask == NULL) {
		t->masks = mem_grow(t->masks, t->n_masks + 1, sizeof(*t->masks));
		mask = &t->masks[t->n_masks++];
		*mask = (struct cookie_mask){ .mask = b->lease.cookie_mask };
	}
	mask->n_blocks++;
}

static void
remove_cookie_block(struct addr_table *t, const struct demux_binding *b)
{
	struct cookie_block *block = find_block(t, b->lease.cookie_mask, b->lease.cookie_value);
	struct cookie_mask *mask = find_mask(t, b->lease.cookie_mask);

	if (block == NULL || block->owner != b)
		return;
	HASH_DEL(t->cookies, block);
	free(block);
	if (--mask->n_blocks == 0)
		*mask = t->masks[--t->n_masks];
}

/* ---- IKE listeners ---- */

static struct ike_listener *
find_listener(const struct addr_table *t, ip4_t peer)
{
	struct ike_listener *listener;

	HASH_FIND(hh, t->listeners, &peer, sizeof(peer), listener);
	return listener;
}

struct demux_binding *
addr_table_listener(const struct addr_table *t, ip4_t peer)
{
	const struct ike_listener *listener = find_listener(t, peer);

	return listener != NULL ? listener->owner : NULL;
}

static void
add_listener(struct addr_table *t, struct demux_binding *b)
{
	struct ike_listener *listener = mem_zero(1, sizeof(*listener));

	listener->peer = b->lease.ike_listener;
	listener->owner = b;
	HASH_ADD(hh, t->listeners, peer, sizeof(listener->peer), listener);
}

static void
remove_listener(struct addr_table *t, const struct demux_binding *b)
{
	struct ike_listener *listener = find_listener(t, b->lease.ike_listener);

	if (listener == NULL || listener->owner != b)
		return;
	HASH_DEL(t->listeners, listener);
	free(listener);
}

/* ---- all of a binding ---- */

static struct demux_binding *
any_binding(const struct addr_table *t)
{
	for (unsigned i = 0; i < 256; i++) {
		if (t->ports[i] != NULL)
			return port_page_owner(t->ports[i], 0, 0xff);
	}
	if (t->n_spis > 0)
		return t->spis[0].owner;
	if (t->cookies != NULL)
		return t->cookies->owner;
	return t->listeners != NULL ? t->listeners->owner : NULL;
}

struct demux_binding *
addr_table_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	struct demux_binding *other = t->whole;

	if (other == NULL && b->lease.method == RSIP_METHOD_RSA_IP)
		return any_binding(t);
	if (other == NULL)
		other = port_conflict(t, b);
	if (other == NULL)
		other = spi_conflict(t, b);
	if (other == NULL)
		other = cookie_conflict(t, b);
	if (other == NULL && (b->lease.flags & DP_F_IKE_LISTENER) != 0)
		other = addr_table_listener(t, b->lease.ike_listener);
	return other;
}

void
addr_table_add(struct addr_table *t, struct demux_binding *b)
{
	t->n_bindings++;
	if (b->lease.method == RSIP_METHOD_RSA_IP) {
		t->whole = b;
		return;
	}
	add_ports(t, b);
	add_spis(t, b);
	if ((b->lease.flags & DP_F_COOKIE_BLOCK) != 0)
		add_cookie_block(t, b);
	if ((b->lease.flags & DP_F_IKE_LISTENER) != 0)
		add_listener(t, b);
}

void
addr_table_remove(struct addr_table *t, struct demux_binding *b)
{
	t->n_bindings--;
	if (b->lease.method == RSIP_METHOD_RSA_IP) {
		t->whole = NULL;
		return;
	}
	remove_ports(t, b);
	remove_spis(t, b);
	if ((b->lease.flags & DP_F_COOKIE_BLOCK) != 0)
		remove_cookie_block(t, b);
	if ((b->lease.flags & DP_F_IKE_LISTENER) != 0)
		remove_listener(t, b);
}

/* ---- the check ---- */

static bool
ports_lead(const struct addr_table *t, const struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_ports; i++) {
		for (uint32_t port = demux_ports(b)[i].first; port <= demux_ports(b)[i].last; port++) {
			if (addr_table_port(t, (uint16_t)port) != b)
				return false;
		}
	}
	return true;
}

/* The table's blocks are disjoint, so one that has the first and the last of a range has all of it. */
static bool
spis_lead(const struct addr_table *t, const struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		if (addr_table_spi(t, demux_spis(b)[i].first) != b || addr_table_spi(t, demux_spis(b)[i].last) != b)
			return false;
	}
	return true;
}

bool
addr_table_leads(const struct addr_table *t, const struct demux_binding *b)
{
	const struct cookie_block *block;

	if (t == NULL || b->lease.method == RSIP_METHOD_RSA_IP)
		return t != NULL && t->whole == b;
	if (!ports_lead(t, b) || !spis_lead(t, b))
		return false;
	if ((b->lease.flags & DP_F_IKE_LISTENER) != 0 && addr_table_listener(t, b->lease.ike_listener) != b)
		return false;
	if ((b->lease.flags & DP_F_COOKIE_BLOCK) == 0)
		return true;
	block = find_block(t, b->lease.cookie_mask, b->lease.cookie_value);
	return block != NULL && block->owner == b;
}
