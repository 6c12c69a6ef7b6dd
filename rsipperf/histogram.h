/* Latencies, counted in buckets: constant memory for any number of them, and each quantile within 1.6 %. */
#ifndef RSIPPERF_HISTOGRAM_H
#define RSIPPERF_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64     /* a power of two is cut into so many buckets */
#define HISTOGRAM_POWERS 32    /* up to 2^37 us, more than a day */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * HISTOGRAM_POWERS)

struct histogram {
	uint64_t n, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t us);

/* Adds all of from to h. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The value that the given part of all (0.5 = median, 0.99) does not exceed, as the upper end of its bucket but never
 * more than the largest value; 0 when there is none. Microseconds. */
uint64_t histogram_at(const struct histogram *h, double part);

#endif
