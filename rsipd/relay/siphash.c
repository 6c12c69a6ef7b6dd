#include "config.h"

#include "siphash.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

struct state { uint64_t v0, v1, v2, v3; };

void
siphash_key_random(struct siphash_key *key)
{
	if (getrandom(key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
		log_fatal("siphash", "no randomness from the kernel: %s", strerror(errno));
}

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
rounds(struct state *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

/* Up to eight bytes as a little-endian number. */
static uint64_t
load(const uint8_t *at, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

uint64_t
siphash(const struct siphash_key *key, const void *bytes, size_t len)
{
	struct state s = { key->k[0] ^ 0x736f6d6570736575, key->k[1] ^ 0x646f72616e646f6d,
		           key->k[0] ^ 0x6c7967656e657261, key->k[1] ^ 0x7465646279746573 };
	const uint8_t *at = bytes;
	size_t left = len;

	for (; left >= 8; at += 8, left -= 8)
		absorb(&s, load(at, 8));
	absorb(&s, (uint64_t)len << 56 | load(at, left));
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
