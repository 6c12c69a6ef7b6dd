#include "portbits.h"

/* The bits of one word that stand for ports in first..last. */
static uint64_t
word_mask(unsigned word, uint16_t first, uint16_t last)
{
	uint64_t mask = UINT64_MAX;

	if (word == first / 64u)
		mask &= UINT64_MAX << (first % 64);
	if (word == last / 64u)
		mask &= UINT64_MAX >> (63 - last % 64);
	return mask;
}

void
portbits_set(struct portbits *set, uint16_t first, uint16_t last)
{
	for (unsigned w = first / 64u; w <= last / 64u; w++)
		set->words[w] |= word_mask(w, first, last);
}

void
portbits_clear(struct portbits *set, uint16_t first, uint16_t last)
{
	for (unsigned w = first / 64u; w <= last / 64u; w++)
		set->words[w] &= ~word_mask(w, first, last);
}

uint32_t
portbits_count(const struct portbits *set)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < sizeof(set->words) / sizeof(set->words[0]); w++)
		n += (uint32_t)__builtin_popcountll(set->words[w]);
	return n;
}

int
portbits_find(const struct portbits *set, bool want, uint16_t first, uint16_t last)
{
	for (unsigned w = first / 64u; w <= last / 64u; w++) {
		uint64_t bits = (want ? set->words[w] : ~set->words[w]) & word_mask(w, first, last);
		if (bits != 0)
			return (int)(w * 64) + __builtin_ctzll(bits);
	}
	return -1;
}
