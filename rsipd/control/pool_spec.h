/* What a pool of the configuration has to offer, whatever is leased of it now. */
#ifndef RSIPD_POOL_SPEC_H
#define RSIPD_POOL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "binding.h"
#include "conf.h"

/* The addresses of a pool are counted from 0, over its ranges in order. */
int64_t pool_spec_index(const struct conf_pool *spec, ip4_t addr); /* -1: not of this pool */
ip4_t pool_spec_address(const struct conf_pool *spec, uint64_t index);
uint64_t pool_spec_size(const struct conf_pool *spec);

/* The ports and SPIs that may be leased of each of its addresses, ascending; IKE ports may lie among them. */
const struct port_range *pool_spec_port_runs(const struct conf_pool *spec, size_t *n);
const struct spi_range *pool_spec_spi_runs(const struct conf_pool *spec, size_t *n);

uint64_t pool_spec_leasable_ports(const struct conf_pool *spec); /* of each address */
bool pool_spec_has_ports(const struct conf_pool *spec, struct port_range range); /* all of them leasable */
bool pool_spec_has_spis(const struct conf_pool *spec, struct spi_range range);
bool pool_spec_has_cookies(const struct conf_pool *spec, uint64_t first, uint64_t last);

/* Whether all of the binding may be leased of this pool. */
bool pool_spec_covers(const struct conf_pool *spec, const struct binding *b);

#endif
