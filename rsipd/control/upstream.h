/* What another gateway leases to us we lease on: no longer, and no more, than we hold it (RFC 3102 4.2.1). */
#ifndef RSIPD_UPSTREAM_H
#define RSIPD_UPSTREAM_H

#include <stdint.h>

#include "addr.h"

struct conf;
struct ledger;

/* How long a lease of this address may be that was asked for lease_s seconds: 0 when our own has run out. */
uint32_t upstream_lease_s(const struct conf *conf, ip4_t addr, uint32_t lease_s);

/* The ledger's config has taken the place of old: ends the bindings that the other gateway has taken from under us, and
 * tells their hosts. The caller commits. */
void upstream_withdraw(struct ledger *l, const struct conf *old);

#endif
