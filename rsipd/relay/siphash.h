/* SipHash-2-4 (Aumasson and Bernstein): a keyed hash, so that who chooses the keys of a table from outside cannot
 * choose which of them collide. OpenSSL has it too, but behind a MAC context whose set-up costs more than a packet
 * may. */
#ifndef RSIPD_SIPHASH_H
#define RSIPD_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key { uint64_t k[2]; };

/* A key from the system's randomness. */
void siphash_key_random(struct siphash_key *key);

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);

#endif
