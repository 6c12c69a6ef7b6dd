#include "pool_totals.h"

static void
add(uint64_t *sum, int n, uint64_t amount)
{
	*sum += (uint64_t)n * amount;
}

void
pool_totals_count(struct pool_totals *totals, const struct binding *b, int n, bool first)
{
	add(&totals->hosts, n, first);
	add(&totals->bindings, n, 1);
	add(&totals->addresses_leased, n, b->method == RSIP_METHOD_RSA_IP);
	add(&totals->ports_leased, n, binding_port_count(b));
	add(&totals->spis_leased, n, binding_spi_count(b));
	add(&totals->cookies_leased, n, binding_terms(b)->cookie_mask != 0);
}

void
pool_totals_count_hold(struct pool_totals *totals, const struct hold *hold, int n)
{
	if (hold->kind == TUPLE_PORT)
		add(&totals->ports_held, n, hold->node.last - hold->node.first + 1);
}
