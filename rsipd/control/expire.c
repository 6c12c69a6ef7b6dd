#include "expire.h"

#include "clock.h"
#include "lease.h"
#include "lease_check.h"
#include "registration.h"

static bool
expire_session(struct ledger *l, int64_t now)
{
	struct session *s = expiry_due(&l->session_expiry, now);

	if (s == NULL)
		return false;
	l->events.session_ended(l->events.arg, s);
	registration_end(l, s, LEASE_EXPIRED);
	return true;
}

static bool
expire_binding(struct ledger *l, int64_t now)
{
	struct binding *b = expiry_due(&l->binding_expiry, now);

	if (b == NULL)
		return false;
	l->events.binding_ended(l->events.arg, b->session, b);
	lease_end(l, b, LEASE_EXPIRED);
	return true;
}

static bool
expire_hold(struct ledger *l, int64_t now)
{
	struct hold *hold = expiry_due(&l->hold_expiry, now);

	if (hold == NULL)
		return false;
	store_remove_hold(l->store, hold);
	expiry_remove(&l->hold_expiry, hold);
	pool_unhold(l->pool, hold);
	lease_assert(l, "hold-down end");
	return true;
}

void
expire_due(struct ledger *l)
{
	int64_t now = clock_now();

	/* Bindings first: a registration lasts as long as they do, and often ends with the last one. */
	for (int i = 0; i < EXPIRE_BATCH && clock_now() - now < EXPIRE_MS; i++) {
		if (!expire_binding(l, now) && !expire_session(l, now) && !expire_hold(l, now))
			return;
	}
}

int64_t
expire_delay(const struct ledger *l)
{
	int64_t next = expiry_next(&l->session_expiry), now = clock_now();

	if (expiry_next(&l->binding_expiry) < next)
		next = expiry_next(&l->binding_expiry);
	if (expiry_next(&l->hold_expiry) < next)
		next = expiry_next(&l->hold_expiry);
	if (next == INT64_MAX)
		return -1;
	return next > now ? next - now : 0;
}
