#include "pool_spec.h"

int64_t
pool_spec_index(const struct conf_pool *spec, ip4_t addr)
{
	int64_t below = 0;

	for (size_t i = 0; i < spec->n_addresses; i++) {
		const struct ip4_range *range = &spec->addresses[i];
		if (addr >= range->first && addr <= range->last)
			return below + (addr - range->first);
		below += (int64_t)range->last - range->first + 1;
	}
	return -1;
}

ip4_t
pool_spec_address(const struct conf_pool *spec, uint64_t index)
{
	for (size_t i = 0; i < spec->n_addresses; i++) {
		const struct ip4_range *range = &spec->addresses[i];
		uint64_t size = (uint64_t)range->last - range->first + 1;
		if (index < size)
			return range->first + (ip4_t)index;
		index -= size;
	}
	return 0;
}

uint64_t
pool_spec_size(const struct conf_pool *spec)
{
	uint64_t n = 0;

	for (size_t i = 0; i < spec->n_addresses; i++)
		n += (uint64_t)spec->addresses[i].last - spec->addresses[i].first + 1;
	return n;
}

static unsigned
ike_ports_in(const struct conf_pool *spec, struct port_range range)
{
	unsigned n = 0;

	for (size_t i = 0; i < spec->n_ike_ports; i++)
		n += spec->ike_ports[i] >= range.first && spec->ike_ports[i] <= range.last;
	return n;
}

uint64_t
pool_spec_leasable_ports(const struct conf_pool *spec)
{
	if ((spec->methods & (CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC))) == 0)
		return 0;
	return (uint64_t)spec->ports.last - spec->ports.first + 1 - ike_ports_in(spec, spec->ports);
}

bool
pool_spec_has_ports(const struct conf_pool *spec, struct port_range range)
{
	return range.first >= spec->ports.first && range.last <= spec->ports.last && ike_ports_in(spec, range) == 0;
}
