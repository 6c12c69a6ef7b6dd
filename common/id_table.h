/* A hash table of a slab's records by a 32-bit ID that stands in each of them, with one number for the table's use: what
 * it costs beside that is a bucket, four bytes. IDs that are given out one after another, or at random, fall into
 * buckets evenly by themselves, so they are not hashed, and small ones are walked in their order; addresses are hashed
 * (ID_TABLE_MIXED). */
#ifndef RSIP_ID_TABLE_H
#define RSIP_ID_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"

struct id_table {
	const struct slab *slab;
	uint32_t *buckets;     /* the first record's number in each; 0: none */
	uint32_t n, n_buckets; /* objects; buckets: a power of two, 0 to begin with */
	uint16_t id_offset, next_offset;
	bool mixed;
};

/* type, whose slab it is, has members uint32_t id and uint32_t next. */
#define ID_TABLE(s, type, id, next) \
	((struct id_table){ .slab = (s), .id_offset = offsetof(type, id), .next_offset = offsetof(type, next) })
/* For IDs that agree in their lower bits, as addresses of many networks do. */
#define ID_TABLE_MIXED(s, type, id, next) \
	((struct id_table){ .slab = (s), .id_offset = offsetof(type, id), .next_offset = offsetof(type, next), .mixed = true })

void id_table_add(struct id_table *t, void *object); /* its ID is not in the table */
void id_table_remove(struct id_table *t, void *object); /* it is in the table */
void *id_table_find(const struct id_table *t, uint32_t id); /* or NULL */
void id_table_done(struct id_table *t); /* frees the buckets, not the objects: empty again */

/* A walk that may take as long as it likes. What is in the table all the time is come across once, what is removed before
 * its turn is not, what is added meanwhile may be or not. Zero-initialised. */
struct id_cursor { uint32_t n_buckets, bucket; uint64_t behind; };
void *id_table_next(const struct id_table *t, struct id_cursor *c); /* NULL at the end */

#endif
