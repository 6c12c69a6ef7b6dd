/* A rate limit: so many a second, with bursts of as many. */
#ifndef RSIPD_TOKEN_BUCKET_H
#define RSIPD_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised: full. */
struct token_bucket { int64_t spent_until; /* microseconds */ };

/* Whether one more is allowed at now (clock_now() milliseconds); if so it is taken. Each takes 1 / rate seconds of
 * credit, of which a second's worth can be saved up. rate is 1 to 1000000. */
static inline bool
token_bucket_take(struct token_bucket *bucket, unsigned rate, int64_t now)
{
	int64_t second = 1000000, now_us = now * 1000;
	int64_t from = bucket->spent_until > now_us - second ? bucket->spent_until : now_us - second;

	if (from + second / rate > now_us)
		return false;
	bucket->spent_until = from + second / rate;
	return true;
}

/* A full bucket is as good as a new one. */
static inline bool
token_bucket_full(const struct token_bucket *bucket, int64_t now)
{
	return bucket->spent_until <= now * 1000 - 1000000;
}

#endif
