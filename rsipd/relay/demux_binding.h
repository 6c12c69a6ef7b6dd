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
	struct port_range *ports, *remote_ports;
	struct spi_range *spis;
	ip4_t *remote_addrs;
	struct demux_host *host;
	uint32_t generation; /* of the last synchronisation that named it */
	struct meter *meter; /* NULL: unmetered */
	uint32_t xdp_slot;   /* its entry in the tables of the XDP programs, 0 = none; theirs to set */
	LIST_ENTRY(demux_binding) of_host;
	UT_hash_handle hh;
};

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
		if (b->remote_addrs[i] == peer)
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
		if (peer_port >= b->remote_ports[i].first && peer_port <= b->remote_ports[i].last)
			return true;
	}
	return false;
}

#endif
