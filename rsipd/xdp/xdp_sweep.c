#include "config.h"

#include "xdp_sweep.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "xdp_blocks.h"
#include "xdp_port_table.h"
#include "xdp_slots.h"

#define KEY_MAX 32

/* ---- entries ---- */

static unsigned
leave_old_slots(struct xdp_tables *t, uint64_t epoch)
{
	unsigned n = 0;

	for (uint32_t slot = 1; slot < t->sizes.bindings; slot++) {
		const struct xdp_terms *terms = &t->terms[slot];

		if (terms->bind_id == 0 || terms->user[XDP_SLOT_EPOCH] == epoch)
			continue;
		xdp_slots_leave(t, slot, clock_now());
		n++;
	}
	return n;
}

/* ---- ports ---- */

static bool
is_ike_port(const struct xdp_addr_record *r, uint32_t port)
{
	for (unsigned i = 0; i < r->n_ike_ports; i++) {
		if (r->ike_ports[i] == port)
			return true;
	}
	return false;
}

static void
sweep_ports(struct xdp_addr_record *r, void *arg)
{
	struct xdp_tables *t = arg;

	for (uint32_t port = 0; r->ports != 0 && port <= UINT16_MAX; port++) {
		uint32_t owner = t->ports[r->ports].owner[port];

		if (owner != XDP_PORT_NOBODY && !(owner >= XDP_PORT_NATT ? is_ike_port(r, port) : xdp_slots_live(t, owner)))
			xdp_port_set(&t->ports[r->ports], (uint16_t)port, XDP_PORT_NOBODY);
	}
}

/* ---- hashes ---- */

struct sweep {
	struct xdp_tables *t;
	const struct demux *d;
};

typedef bool keeps_cb(const struct sweep *s, const void *key, uint32_t slot);

static bool
keeps_live(const struct sweep *s, const void *key, uint32_t slot)
{
	(void)key;
	return xdp_slots_live(s->t, slot);
}

static bool
keeps_claim(const struct sweep *s, const void *key, uint32_t slot)
{
	const struct xdp_claim_key *claim = key;
	struct learned_key learned = {
		.kind = LEARNED_COOKIE, .local_addr = ntohl(claim->addr), .value = be64toh(claim->cookie),
	};

	return (slot == XDP_CLAIM_UP || xdp_slots_live(s->t, slot)) && learned_find(demux_learned(s->d), &learned) != NULL;
}

/* Which host sends to which SPI of its peer the relay has to learn again, from a packet that is passed up to it. */
static bool
keeps_none(const struct sweep *s, const void *key, uint32_t slot)
{
	(void)s;
	(void)key;
	(void)slot;
	return false;
}

/* The value of each of these maps begins with the binding. */
static void
sweep_hash(const struct sweep *s, enum xdp_map map, size_t key_len, keeps_cb *keeps)
{
	_Alignas(8) uint8_t key[KEY_MAX], next[KEY_MAX];
	_Alignas(8) uint32_t value[2];
	int fd = s->t->fd[map];

	for (bool more = bpf_map_get_next_key(fd, NULL, key) == 0; more; memcpy(key, next, key_len)) {
		more = bpf_map_get_next_key(fd, key, next) == 0;
		if (bpf_map_lookup_elem(fd, key, value) == 0 && !keeps(s, key, value[0]))
			bpf_map_delete_elem(fd, key);
	}
}

/* What is left of them was told again, and counted. */
static void
forget_old_claims(struct xdp_addr_record *r, void *arg)
{
	r->old_claims = false;
	xdp_addrs_write(arg, r);
}

void
xdp_sweep(struct xdp_tables *t, struct xdp_addrs *addrs, const struct demux *d, uint64_t epoch)
{
	const struct sweep s = { t, d };
	unsigned left = leave_old_slots(t, epoch);

	xdp_addrs_each(addrs, sweep_ports, t);
	xdp_blocks_sweep(t);
	sweep_hash(&s, XDP_MAP_IPSEC, sizeof(struct xdp_ipsec_key), keeps_live);
	sweep_hash(&s, XDP_MAP_CLAIMS, sizeof(struct xdp_claim_key), keeps_claim);
	sweep_hash(&s, XDP_MAP_FLOWS, sizeof(struct xdp_flow_key), keeps_none);
	xdp_addrs_each(addrs, forget_old_claims, addrs);
	xdp_addrs_sweep(addrs);
	log_info("xdp", "tables are in step old_bindings_removed=%u", left);
}
