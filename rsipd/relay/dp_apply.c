#include "dp_apply.h"

#include <stddef.h>
#include <string.h>

#include "dataplane.h"
#include "demux.h"
#include "ike_demux.h"
#include "log.h"

#define KNOWN_FLAGS (DP_F_LISTEN | DP_F_COOKIE_BLOCK | DP_F_REMOTE_PORTS | DP_F_IKE_LISTENER | \
                     DP_F_REMOTE_NAME)
#define SPI_MIN 256 /* RFC 4303 2.1 reserves those below */

/* A DP_BIND with its ranges, copied out of the message: aligned. Large, so static in its user. */
struct bind_message {
	struct dp_bind lease;
	struct port_range ports[DP_RANGES_MAX], remote_ports[DP_RANGES_MAX];
	struct spi_range spis[DP_RANGES_MAX];
	ip4_t remote_addrs[DP_REMOTE_ADDRS_MAX];
};

/* dp_message_valid has proven that all of it is there. */
static void
read_bind(struct bind_message *m, const uint8_t *bytes)
{
	const struct dp_bind *lease = &m->lease;

	memcpy(&m->lease, bytes, sizeof(m->lease));
	bytes += sizeof(m->lease);
	memcpy(m->ports, bytes, lease->n_ports * sizeof(m->ports[0]));
	bytes += lease->n_ports * sizeof(m->ports[0]);
	memcpy(m->spis, bytes, lease->n_spis * sizeof(m->spis[0]));
	bytes += lease->n_spis * sizeof(m->spis[0]);
	memcpy(m->remote_ports, bytes, lease->n_remote_ports * sizeof(m->remote_ports[0]));
	bytes += lease->n_remote_ports * sizeof(m->remote_ports[0]);
	memcpy(m->remote_addrs, bytes, lease->n_remote_addrs * sizeof(m->remote_addrs[0]));
}

static bool
ports_good(const struct port_range *ranges, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ranges[i].first == 0 || ranges[i].first > ranges[i].last)
			return false;
	}
	return true;
}

static bool
spis_good(const struct spi_range *ranges, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (ranges[i].first < SPI_MIN || ranges[i].first > ranges[i].last)
			return false;
	}
	return true;
}

/* What each method leases. */
static bool
fields_fit_method(const struct dp_bind *b)
{
	switch (b->method) {
	case RSIP_METHOD_RSA_IP:
		return b->n_ports == 0 && b->n_spis == 0 && (b->flags & (DP_F_COOKIE_BLOCK | DP_F_IKE_LISTENER)) == 0;
	case RSIP_METHOD_RSAP_IP:
		return b->n_ports > 0 && b->n_spis == 0 && (b->flags & (DP_F_COOKIE_BLOCK | DP_F_IKE_LISTENER)) == 0;
	case RSIP_METHOD_RSIPSEC:
		return b->n_spis > 0;
	default:
		return false;
	}
}

/* A mask has its ones first, and leaves no bit of the value out. */
static bool
is_block(uint64_t value, uint64_t mask)
{
	return mask != 0 && (~mask & (~mask + 1)) == 0 && (value & ~mask) == 0;
}

static bool
fields_good(const struct dp_bind *b)
{
	if (b->bind_id == 0 || b->host_addr == 0 || b->local_addr == 0 || !fields_fit_method(b))
		return false;
	if (b->tunnel != RSIP_TUNNEL_IP_IP && b->tunnel != RSIP_TUNNEL_GRE)
		return false;
	if (b->gre_key != 0 && b->tunnel != RSIP_TUNNEL_GRE)
		return false;
	if ((b->flags & ~KNOWN_FLAGS) != 0)
		return false;
	if ((b->flags & DP_F_COOKIE_BLOCK) != 0 && !is_block(b->cookie_value, b->cookie_mask))
		return false;
	if ((b->flags & DP_F_REMOTE_PORTS) != 0 && (b->remote_addr == 0 || b->n_remote_ports == 0))
		return false;
	if ((b->flags & DP_F_REMOTE_NAME) != 0 ? b->remote_addr != DP_REMOTE_NOBODY : b->n_remote_addrs > 0)
		return false;
	return (b->flags & DP_F_IKE_LISTENER) == 0 || b->ike_listener != 0;
}

