/* Small things that the programs of the bench share. */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the program, with errno's reason, unless it went well. */
static inline void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: cannot %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

static inline double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#endif
