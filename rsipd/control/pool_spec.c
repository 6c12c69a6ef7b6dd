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

const struct port_range *
pool_spec_port_runs(const struct conf_pool *spec, size_t *n)
{
	*n = spec->upstream == NULL ? 1 : spec->n_port_runs;
	return spec->upstream == NULL ? &spec->ports : spec->port_runs;
}

const struct spi_range *
pool_spec_spi_runs(const struct conf_pool *spec, size_t *n)
{
	*n = spec->upstream == NULL ? 1 : spec->n_spi_runs;
	return spec->upstream == NULL ? &spec->spis : spec->spi_runs;
}

uint64_t
pool_spec_leasable_ports(const struct conf_pool *spec)
{
	size_t n;
	const struct port_range *runs = pool_spec_port_runs(spec, &n);
	uint64_t ports = 0;

	if ((spec->methods & (CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC))) == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		ports += (uint64_t)runs[i].last - runs[i].first + 1 - ike_ports_in(spec, runs[i]);
	return ports;
}

bool
pool_spec_has_ports(const struct conf_pool *spec, struct port_range range)
{
	size_t n;
	const struct port_range *runs = pool_spec_port_runs(spec, &n);

	for (size_t i = 0; i < n; i++) {
		if (range.first >= runs[i].first && range.last <= runs[i].last)
			return ike_ports_in(spec, range) == 0;
	}
	return false;
}

bool
pool_spec_has_spis(const struct conf_pool *spec, struct spi_range range)
{
	size_t n;
	const struct spi_range *runs = pool_spec_spi_runs(spec, &n);

	for (size_t i = 0; i < n; i++) {
		if (range.first >= runs[i].first && range.last <= runs[i].last)
			return true;
	}
	return false;
}

bool
pool_spec_has_cookies(const struct conf_pool *spec, uint64_t first, uint64_t last)
{
	return spec->upstream == NULL || (spec->cookie_last != 0 && first >= spec->cookie_first && last <= spec->cookie_last);
}

bool
pool_spec_covers(const struct conf_pool *spec, const struct binding *b)
{
	const struct binding_terms *terms = binding_terms(b);

	if (pool_spec_index(spec, b->local_addr) < 0 || (spec->methods & CONF_METHOD(b->method)) == 0)
		return false;
	for (size_t i = 0; i < b->n_ports; i++) {
		if (!pool_spec_has_ports(spec, binding_ports(b)[i]))
			return false;
	}
	for (size_t i = 0; i < b->n_spis; i++) {
		if (!pool_spec_has_spis(spec, binding_spis(b)[i]))
			return false;
	}
	return terms->cookie_mask == 0 ||
	       pool_spec_has_cookies(spec, terms->cookie_value, terms->cookie_value | ~terms->cookie_mask);
}
