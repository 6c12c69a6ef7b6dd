/* What the data plane knows of a host and of a binding: the part of a lease that packets are held against. Control's
 * own struct binding has the rest. */
#ifndef RSIPD_DEMUX_BINDING_H
#define RSIPD_DEMUX_BINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "addr.h"
#include "dataplane.h"
#include "encap.h"
#include "learned.h"
#include "slab.h"
#include "token_bucket.h"

/* An RSIP host with at least one binding. */
struct demux_host {
	ip4_t addr; /* outer source and destination of its tunnel */
	uint32_t client_id;
	SLIST_HEAD(, demux_binding) bindings;
	struct learner learner;
	struct token_bucket violations; /* DP_VIOLATION messages about it */
	uint16_t path_mtu;              /* of the way to it: the longest outer packet */
	UT_hash_handle hh;
};

/* What few bindings have. */
struct demux_terms {
	uint64_t cookie_value, cookie_mask; /* as struct dp_bind, all of it */
	ip4_t remote_addr, ike_listener;
	uint32_t gre_key;
	uint16_t n_remote_ports, n_remote_addrs;
	uint32_t ranges[]; /* what follows struct dp_bind, in the same order */
};

/* As control told it. One line of the cache, since there may be a million: a single range stands in it, more and the rest
 * in a block beside it. */
struct demux_binding {
	uint32_t number;  /* slab.h */
	uint32_t id_next; /* id_table.h, by lease.bind_id */
	struct {
		uint32_t bind_id;
		ip4_t local_addr, gateway_addr;
		uint32_t method : 2, tunnel : 2, flags : 5, n_ports : 11, n_spis : 11;
		uint32_t has_terms : 1; /* which of the union holds */
		uint16_t max_claims;
		uint16_t generation; /* of the last synchronisation that named it */
	} lease;
	uint32_t xdp_slot; /* its entry in the tables of the XDP programs, 0 = none; theirs to set */
	struct demux_host *host;
	struct meter *meter; /* NULL: it has carried nothing yet, demux_need_meter */
	SLIST_ENTRY(demux_binding) of_host;
	union {
		uint32_t ranges[2];
		struct demux_terms *terms; /* owned */
	};
};

_Static_assert(sizeof(struct demux_binding) == 64, "a binding is one line of the cache");
_Static_assert(DP_RANGES_MAX < 1 << 11, "n_ports and n_spis hold every number of ranges");

/* What a binding is, as it is told: borrowed. */
struct demux_told {
	const struct dp_bind *lease;
	const struct port_range *ports;
	const struct spi_range *spis;
	const struct port_range *remote_ports;
	const ip4_t *remote_addrs;
};

/* A binding of that host, which is in no table. */
struct demux_binding *demux_binding_new(const struct demux_told *told, struct demux_host *host);
void demux_binding_free(struct demux_binding *b);
/* b becomes what is told; the host stays. *was: what it was, demux_binding_was_free ends it. */
void demux_binding_change(struct demux_binding *b, const struct demux_told *told, struct demux_binding *was);
void demux_binding_was_free(struct demux_binding *was);

bool demux_binding_is(const struct demux_binding *b, const struct demux_told *told);
uint64_t demux_binding_fingerprint(const struct demux_binding *b); /* dp_bind_fingerprint */

/* The binding by its number, 0: NULL. What tables refer to it by, in half of a pointer. */
extern const struct slab *const demux_bindings;

static inline struct demux_binding *
demux_binding_at(uint32_t number)
{
	return slab_at(demux_bindings, number);
}

static inline const struct demux_terms *
demux_terms(const struct demux_binding *b)
{
	static const struct demux_terms none;

	return b->lease.has_terms ? b->terms : &none;
}

/* All elements are aligned to four bytes. */
static inline const struct port_range *
demux_ports(const struct demux_binding *b)
{
	return (const void *)(b->lease.has_terms ? b->terms->ranges : b->ranges);
}

static inline const struct spi_range *
demux_spis(const struct demux_binding *b)
{
	return (const void *)(demux_ports(b) + b->lease.n_ports);
}

static inline const struct port_range *
demux_remote_ports(const struct demux_binding *b)
{
	return (const void *)(demux_spis(b) + b->lease.n_spis);
}

static inline const ip4_t *
demux_remote_addrs(const struct demux_binding *b)
{
	return (const void *)(demux_remote_ports(b) + demux_terms(b)->n_remote_ports);
}

/* The tunnel that its packets come and go through. */
static inline struct tunnel_kind
demux_binding_tunnel(const struct demux_binding *b)
{
	return (struct tunnel_kind){ .type = b->lease.tunnel, .gre_key = demux_terms(b)->gre_key };
}

/* Whether remote flow policy (RFC 3103 7.2) lets the binding talk with this peer, and with this port of it. */
static inline bool
demux_binding_allows_addr(const struct demux_binding *b, ip4_t peer)
{
	if ((b->lease.flags & DP_F_REMOTE_NAME) == 0)
		return demux_terms(b)->remote_addr == 0 || demux_terms(b)->remote_addr == peer;
	for (unsigned i = 0; i < demux_terms(b)->n_remote_addrs; i++) {
		if (demux_remote_addrs(b)[i] == peer)
			return true;
	}
	return false;
}

static inline bool
demux_binding_allows_port(const struct demux_binding *b, uint16_t peer_port)
{
	if ((b->lease.flags & DP_F_REMOTE_PORTS) == 0)
		return true;
	for (unsigned i = 0; i < demux_terms(b)->n_remote_ports; i++) {
		if (peer_port >= demux_remote_ports(b)[i].first && peer_port <= demux_remote_ports(b)[i].last)
			return true;
	}
	return false;
}

#endif
