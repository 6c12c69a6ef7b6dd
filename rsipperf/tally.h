/* What a phase of the run came to: counts and latencies of each operation. */
#ifndef RSIPPERF_TALLY_H
#define RSIPPERF_TALLY_H

#include <stdint.h>

#include "histogram.h"
#include "ops.h"

#define TALLY_ERRORS 512 /* above every error number of RFC 3103 and 3104; what is above it counts as number 0 */

struct tally_op {
	uint64_t sent;           /* requests begun */
	uint64_t granted;        /* answered by what was asked for */
	uint64_t refused;        /* answered by an ERROR_RESPONSE, or an EXTEND by FREE_RESPONSE */
	uint64_t lost;           /* never answered */
	uint64_t repeats;        /* sent once more (UDP) */
	struct histogram waited; /* of all answers, from the first sending */
};

struct tally {
	const char *name; /* of the phase */
	int64_t began_us, ended_us;
	struct tally_op op[OPS];
	uint64_t error[TALLY_ERRORS]; /* ERROR_RESPONSEs by number */
	uint64_t unasked;             /* asynchronous messages, and answers to what was answered already */
	uint64_t unread;              /* what came and is no RSIP message */
};

struct tally *tally_new(const char *name, int64_t now_us); /* never NULL; the caller frees */
uint64_t tally_answered(const struct tally *t);
uint64_t tally_refused(const struct tally *t);
uint64_t tally_lost(const struct tally *t);

#endif
