#include "dp_pools.h"

#include <string.h>

#include "conf.h"

/* IKE's own ports (RFC 7296 2). */
static const uint16_t ike_ports_default[] = { 500, 4500 };

static struct dp_pool
message(const struct conf *conf, const struct conf_pool *spec, struct ip4_range addresses, bool own)
{
	struct dp_pool m = { .op = DP_POOL, .addresses = addresses, .own = own, .mss_clamp = conf->mss_clamp };

	m.ports = spec->ports;
	m.upstream = spec->upstream != NULL;
	memcpy(m.ike_ports, spec->ike_ports, sizeof(m.ike_ports));
	m.n_ike_ports = (uint16_t)spec->n_ike_ports;
	m.shared = (spec->methods & (CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC))) != 0;
	return m;
}

bool
dp_pools_next(struct dp_pools *walk, struct dp_pool *m)
{
	const struct conf *conf = walk->conf;

	for (; walk->pool < conf->n_pools; walk->pool++, walk->range = 0) {
		const struct conf_pool *spec = &conf->pools[walk->pool];

		if (walk->range < spec->n_addresses) {
			*m = message(conf, spec, spec->addresses[walk->range++], false);
			return true;
		}
	}
	while (walk->range < walk->n_own) {
		ip4_t addr = walk->own[walk->range++];
		const struct conf_pool *spec = conf_pool_of(conf, addr);

		if (spec != NULL) {
			*m = message(conf, spec, (struct ip4_range){ addr, addr }, true);
			return true;
		}
	}
	return false;
}

struct dp_pool
dp_pool_left(const struct conf *conf, ip4_t addr)
{
	struct dp_pool m = { .op = DP_POOL, .addresses = { addr, addr }, .ports = { 1, UINT16_MAX },
		             .mss_clamp = conf->mss_clamp };

	memcpy(m.ike_ports, ike_ports_default, sizeof(ike_ports_default));
	m.n_ike_ports = sizeof(ike_ports_default) / sizeof(ike_ports_default[0]);
	return m;
}
