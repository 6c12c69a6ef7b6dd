#include "config.h"

#include <net/if.h>
#include <unistd.h>

#include "conf.h"
#include "xdp_tables.h"

/* Bounds on what is set aside at the start; a site beyond them is served by both data planes. A port table is 272 KB, a
 * binding 104 bytes, with its blocks about 150. */
#define PORT_TABLES_MAX 4096u
#define BINDINGS_MIN 16384u
#define BINDINGS_MAX (1u << 20)
#define DEVICES_MIN 1024u
#define FLOWS_MIN 65536u
#define FLOWS_MAX (1u << 18)

/* A binding of fewer ports than this on average would need more entries than there are. */
#define PORTS_A_BINDING 16

static uint32_t
clamp(uint64_t value, uint32_t min, uint32_t max)
{
	if (value < min)
		return min;
	return value > max ? max : (uint32_t)value;
}

static uint64_t
range_count(const struct conf_pool *pool)
{
	uint64_t n = 0;

	for (size_t i = 0; i < pool->n_addresses; i++)
		n += (uint64_t)pool->addresses[i].last - pool->addresses[i].first + 1;
	return n;
}

static bool
is_shared(const struct conf_pool *pool)
{
	return (pool->methods & (CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC))) != 0;
}

/* Devices come and go while we run: room for as many more. */
static uint32_t
devices_needed(void)
{
	struct if_nameindex *all = if_nameindex();
	uint32_t highest = 0, n = DEVICES_MIN;

	for (const struct if_nameindex *at = all; at != NULL && at->if_index != 0; at++) {
		if (at->if_index > highest)
			highest = at->if_index;
	}
	if_freenameindex(all);
	while (n < 2 * highest)
		n *= 2;
	return n;
}

/* With a third of all items free, room is found for all but one block in millions. */
uint32_t
xdp_lines(uint64_t blocks)
{
	return (uint32_t)(blocks * 3 / (2 * XDP_LINE_ITEMS) + 1);
}

void
xdp_sizes_of(const struct conf *conf, struct xdp_sizes *sizes)
{
	uint64_t addresses = 0, shared = 0, ports = 0, bindings;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (size_t i = 0; i < conf->n_pools; i++) {
		uint64_t n = range_count(&conf->pools[i]);

		addresses += n;
		if (!is_shared(&conf->pools[i]))
			continue;
		shared += n;
		ports += n * ((uint64_t)conf->pools[i].ports.last - conf->pools[i].ports.first + 1);
	}
	bindings = clamp(ports / PORTS_A_BINDING + addresses, BINDINGS_MIN, BINDINGS_MAX);
	*sizes = (struct xdp_sizes) {
		.addresses = clamp(addresses, 1, UINT32_MAX),
		.port_tables = clamp(shared, 1, PORT_TABLES_MAX),
		.bindings = (uint32_t)(bindings + bindings / 2),
		.spi_lines = xdp_lines(bindings),
		.cookie_lines = xdp_lines(bindings),
		.claims = (uint32_t)bindings,
		.ipsec = (uint32_t)bindings,
		.flows = clamp(bindings, FLOWS_MIN, FLOWS_MAX),
		.devices = devices_needed(),
		.cpus = cpus > 0 ? (uint32_t)cpus : 1,
	};
}

uint32_t
xdp_sizes_entries(const struct xdp_sizes *sizes, enum xdp_map map)
{
	switch (map) {
	case XDP_MAP_ADDRS: return sizes->addresses;
	case XDP_MAP_PORTS: return sizes->port_tables + 1; /* 0 is none */
	case XDP_MAP_BINDINGS:
	case XDP_MAP_COUNTS_IN:
	case XDP_MAP_COUNTS_OUT:
	case XDP_MAP_TERMS: return sizes->bindings;
	case XDP_MAP_SPIS: return sizes->spi_lines;
	case XDP_MAP_COOKIES: return sizes->cookie_lines;
	case XDP_MAP_CLAIMS: return sizes->claims;
	case XDP_MAP_IPSEC: return sizes->ipsec;
	case XDP_MAP_FLOWS: return sizes->flows;
	case XDP_MAP_ROUTES: return sizes->cpus * XDP_ROUTES_CPU;
	case XDP_MAP_HOPS:
	case XDP_MAP_HOP_IDS: return XDP_HOPS;
	case XDP_MAP_DEVICES: return sizes->devices;
	case XDP_MAP_STATE: return 1;
	case XDP_MAP_EGRESS: return XDP_EGRESS_MAX;
	case XDP_MAP_TOTALS: return sizes->cpus;
	default: return 0;
	}
}

/* A hash element costs its key and value, 48 bytes of the kernel's and 16 of its bucket. */
uint64_t
xdp_sizes_memory(const struct xdp_sizes *s)
{
	const uint64_t element = 64;

	return (s->port_tables + 1ull) * sizeof(struct xdp_ports) +
	       (uint64_t)s->bindings * (sizeof(struct xdp_binding) + 2 * sizeof(struct xdp_count) + sizeof(struct xdp_terms)) +
	       ((uint64_t)s->spi_lines + s->cookie_lines) * sizeof(struct xdp_line) +
	       (uint64_t)s->addresses * (element + 4 + sizeof(struct xdp_addr)) +
	       (uint64_t)s->claims * (element + sizeof(struct xdp_claim_key) + sizeof(struct xdp_claim)) +
	       (uint64_t)s->ipsec * (element + sizeof(struct xdp_ipsec_key) + 4) +
	       (uint64_t)s->flows * (element + sizeof(struct xdp_flow_key) + sizeof(struct xdp_flow)) +
	       XDP_HOPS * (sizeof(struct xdp_shared_hop) + element + sizeof(struct xdp_hop_key) + sizeof(struct xdp_hop_id)) +
	       (uint64_t)s->devices * sizeof(struct xdp_device) +
	       (uint64_t)s->cpus * (XDP_ROUTES_CPU * sizeof(struct xdp_route_pair) + sizeof(struct xdp_totals));
}
