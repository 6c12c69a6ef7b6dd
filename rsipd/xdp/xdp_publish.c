#include "config.h"

#include "xdp_publish.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "dataplane.h"
#include "log.h"
#include "xdp_blocks.h"
#include "xdp_port_table.h"
#include "xdp_slots.h"

/* Of the binding's block of cookies; 0 where it has none. */
static uint64_t
cookie_mask(const struct demux_binding *b)
{
	return (b->lease.flags & DP_F_COOKIE_BLOCK) != 0 ? demux_terms(b)->cookie_mask : 0;
}

/* Control leases no other masks. */
static bool
fixed_first(uint64_t mask)
{
	return (~mask & (~mask + 1)) == 0;
}

bool
xdp_publishable(const struct demux_binding *b)
{
	/* The ports inside AH, which only RSAP-IP cannot have, are for the relay to look at. */
	bool ports_inside_ah = (b->lease.flags & DP_F_REMOTE_PORTS) != 0 && b->lease.method != RSIP_METHOD_RSAP_IP;

	return (b->lease.flags & DP_F_REMOTE_NAME) == 0 && demux_terms(b)->gre_key == 0 && !ports_inside_ah &&
	       demux_terms(b)->n_remote_ports <= XDP_REMOTE_PORTS_MAX && fixed_first(cookie_mask(b));
}

/* ---- the entry ---- */

uint64_t
xdp_fingerprint(const struct demux_binding *b)
{
	return demux_binding_fingerprint(b);
}

static uint8_t
flags_of(const struct demux_binding *b)
{
	uint8_t flags = 0;

	if (demux_terms(b)->remote_addr != 0)
		flags |= XDP_BINDING_REMOTE;
	if ((b->lease.flags & DP_F_REMOTE_PORTS) != 0)
		flags |= XDP_BINDING_REMOTE_PORTS;
	if (b->lease.method == RSIP_METHOD_RSIPSEC)
		flags |= XDP_BINDING_IPSEC;
	if (b->lease.method == RSIP_METHOD_RSA_IP)
		flags |= XDP_BINDING_WHOLE;
	if (b->lease.tunnel == RSIP_TUNNEL_GRE)
		flags |= XDP_BINDING_GRE;
	return flags;
}

static void
fill_terms(struct xdp_terms *terms, const struct demux_binding *b)
{
	terms->client_id = b->host->client_id;
	terms->remote_addr = htonl(demux_terms(b)->remote_addr);
	for (unsigned i = 0; i < XDP_REMOTE_PORTS_MAX; i++) {
		terms->remote_ports[i] = (struct xdp_port_range) { 1, 0 };
		if (i < demux_terms(b)->n_remote_ports)
			terms->remote_ports[i] = (struct xdp_port_range) { demux_remote_ports(b)[i].first, demux_remote_ports(b)[i].last };
	}
	if (cookie_mask(b) != 0)
		terms->cookie_value = demux_terms(b)->cookie_value;
	terms->user[XDP_SLOT_FINGERPRINT] = xdp_fingerprint(b);
}

uint8_t
xdp_fill(struct xdp_tables *t, uint32_t slot, const struct demux_binding *b, uint8_t gateway)
{
	struct xdp_binding *entry = &t->bindings[slot];

	entry->host_addr = htonl(b->host->addr);
	entry->local_addr = htonl(b->lease.local_addr);
	entry->path_mtu = b->host->path_mtu;
	entry->gateway = gateway;
	fill_terms(&t->terms[slot], b);
	return flags_of(b);
}

/* ---- ports ---- */

/* Shared IKE ports are never leased, whatever range they lie in. */
static void
set_port(struct xdp_ports *table, uint16_t port, uint32_t from, uint32_t to)
{
	uint32_t owner = table->owner[port];

	if (owner < XDP_PORT_NATT && (from == XDP_PORT_NOBODY || owner == from))
		xdp_port_set(table, port, to);
}

/* Ports that lead to from, or to anybody where that is XDP_PORT_NOBODY, lead to to. */
static void
set_ports(struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b, uint32_t from,
          uint32_t to)
{
	if (r->ports == 0)
		return;
	for (unsigned i = 0; i < b->lease.n_ports; i++) {
		for (uint32_t port = demux_ports(b)[i].first; port <= demux_ports(b)[i].last; port++)
			set_port(&t->ports[r->ports], (uint16_t)port, from, to);
	}
}

/* ---- elements of hashes ---- */

