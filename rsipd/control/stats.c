#include "stats.h"

static void
count(uint64_t *counters, int n, int index)
{
	counters[index >= 0 && index < n ? index : 0]++;
}

void
stats_request(struct stats *stats, int type)
{
	count(stats->requests, STATS_MESSAGES, type);
}

void
stats_response(struct stats *stats, int type)
{
	count(stats->responses, STATS_MESSAGES, type);
}

void
stats_error(struct stats *stats, enum rsip_error error)
{
	count(stats->errors, STATS_ERRORS, (int)error);
}
