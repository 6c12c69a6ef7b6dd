/* Records of one size, a million of them at no cost beside their bytes. Each has a number, 32 bits where a pointer takes
 * 64, which leads to it with two loads; it never moves. What is given back is used again for the next record, not
 * returned to the system.
 *
 * A record begins with its number, a uint32_t that is the slab's to set. */
#ifndef RSIP_SLAB_H
#define RSIP_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_CHUNK 1024u /* records */

struct slab {
	uint32_t size; /* of a record, in bytes */
	uint32_t n;    /* numbers in use or given back: 1 to n */
	uint32_t free; /* the record given back last, which names the one before; 0: none */
	char **chunks;
};

/* type's first member is uint32_t number. Needs no end: what it holds then can be reached. */
#define SLAB(type) { .size = sizeof(type) }

void *slab_take(struct slab *s); /* a zeroed record, its number set */
void slab_give(struct slab *s, void *record);

/* number is that of a record in use, or 0: NULL. */
static inline void *
slab_at(const struct slab *s, uint32_t number)
{
	return number != 0 ? s->chunks[number / SLAB_CHUNK] + (size_t)(number % SLAB_CHUNK) * s->size : NULL;
}

static inline uint32_t
slab_number(const void *record) /* 0 for NULL */
{
	return record != NULL ? *(const uint32_t *)record : 0;
}

#endif