static bool
set_element(const struct xdp_tables *t, enum xdp_map map, const void *key, const void *value)
{
	static struct log_limit limit;

	if (bpf_map_update_elem(t->fd[map], key, value, BPF_ANY) == 0)
		return true;
	log_warn_limited(&limit, "xdp", "cannot add to a table, the relay serves what does not fit name=%s error=\"%s\"",
	                 xdp_map_names[map], strerror(errno));
	return false;
}

static bool
set_item(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot)
{
	static struct log_limit limit;

	if (xdp_blocks_set(t, table, key, slot))
		return true;
	log_warn_limited(&limit, "xdp", "no room for a block, the relay serves it name=%s",
	                 xdp_map_names[table == XDP_BLOCKS_SPI ? XDP_MAP_SPIS : XDP_MAP_COOKIES]);
	return false;
}

/* ---- SPIs ---- */

/* The largest aligned block that begins at first and ends by last; returns log2 of its size. first is not 0. */
static uint32_t
block_at(uint32_t first, uint32_t last)
{
	uint32_t shift = (uint32_t)__builtin_ctz(first);

	while (((uint64_t)first + (1u << shift) - 1) > last)
		shift--;
	return shift;
}

static void
set_block(struct xdp_tables *t, struct xdp_addr_record *r, uint32_t first, uint32_t shift, uint32_t slot, bool add)
{
	struct xdp_block_key key = xdp_spi_key(r->mix, first, shift);

	r->n_blocks[shift] += add ? 1 : -1u;
	if (!add)
		xdp_blocks_drop(t, XDP_BLOCKS_SPI, &key, slot);
	else if (!set_item(t, XDP_BLOCKS_SPI, &key, slot))
		r->spis_up = true;
}

/* The blocks that a range is made of, one after the other: the first from first on. False at the end. */
static bool
next_block(const struct spi_range *range, uint64_t *first, uint32_t *at, uint32_t *shift)
{
	if (*first > range->last)
		return false;
	*at = (uint32_t)*first;
	*shift = block_at(*at, range->last);
	*first += 1ull << *shift;
	return true;
}

static void
set_spis(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot, bool add)
{
	uint32_t first, shift;

	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		for (uint64_t next = demux_spis(b)[i].first; next_block(&demux_spis(b)[i], &next, &first, &shift);)
			set_block(t, r, first, shift, slot, add);
	}
}

/* ---- cookies ---- */

static uint32_t
fixed_bits(const struct demux_binding *b)
{
	return (uint32_t)__builtin_popcountll(cookie_mask(b));
}

static struct xdp_block_key
cookie_key(const struct xdp_addr_record *r, const struct demux_binding *b)
{
	return xdp_cookie_key(r->mix, demux_terms(b)->cookie_value, fixed_bits(b));
}

static void
set_cookies(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot, bool add)
{
	struct xdp_block_key key = cookie_key(r, b);

	if (cookie_mask(b) == 0)
		return;
	r->n_cookies[fixed_bits(b)] += add ? 1 : -1u;
	if (!add)
		xdp_blocks_drop(t, XDP_BLOCKS_COOKIE, &key, slot);
	else if (!set_item(t, XDP_BLOCKS_COOKIE, &key, slot))
		r->cookies_up = true;
}

bool
xdp_lead_claim(struct xdp_tables *t, const struct learned *item, uint32_t slot)
{
	struct xdp_claim_key key = { .cookie = htobe64(item->key.value), .addr = htonl(item->key.local_addr) };
	struct xdp_claim claim = { .binding = item->answered ? slot : XDP_CLAIM_UP };

	if (slot != 0)
		return set_element(t, XDP_MAP_CLAIMS, &key, &claim);
	bpf_map_delete_elem(t->fd[XDP_MAP_CLAIMS], &key);
	return true;
}

void
xdp_lead_ipsec(struct xdp_tables *t, const struct demux_binding *b, uint32_t slot)
{
	struct xdp_ipsec_key key = { .addr = htonl(b->lease.local_addr), .host = htonl(b->host->addr) };

	if (slot != 0)
		set_element(t, XDP_MAP_IPSEC, &key, &slot);
	else
		bpf_map_delete_elem(t->fd[XDP_MAP_IPSEC], &key);
}

/* ---- all of it ---- */