static bool
apply_bind(struct demux *d, const uint8_t *bytes)
{
	static struct bind_message m;
	unsigned removed;

	read_bind(&m, bytes);
	if (!fields_good(&m.lease) || !ports_good(m.ports, m.lease.n_ports) || !spis_good(m.spis, m.lease.n_spis) ||
	    !ports_good(m.remote_ports, m.lease.n_remote_ports))
		return false;
	removed = demux_bind(d, &m.lease, m.ports, m.spis, m.remote_ports, m.remote_addrs);
	if (removed > 0)
		log_error("relay", "binding leases what others lease bind_id=%u others_removed=%u", m.lease.bind_id, removed);
	return true;
}

static bool
apply_unbind(struct demux *d, const uint8_t *bytes)
{
	struct dp_unbind m;

	memcpy(&m, bytes, sizeof(m));
	demux_unbind(d, m.bind_id);
	return true;
}

static bool
apply_claim(struct demux *d, const uint8_t *bytes, int64_t now)
{
	struct dp_claim m;

	memcpy(&m, bytes, sizeof(m));
	ike_restore(d, &m, now);
	return true;
}

static bool
apply_pool(struct demux *d, const uint8_t *bytes)
{
	const size_t n_max = sizeof(((struct dp_pool *)0)->ike_ports) / sizeof(uint16_t);
	struct dp_pool m;

	/* Before they are read as what they must be: any other value in a bool is undefined. */
	if (bytes[offsetof(struct dp_pool, own)] > 1 || bytes[offsetof(struct dp_pool, shared)] > 1 ||
	    bytes[offsetof(struct dp_pool, mss_clamp)] > 1 || bytes[offsetof(struct dp_pool, upstream)] > 1)
		return false;
	memcpy(&m, bytes, sizeof(m));
	return m.addresses.first <= m.addresses.last && m.n_ike_ports <= n_max && demux_add_pool(d, &m);
}

static void
mark_untold(struct learned *item, void *arg)
{
	(void)arg;
	item->told = false;
}

static bool
apply_sync_begin(struct demux *d)
{
	demux_sync_begin(d);
	learned_walk(demux_learned(d), LEARNED_COOKIE, mark_untold, NULL);
	learned_walk(demux_learned(d), LEARNED_IKE_PEER, mark_untold, NULL);
	return true;
}

static bool
apply(struct demux *d, uint32_t op, const uint8_t *bytes, int64_t now)
{
	switch (op) {
	case DP_SYNC_BEGIN:
		return apply_sync_begin(d);
	case DP_SYNC_END:
		return demux_sync_end(d);
	case DP_BIND:
		return apply_bind(d, bytes);
	case DP_UNBIND:
		return apply_unbind(d, bytes);
	case DP_CLAIM:
		return apply_claim(d, bytes, now);
	case DP_POOL:
		return apply_pool(d, bytes);
	case DP_CHECK:
		return true;
	default:
		return false;
	}
}

enum dp_applied
dp_apply(struct demux *d, const void *bytes, size_t len, int64_t now)
{
	uint32_t op = 0;

	if (len >= sizeof(op))
		memcpy(&op, bytes, sizeof(op));
	if (!dp_message_valid(bytes, len) || !apply(d, op, bytes, now)) {
		log_error("relay", "bad message from control refused op=%u length=%zu", op, len);
		return DP_REFUSED;
	}
	if (op == DP_SYNC_BEGIN)
		return DP_APPLIED_BEGIN;
	if (op == DP_CHECK)
		return DP_APPLIED_CHECK;
	return op == DP_SYNC_END ? DP_APPLIED_END : DP_APPLIED;
}

size_t
dp_check_answer(const struct demux *d, const void *question, uint8_t answer[DP_CHECKED_MAX])
{
	struct dp_fault_entry *faults = (struct dp_fault_entry *)(void *)(answer + sizeof(struct dp_checked));
	struct dp_checked checked = { .op = DP_CHECKED, .n_bindings = demux_n_bindings(d) };
	const uint8_t *at = question;
	struct dp_check_entry entry;
	struct dp_check m;

	memcpy(&m, at, sizeof(m));
	at += sizeof(m);
	checked.number = m.number;
	for (uint32_t i = 0; i < m.n; i++, at += sizeof(entry)) {
		memcpy(&entry, at, sizeof(entry));
		enum dp_fault fault = demux_check(d, entry.bind_id, entry.fingerprint);
		if (fault != DP_NO_FAULT)
			faults[checked.n++] = (struct dp_fault_entry){ entry.bind_id, fault };
	}
	memcpy(answer, &checked, sizeof(checked));
	return sizeof(checked) + checked.n * sizeof(*faults);
}
