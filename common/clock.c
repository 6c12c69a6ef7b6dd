#include "clock.h"

#include <stdbool.h>
#include <time.h>

static bool fake;
static int64_t fake_now, fake_wall;

int64_t
clock_now(void)
{
	struct timespec ts;

	if (fake)
		return fake_now;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall(void)
{
	return fake ? fake_wall : (int64_t)time(NULL);
}

void
clock_set(int64_t now_ms, int64_t wall_s)
{
	fake = true;
	fake_now = now_ms;
	fake_wall = wall_s;
}
