#include "addr_table.h"

#include <stdlib.h>

#include "demux_binding.h"
#include "mem.h"
#include "port_page.h"

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
	range_table_done(&t->spis);
	range_table_done(&t->cookies);
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

static struct demux_binding *
owner_of(const struct range_table *ranges, uint64_t first, uint64_t last)
{
	const struct range_entry *entry = range_table_find(ranges, first, last);

	return entry != NULL ? demux_binding_at(entry->owner) : NULL;
}

struct demux_binding *
addr_table_spi(const struct addr_table *t, uint32_t spi)
{
	return owner_of(&t->spis, spi, spi);
}

static struct demux_binding *
spi_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	struct demux_binding *other = NULL;

	for (unsigned i = 0; i < b->lease.n_spis && other == NULL; i++)
		other = owner_of(&t->spis, demux_spis(b)[i].first, demux_spis(b)[i].last);
	return other;
}

/* A range that overlaps an earlier one of the same binding says nothing new. */
static void
add_spis(struct addr_table *t, const struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		const struct spi_range *range = &demux_spis(b)[i];

		if (owner_of(&t->spis, range->first, range->last) == NULL)
			range_table_add(&t->spis, range->first, range->last, b->number);
	}
}

static void
remove_spis(struct addr_table *t, const struct demux_binding *b)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++)
		range_table_remove(&t->spis, demux_spis(b)[i].first, b->number);
}

/* ---- IKE cookie blocks: masks have their ones first, so that a block is a range ---- */

struct demux_binding *
addr_table_cookie(const struct addr_table *t, uint64_t cookie)
{
	return owner_of(&t->cookies, cookie, cookie);
}

static uint64_t
last_cookie(const struct demux_binding *b)
{
	return demux_terms(b)->cookie_value | ~demux_terms(b)->cookie_mask;
}

static struct demux_binding *
cookie_conflict(const struct addr_table *t, const struct demux_binding *b)
{
	if ((b->lease.flags & DP_F_COOKIE_BLOCK) == 0)
		return NULL;
	return owner_of(&t->cookies, demux_terms(b)->cookie_value, last_cookie(b));
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

	listener->peer = demux_terms(b)->ike_listener;
	listener->owner = b;
	HASH_ADD(hh, t->listeners, peer, sizeof(listener->peer), listener);
}

static void
remove_listener(struct addr_table *t, const struct demux_binding *b)
{
	struct ike_listener *listener = find_listener(t, demux_terms(b)->ike_listener);

	if (listener == NULL || listener->owner != b)
		return;
	HASH_DEL(t->listeners, listener);
	free(listener);
}

/* ---- all of a binding ---- */

static struct demux_binding *
any_binding(const struct addr_table *t)
{
	struct demux_binding *b;

	for (unsigned i = 0; i < 256; i++) {
		if (t->ports[i] != NULL)
			return port_page_owner(t->ports[i], 0, 0xff);
	}
	if ((b = owner_of(&t->spis, 0, UINT64_MAX)) != NULL || (b = owner_of(&t->cookies, 0, UINT64_MAX)) != NULL)
		return b;
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
		other = addr_table_listener(t, demux_terms(b)->ike_listener);
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
		range_table_add(&t->cookies, demux_terms(b)->cookie_value, last_cookie(b), b->number);
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
		range_table_remove(&t->cookies, demux_terms(b)->cookie_value, b->number);
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
	if (t == NULL || b->lease.method == RSIP_METHOD_RSA_IP)
		return t != NULL && t->whole == b;
	if (!ports_lead(t, b) || !spis_lead(t, b))
		return false;
	if ((b->lease.flags & DP_F_IKE_LISTENER) != 0 && addr_table_listener(t, demux_terms(b)->ike_listener) != b)
		return false;
	return (b->lease.flags & DP_F_COOKIE_BLOCK) == 0 || (addr_table_cookie(t, demux_terms(b)->cookie_value) == b &&
	                                                     addr_table_cookie(t, last_cookie(b)) == b);
}
