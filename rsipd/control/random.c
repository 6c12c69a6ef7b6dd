#include "random.h"

#include <openssl/rand.h>
#include <stdbool.h>
#include <stddef.h>

#include "log.h"

static bool seeded;
static uint64_t seed_state;

void
random_seed(uint64_t seed)
{
	seeded = true;
	seed_state = seed;
}

/* splitmix64: good enough to walk a test through many cases, the same each time. */
static uint64_t
seeded_u64(void)
{
	uint64_t z = seed_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* RAND_bytes costs about a microsecond a call whatever the length, so numbers are drawn by the page. */
uint64_t
random_u64(void)
{
	static uint64_t drawn[64];
	static size_t left;

	if (seeded)
		return seeded_u64();
	if (left == 0) {
		if (RAND_bytes((unsigned char *)drawn, sizeof(drawn)) != 1)
			log_fatal("random", "OpenSSL's random generator failed");
		left = sizeof(drawn) / sizeof(drawn[0]);
	}
	uint64_t value = drawn[--left];
	drawn[left] = 0;
	return value;
}

uint64_t
random_below(uint64_t n)
{
	uint64_t biased = -n % n; /* how many of the lowest values would make the small results likelier */
	uint64_t value;

	do {
		value = random_u64();
	} while (value < biased);
	return value % n;
}
