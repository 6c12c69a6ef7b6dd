#include "config.h"

#include "xdp_publish.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "log.h"
#include "xdp_port_table.h"
#include "xdp_slots.h"

bool
xdp_publishable(const struct demux_binding *b)
{
	/* The ports inside AH, which only RSAP-IP cannot have, are for the relay to look at. */
	bool ports_inside_ah = (b->lease.flags & DP_F_REMOTE_PORTS) != 0 && b->lease.method != RSIP_METHOD_RSAP_IP;

	return (b->lease.flags & DP_F_REMOTE_NAME) == 0 && b->lease.gre_key == 0 && !ports_inside_ah &&
	       b->lease.n_remote_ports <= XDP_REMOTE_PORTS_MAX;
}

/* ---- the entry ---- */

/* FNV-1a: nobody gains by a collision, since both bindings are the gateway's own grants. */
static uint64_t
hash(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len-- > 0)
		sum = (sum ^ *at++) * 0x100000001b3u;
	return sum;
}

uint64_t
xdp_fingerprint(const struct demux_binding *b)
{
	uint64_t sum = hash(0xcbf29ce484222325u, &b->lease, sizeof(b->lease));

	sum = hash(sum, b->ports, b->lease.n_ports * sizeof(*b->ports));
	sum = hash(sum, b->spis, b->lease.n_spis * sizeof(*b->spis));
	return hash(sum, b->remote_ports, b->lease.n_remote_ports * sizeof(*b->remote_ports));
}

static uint8_t
flags_of(const struct demux_binding *b)
{
	uint8_t flags = 0;

	if ((b->lease.flags & DP_F_REMOTE_PORTS) != 0)
		flags |= XDP_BINDING_REMOTE_PORTS;
	if (b->lease.method == RSIP_METHOD_RSIPSEC)
		flags |= XDP_BINDING_IPSEC;
	if (b->lease.method == RSIP_METHOD_RSA_IP)
		flags |= XDP_BINDING_WHOLE;
	return flags;
}

uint8_t
xdp_fill(struct xdp_binding *entry, const struct demux_binding *b, ip4_t gateway_addr)
{
	entry->host_addr = htonl(b->lease.host_addr);
	entry->gateway_addr = htonl(b->lease.gateway_addr != 0 ? b->lease.gateway_addr : gateway_addr);
	entry->local_addr = htonl(b->lease.local_addr);
	entry->remote_addr = htonl(b->lease.remote_addr);
	entry->path_mtu = b->host->path_mtu;
	entry->protocol = b->lease.tunnel == RSIP_TUNNEL_GRE ? IPPROTO_GRE : IPPROTO_IPIP;
	entry->client_id = b->lease.client_id;
	for (unsigned i = 0; i < XDP_REMOTE_PORTS_MAX; i++) {
		entry->remote_ports[i] = (struct xdp_port_range) { 1, 0 };
		if (i < b->lease.n_remote_ports)
			entry->remote_ports[i] = (struct xdp_port_range) { b->remote_ports[i].first, b->remote_ports[i].last };
	}
	entry->user[XDP_SLOT_FINGERPRINT] = xdp_fingerprint(b);
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
		for (uint32_t port = b->ports[i].first; port <= b->ports[i].last; port++)
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

static void
drop_element(const struct xdp_tables *t, enum xdp_map map, const void *key, uint32_t slot)
{
	uint32_t owner;

	if (bpf_map_lookup_elem(t->fd[map], key, &owner) == 0 && owner == slot)
		bpf_map_delete_elem(t->fd[map], key);
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
	struct xdp_spi_key key = { .addr = htonl(r->addr), .first = htonl(first), .shift = shift };

	r->n_blocks[shift] += add ? 1 : -1u;
	if (add)
		set_element(t, XDP_MAP_SPIS, &key, &slot);
	else
		drop_element(t, XDP_MAP_SPIS, &key, slot);
}

static void
set_spis(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot, bool add)
{
	for (unsigned i = 0; i < b->lease.n_spis; i++) {
		uint32_t first = b->spis[i].first, last = b->spis[i].last;

		for (;;) {
			uint32_t shift = block_at(first, last), end = first + ((1u << shift) - 1);

			set_block(t, r, first, shift, slot, add);
			if (end == last)
				break;
			first = end + 1;
		}
	}
}

/* ---- cookies ---- */

static void
set_cookies(struct xdp_tables *t, struct xdp_addr_record *r, const struct demux_binding *b, uint32_t slot, bool add)
{
	struct xdp_cookie_key key = {
		.mask = htobe64(b->lease.cookie_mask), .value = htobe64(b->lease.cookie_value), .addr = htonl(r->addr),
	};

	if ((b->lease.flags & DP_F_COOKIE_BLOCK) == 0)
		return;
	xdp_addrs_mask(r, key.mask, add);
	if (!add)
		drop_element(t, XDP_MAP_COOKIES, &key, slot);
	else if (!set_element(t, XDP_MAP_COOKIES, &key, &slot))
		r->cookies_up = true;
}

bool
xdp_lead_claim(struct xdp_tables *t, const struct learned *item, uint32_t slot)
{
	struct xdp_claim_key key = { .cookie = htobe64(item->key.value), .addr = htonl(item->key.local_addr) };
	struct xdp_claim claim = { .binding = slot };

	if (slot != 0)
		return set_element(t, XDP_MAP_CLAIMS, &key, &claim);
	bpf_map_delete_elem(t->fd[XDP_MAP_CLAIMS], &key);
	return true;
}

void
xdp_lead_ipsec(struct xdp_tables *t, const struct demux_binding *b, uint32_t slot)
{
	struct xdp_ipsec_key key = { .addr = htonl(b->lease.local_addr), .host = htonl(b->lease.host_addr) };

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