void
xdp_lead(struct xdp_tables *t, struct xdp_addrs *addrs, struct xdp_addr_record *r, const struct demux_binding *b,
         uint32_t slot)
{
	r->n_bindings++;
	if (b->lease.method == RSIP_METHOD_RSA_IP) {
		r->whole = slot;
		return;
	}
	if (b->lease.n_ports > 0 && xdp_addrs_need_ports(addrs, r))
		set_ports(t, r, b, XDP_PORT_NOBODY, slot);
	set_spis(t, r, b, slot, true);
	set_cookies(t, r, b, slot, true);
}

void
xdp_mislead(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot)
{
	r->n_bindings--;
	if (r->whole == slot)
		r->whole = 0;
	if (b->lease.method == RSIP_METHOD_RSA_IP)
		return;
	set_ports(t, r, b, slot, XDP_PORT_NOBODY);
	set_spis(t, r, b, slot, false);
	set_cookies(t, r, b, slot, false);
}

/* ---- the check ---- */

static bool
ports_lead(const struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b)
{
	for (unsigned i = 0; r->ports != 0 && i < b->lease.n_ports; i++) {
		for (uint32_t port = demux_ports(b)[i].first; port <= demux_ports(b)[i].last; port++) {
			uint32_t owner = t->ports[r->ports].owner[port];
			if (owner < XDP_PORT_NATT && owner != b->xdp_slot)
				return false;
		}
	}
	return true;
}

static bool
spis_lead(const struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b)
{
	uint32_t first, shift;

	for (unsigned i = 0; !r->spis_up && i < b->lease.n_spis; i++) {
		for (uint64_t next = demux_spis(b)[i].first; next_block(&demux_spis(b)[i], &next, &first, &shift);) {
			struct xdp_block_key key = xdp_spi_key(r->mix, first, shift);

			if (xdp_blocks_find(t, XDP_BLOCKS_SPI, &key) != b->xdp_slot)
				return false;
		}
	}
	return true;
}

static bool
cookies_lead(const struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b)
{
	struct xdp_block_key key = cookie_key(r, b);

	return cookie_mask(b) == 0 || r->cookies_up ||
	       xdp_blocks_find(t, XDP_BLOCKS_COOKIE, &key) == b->xdp_slot;
}

/* Any RSIPSEC binding of the host on the address will do. */
static bool
sends_ipsec(const struct xdp_tables *t, const struct demux_binding *b)
{
	struct xdp_ipsec_key key = { .addr = htonl(b->lease.local_addr), .host = htonl(b->host->addr) };
	uint32_t slot;

	return b->lease.method != RSIP_METHOD_RSIPSEC ||
	       (bpf_map_lookup_elem(t->fd[XDP_MAP_IPSEC], &key, &slot) == 0 && xdp_slots_live(t, slot) &&
	        t->bindings[slot].host_addr == key.host && t->bindings[slot].local_addr == key.addr);
}

static bool
address_is_shown(const struct xdp_tables *t, const struct xdp_addr_record *r)
{
	uint32_t key = htonl(r->addr);
	struct xdp_addr element;

	return !r->is_shown || (bpf_map_lookup_elem(t->fd[XDP_MAP_ADDRS], &key, &element) == 0 &&
	                        memcmp(&element, &r->shown, sizeof(element)) == 0);
}

static bool
entry_is_of(const struct xdp_tables *t, const struct demux_binding *b)
{
	const struct xdp_binding *entry = &t->bindings[b->xdp_slot];
	const struct xdp_terms *terms = &t->terms[b->xdp_slot];

	return terms->bind_id == b->lease.bind_id && terms->user[XDP_SLOT_FINGERPRINT] == xdp_fingerprint(b) &&
	       entry->host_addr == htonl(b->host->addr) && entry->local_addr == htonl(b->lease.local_addr) &&
	       terms->remote_addr == htonl(demux_terms(b)->remote_addr);
}

enum dp_fault
xdp_shown_fault(const struct xdp_tables *t, const struct xdp_addr_record *r, const struct demux_binding *b)
{
	if (!xdp_slots_live(t, b->xdp_slot))
		return DP_FAULT_XDP_MISSING;
	if (!entry_is_of(t, b))
		return DP_FAULT_XDP_DIFFERS;
	if (r == NULL || !address_is_shown(t, r))
		return DP_FAULT_XDP_ADDRESS;
	if (!ports_lead(t, r, b))
		return DP_FAULT_XDP_PORTS;
	if (!spis_lead(t, r, b))
		return DP_FAULT_XDP_SPIS;
	if (!cookies_lead(t, r, b))
		return DP_FAULT_XDP_COOKIES;
	return sends_ipsec(t, b) ? DP_NO_FAULT : DP_FAULT_XDP_IPSEC;
}
