/* A rate limit: so many a second, with bursts of as many. */
#ifndef RSIPD_TOKEN_BUCKET_H
#define RSIPD_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised: full. */
struct token_bucket { int64_t spent_until; };

/* Whether one more is allowed at now (clock_now() milliseconds); if so it is taken. Each takes 1000 / rate
 * milliseconds of credit, of which a second's worth can be saved up. rate is 1 to 1000. */
static inline bool
token_bucket_take(struct token_bucket *bucket, unsigned rate, int64_t now)
{
	int64_t from = bucket->spent_until > now - 1000 ? bucket->spent_until : now - 1000;

	if (from + 1000 / rate > now)
		return false;
	bucket->spent_until = from + 1000 / rate;
	return true;
}

#endif
