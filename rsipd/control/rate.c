#include "rate.h"

#include <stdlib.h>
#include <uthash.h>

#include "clock.h"
#include "mem.h"
#include "token_bucket.h"

struct host_rate {
	ip4_t host_addr;
	struct token_bucket bucket, refusals;
	UT_hash_handle hh;
};

struct rate_table {
	struct host_rate *hosts;
	unsigned sweep_at; /* at so many hosts, those with a full bucket are forgotten */
};

enum { SWEEP_MIN = 1024 };

struct rate_table *
rate_table_new(void)
{
	struct rate_table *t = mem_zero(1, sizeof(*t));

	t->sweep_at = SWEEP_MIN;
	return t;
}

static void
drop(struct rate_table *t, struct host_rate *host)
{
	HASH_DELETE(hh, t->hosts, host);
	free(host);
}

void
rate_table_free(struct rate_table *t)
{
	if (t == NULL)
		return;
	while (t->hosts != NULL)
		drop(t, t->hosts);
	free(t);
}

/* Each sweep waits for as many newcomers as it left hosts, so that its cost for each of them is constant. */
static void
sweep(struct rate_table *t, int64_t now)
{
	struct host_rate *host, *tmp;

	HASH_ITER(hh, t->hosts, host, tmp) {
		if (token_bucket_full(&host->bucket, now) && token_bucket_full(&host->refusals, now))
			drop(t, host);
	}
	t->sweep_at = SWEEP_MIN + 2 * HASH_CNT(hh, t->hosts);
}

static struct host_rate *
get(struct rate_table *t, ip4_t host_addr, int64_t now)
{
	struct host_rate *host;

	HASH_FIND(hh, t->hosts, &host_addr, sizeof(host_addr), host);
	if (host != NULL)
		return host;
	if (HASH_CNT(hh, t->hosts) >= t->sweep_at)
		sweep(t, now);
	host = mem_zero(1, sizeof(*host));
	host->host_addr = host_addr;
	HASH_ADD(hh, t->hosts, host_addr, sizeof(host->host_addr), host);
	return host;
}

bool
rate_take(struct rate_table *t, ip4_t host_addr, unsigned per_second)
{
	int64_t now = clock_now();

	return token_bucket_take(&get(t, host_addr, now)->bucket, per_second, now);
}

bool
rate_refusal(struct rate_table *t, ip4_t host_addr)
{
	int64_t now = clock_now();

	return token_bucket_take(&get(t, host_addr, now)->refusals, RATE_REFUSALS, now);
}
