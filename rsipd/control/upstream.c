#include "upstream.h"

#include <stdbool.h>

#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "ledger.h"
#include "log.h"
#include "pool_spec.h"

uint32_t
upstream_lease_s(const struct conf *conf, ip4_t addr, uint32_t lease_s)
{
	const struct conf_pool *spec = conf_pool_of(conf, addr);
	int64_t left;

	if (spec == NULL || spec->upstream == NULL)
		return lease_s;
	left = spec->expires - clock_wall();
	if (left <= 0)
		return 0;
	return left < lease_s ? (uint32_t)left : lease_s;
}

static void
withdraw(struct ledger *l, struct binding *b)
{
	log_warn("upstream", "binding ends: the other gateway leases it to us no more bind_id=%u", b->bind_id);
	l->events.binding_ended(l->events.arg, b->session, b);
	lease_end(l, b, LEASE_WITHDRAWN);
}

void
upstream_withdraw(struct ledger *l, const struct conf *old)
{
	struct binding_cursor cursor;
	struct binding *b;

	if (!conf_has_upstream(old))
		return;
	binding_cursor_start(&cursor, &l->bindings);
	while ((b = binding_cursor_next(&cursor)) != NULL) {
		const struct conf_pool *before = conf_pool_of(old, b->local_addr), *now = conf_pool_of(l->conf, b->local_addr);

		if (before != NULL && before->upstream != NULL && (now == NULL || !pool_spec_covers(now, b)))
			withdraw(l, b);
	}
}
