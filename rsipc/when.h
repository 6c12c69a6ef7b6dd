/* Points in time on clock_now()'s scale, in milliseconds, for modules that say when they want to be run again. */
#ifndef RSIPC_WHEN_H
#define RSIPC_WHEN_H

#include <stdint.h>

#define WHEN_NEVER INT64_MAX

static inline int64_t
when_sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
