#include "backoff.h"

#include <sys/random.h>

/* delay x 3/4 ... delay x 5/4. Where the kernel has no randomness yet (early boot), no jitter is no harm. */
static int64_t
spread(int64_t delay_ms)
{
	uint16_t dice = UINT16_MAX / 2;

	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
		return delay_ms;
	return delay_ms * 3 / 4 + delay_ms / 2 * dice / UINT16_MAX;
}

int64_t
backoff_fail(struct backoff *backoff)
{
	if (backoff->delay_ms == 0)
		backoff->delay_ms = BACKOFF_FIRST_MS;
	else if (backoff->delay_ms < BACKOFF_LAST_MS / 2)
		backoff->delay_ms *= 2;
	else
		backoff->delay_ms = BACKOFF_LAST_MS;
	return spread(backoff->delay_ms);
}

void
backoff_reset(struct backoff *backoff)
{
	backoff->delay_ms = 0;
}
