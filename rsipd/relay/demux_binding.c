#include "config.h"

#include "demux_binding.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct slab slab = SLAB(struct demux_binding);
const struct slab *const demux_bindings = &slab;

static size_t
ranges_size(const struct dp_bind *lease)
{
	return lease->n_ports * sizeof(struct port_range) + lease->n_spis * sizeof(struct spi_range) +
	       lease->n_remote_ports * sizeof(struct port_range) + lease->n_remote_addrs * sizeof(ip4_t);
}

static bool
needs_terms(const struct dp_bind *lease)
{
	static const struct demux_binding b;

	return ranges_size(lease) > sizeof(b.ranges) || lease->remote_addr != 0 || lease->ike_listener != 0 ||
	       lease->gre_key != 0 || lease->cookie_value != 0 || lease->cookie_mask != 0 || lease->n_remote_ports > 0 ||
	       lease->n_remote_addrs > 0;
}

static void *
append(void *to, const void *from, size_t size)
{
	return size > 0 ? mempcpy(to, from, size) : to;
}

static void
copy_ranges(void *at, const struct demux_told *told)
{
	at = append(at, told->ports, told->lease->n_ports * sizeof(*told->ports));
	at = append(at, told->spis, told->lease->n_spis * sizeof(*told->spis));
	at = append(at, told->remote_ports, told->lease->n_remote_ports * sizeof(*told->remote_ports));
	append(at, told->remote_addrs, told->lease->n_remote_addrs * sizeof(*told->remote_addrs));
}

static struct demux_terms *
new_terms(const struct demux_told *told)
{
	const struct dp_bind *lease = told->lease;
	struct demux_terms *terms = mem_zero(1, sizeof(*terms) + ranges_size(lease));

	terms->cookie_value = lease->cookie_value;
	terms->cookie_mask = lease->cookie_mask;
	terms->remote_addr = lease->remote_addr;
	terms->ike_listener = lease->ike_listener;
	terms->gre_key = lease->gre_key;
	terms->n_remote_ports = lease->n_remote_ports;
	terms->n_remote_addrs = lease->n_remote_addrs;
	copy_ranges(terms->ranges, told);
	return terms;
}

/* Numbers are within what the bits hold: the message was checked. */
static void
write_lease(struct demux_binding *b, const struct demux_told *told)
{
	const struct dp_bind *lease = told->lease;

	b->lease.bind_id = lease->bind_id;
	b->lease.local_addr = lease->local_addr;
	b->lease.gateway_addr = lease->gateway_addr;
	b->lease.method = lease->method & 3;
	b->lease.tunnel = lease->tunnel & 3;
	b->lease.flags = lease->flags & 31;
	b->lease.n_ports = lease->n_ports & 2047;
	b->lease.n_spis = lease->n_spis & 2047;
	b->lease.max_claims = lease->max_claims;
	b->lease.has_terms = needs_terms(lease);
	if (b->lease.has_terms)
		b->terms = new_terms(told);
	else
		copy_ranges(b->ranges, told);
}

/* The reverse: as control told it. */
static struct dp_bind
read_lease(const struct demux_binding *b)
{
	const struct demux_terms *terms = demux_terms(b);

	return (struct dp_bind){
		.op = DP_BIND,
		.bind_id = b->lease.bind_id,
		.client_id = b->host->client_id,
		.host_addr = b->host->addr,
		.gateway_addr = b->lease.gateway_addr,
		.local_addr = b->lease.local_addr,
		.remote_addr = terms->remote_addr,
		.ike_listener = terms->ike_listener,
		.method = b->lease.method,
		.tunnel = b->lease.tunnel,
		.flags = b->lease.flags,
		.n_ports = b->lease.n_ports,
		.n_spis = b->lease.n_spis,
		.n_remote_ports = terms->n_remote_ports,
		.max_claims = b->lease.max_claims,
		.gre_key = terms->gre_key,
		.cookie_value = terms->cookie_value,
		.cookie_mask = terms->cookie_mask,
		.n_remote_addrs = terms->n_remote_addrs,
	};
}

struct demux_binding *
demux_binding_new(const struct demux_told *told, struct demux_host *host)
{
	struct demux_binding *b = slab_take(&slab);

	b->host = host;
	write_lease(b, told);
	return b;
}

void
demux_binding_was_free(struct demux_binding *was)
{
	if (was->lease.has_terms)
		free(was->terms);
}

void
demux_binding_free(struct demux_binding *b)
{
	if (b->lease.has_terms)
		free(b->terms);
	slab_give(&slab, b);
}

void
demux_binding_change(struct demux_binding *b, const struct demux_told *told, struct demux_binding *was)
{
	*was = *b;
	write_lease(b, told);
}

static bool
same_ranges(const void **at, const void *ranges, size_t size)
{
	bool same = size == 0 || memcmp(*at, ranges, size) == 0;

	*at = (const char *)*at + size;
	return same;
}

bool
demux_binding_is(const struct demux_binding *b, const struct demux_told *told)
{
	const struct dp_bind *lease = told->lease, mine = read_lease(b);
	const void *at = demux_ports(b);

	return memcmp(&mine, lease, sizeof(*lease)) == 0 &&
	       same_ranges(&at, told->ports, lease->n_ports * sizeof(*told->ports)) &&
	       same_ranges(&at, told->spis, lease->n_spis * sizeof(*told->spis)) &&
	       same_ranges(&at, told->remote_ports, lease->n_remote_ports * sizeof(*told->remote_ports)) &&
	       same_ranges(&at, told->remote_addrs, lease->n_remote_addrs * sizeof(*told->remote_addrs));
}

uint64_t
demux_binding_fingerprint(const struct demux_binding *b)
{
	const struct dp_bind lease = read_lease(b);

	return dp_bind_fingerprint(&lease, demux_ports(b)); /* the others stand behind */
}
