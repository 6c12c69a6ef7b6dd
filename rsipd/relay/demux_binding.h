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
#include "token_bucket.h"

/* An RSIP host with at least one binding. */
struct demux_host {
	ip4_t addr; /* outer source and destination of its tunnel */
	LIST_HEAD(, demux_binding) bindings;
	struct learner learner;
	struct token_bucket violations; /* DP_VIOLATION messages about it */
	uint16_t path_mtu;              /* of the way to it: the longest outer packet */
	UT_hash_handle hh;
};

struct demux_binding {
	struct dp_bind lease; /* as control told it */
	void *ranges;         /* what follows it there, in the same order: see below */
	struct demux_host *host;
	struct meter *meter; /* NULL: it has carried nothing yet, demux_need_meter */
	struct demux_binding *id_next; /* id_table.h, by lease.bind_id */
	LIST_ENTRY(demux_binding) of_host;
	uint32_t generation; /* of the last synchronisation that named it */
	uint32_t xdp_slot;   /* its entry in the tables of the XDP programs, 0 = none; theirs to set */
};

/* All elements are aligned to four bytes. */
static inline struct port_range *
demux_ports(const struct demux_binding *b)
{
	return b->ranges;
}

static inline struct spi_range *
demux_spis(const struct demux_binding *b)
{
	return (struct spi_range *)(void *)(demux_ports(b) + b->lease.n_ports);
}

static inline struct port_range *
demux_remote_ports(const struct demux_binding *b)
{
	return (struct port_range *)(void *)(demux_spis(b) + b->lease.n_spis);
}

static inline ip4_t *
demux_remote_addrs(const struct demux_binding *b)
{
	return (ip4_t *)(void *)(demux_remote_ports(b) + b->lease.n_remote_ports);
}

/* The tunnel that its packets come and go through. */
static inline struct tunnel_kind
demux_binding_tunnel(const struct demux_binding *b)
{
	return (struct tunnel_kind){ .type = b->lease.tunnel, .gre_key = b->lease.gre_key };
}

/* Whether remote flow policy (RFC 3103 7.2) lets the binding talk with this peer, and with this port of it. */
static inline bool
demux_binding_allows_addr(const struct demux_binding *b, ip4_t peer)
{
	if ((b->lease.flags & DP_F_REMOTE_NAME) == 0)
		return b->lease.remote_addr == 0 || b->lease.remote_addr == peer;
	for (unsigned i = 0; i < b->lease.n_remote_addrs; i++) {
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
	for (unsigned i = 0; i < b->lease.n_remote_ports; i++) {
		if (peer_port >= demux_remote_ports(b)[i].first && peer_port <= demux_remote_ports(b)[i].last)
			return true;
	}
	return false;
}

#endif
