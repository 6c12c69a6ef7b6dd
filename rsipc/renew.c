#include "renew.h"

#include "clock.h"
#include "when.h"

#define RENEW_MIN_MS 500 /* between two tries for one lease */

void
renew_granted(int64_t *expires, int64_t *renew_at, uint32_t lease_s)
{
	int64_t now = clock_now(), life = (int64_t)lease_s * 1000;

	*expires = now + life;
	*renew_at = now + life / 2;
}

int64_t
renew_again(int64_t expires)
{
	int64_t now = clock_now(), wait = (expires - now) / 2;

	return wait < RENEW_MIN_MS ? WHEN_NEVER : now + wait;
}
