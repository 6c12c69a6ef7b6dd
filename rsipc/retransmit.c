#include "retransmit.h"

#include <stddef.h>

#include "clock.h"
#include "when.h"

const struct retransmit_plan retransmit_udp = { .first_us = 12500, .attempts = 7 };
const struct retransmit_plan retransmit_tcp = { .first_us = 15000000, .attempts = 1 };

void
retransmit_start(struct retransmit *r, const struct retransmit_plan *plan)
{
	r->plan = plan;
	r->started = clock_now();
	r->sent = 1;
}

void
retransmit_stop(struct retransmit *r)
{
	r->plan = NULL;
}

/* All waits are measured from the first attempt, so that neither a late timer nor the half milliseconds add up: after
 * n attempts the sum of the waits is first * (2^n - 1). */
int64_t
retransmit_due(const struct retransmit *r)
{
	if (r->plan == NULL)
		return WHEN_NEVER;
	int64_t waited_us = r->plan->first_us * ((INT64_C(1) << r->sent) - 1);
	return r->started + (waited_us + 999) / 1000;
}

enum retransmit_verdict
retransmit_step(struct retransmit *r)
{
	if (clock_now() < retransmit_due(r))
		return RETRANSMIT_WAIT;
	if (r->sent == r->plan->attempts) {
		retransmit_stop(r);
		return RETRANSMIT_GIVE_UP;
	}
	r->sent++;
	return RETRANSMIT_SEND;
}

uint32_t
retransmit_next_counter(uint32_t counter)
{
	return counter == UINT32_MAX ? 1 : counter + 1;
}
