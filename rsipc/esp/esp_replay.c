/* The ring is longer than the window, so that words which leave the window on its left are cleared only when they come
 * back on its right: no shifting (the idea of RFC 6479). */
#include "esp_replay.h"

#include <string.h>

static uint64_t *
word_of(struct replay *r, uint64_t sequence)
{
	return &r->seen[sequence / 64 % REPLAY_WORDS];
}

void
replay_init(struct replay *r, uint32_t window, bool esn, uint64_t highest)
{
	memset(r, 0, sizeof(*r));
	r->highest = highest;
	r->window = window;
	r->esn = esn;
	if (highest > 0)
		memset(r->seen, 0xff, sizeof(r->seen));
	/* What comes behind it in its word has not been received. */
	*word_of(r, highest) &= ~(UINT64_MAX << (highest % 64) << 1);
}

/* T = (Th, Tl) is the window's right end, W its size; Bl the low half of its left end:
 *   case A, Tl >= W - 1: the window lies in one subspace: Seql >= Bl is in it, Seql < Bl in the next one;
 *   case B, Tl < W - 1: it spans two: Seql >= Bl is in the former one, Seql < Bl in Tl's. */
uint64_t
replay_sequence(const struct replay *r, uint32_t low)
{
	uint32_t high = (uint32_t)(r->highest >> 32), tl = (uint32_t)r->highest, bl = tl - r->window + 1;

	if (!r->esn)
		return low;
	if (tl >= r->window - 1) {
		if (low < bl && ++high == 0)
			return 0; /* beyond 2^64 - 1 */
	} else if (low >= bl) {
		if (high-- == 0)
			return 0; /* before 0 */
	}
	return (uint64_t)high << 32 | low;
}

bool
replay_fresh(const struct replay *r, uint64_t sequence)
{
	if (sequence == 0)
		return false;
	if (sequence > r->highest)
		return true;
	if (r->highest - sequence >= r->window)
		return false;
	return (r->seen[sequence / 64 % REPLAY_WORDS] >> sequence % 64 & 1) == 0;
}

/* The words between the old and the new right end are of older turns of the ring. */
static void
advance(struct replay *r, uint64_t sequence)
{
	uint64_t word = r->highest / 64, last = sequence / 64;

	if (last - word >= REPLAY_WORDS)
		word = last - REPLAY_WORDS;
	while (word < last)
		r->seen[++word % REPLAY_WORDS] = 0;
	r->highest = sequence;
}

bool
replay_accept(struct replay *r, uint64_t sequence)
{
	bool newest = sequence > r->highest;

	if (newest)
		advance(r, sequence);
	*word_of(r, sequence) |= UINT64_C(1) << sequence % 64;
	return newest;
}
