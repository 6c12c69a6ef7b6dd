#include "histogram.h"

/* Below HISTOGRAM_STEPS each value has its own bucket; above, a bucket is as wide as the value's bits that do not fit. */
static unsigned
bucket_of(uint64_t us)
{
	unsigned shift = 0, index;

	while (us >> shift >= 2 * HISTOGRAM_STEPS)
		shift++;
	if (us < HISTOGRAM_STEPS)
		return (unsigned)us;
	index = shift * HISTOGRAM_STEPS + (unsigned)(us >> shift);
	return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

static uint64_t
upper_end(unsigned bucket)
{
	unsigned shift = bucket < HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;

	return (((uint64_t)(bucket - shift * HISTOGRAM_STEPS) + 1) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t us)
{
	h->n++;
	h->bucket[bucket_of(us)]++;
	if (us > h->max)
		h->max = us;
}

void
histogram_merge(struct histogram *h, const struct histogram *from)
{
	h->n += from->n;
	if (from->max > h->max)
		h->max = from->max;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->bucket[i] += from->bucket[i];
}

uint64_t
histogram_at(const struct histogram *h, double part)
{
	double exact = part * (double)h->n;
	uint64_t rank = (uint64_t)exact, seen = 0;

	if (h->n == 0)
		return 0;
	if ((double)rank < exact || rank == 0)
		rank++;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return upper_end(i) < h->max ? upper_end(i) : h->max;
	}
	return h->max; /* the last bucket has no end */
}
