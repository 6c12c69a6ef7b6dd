/* What expires when: a binary heap of deadlines, one for each kind of object. The objects are the records of a slab; each
 * keeps its place in the heap in a uint32_t of its own, 0 while it has none. */
#ifndef RSIPD_EXPIRY_H
#define RSIPD_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab;

struct expiry_entry {
	int64_t at;
	uint32_t number; /* the object's */
} __attribute__((packed, aligned(4)));

struct expiry {
	struct expiry_entry *entries; /* entries[0] is unused: slot 0 means none */
	size_t n, cap;
	const struct slab *slab;
	size_t slot_offset; /* of the uint32_t inside the objects */
};

void expiry_init(struct expiry *e, const struct slab *slab, size_t slot_offset);
void expiry_done(struct expiry *e);                             /* frees the heap, not the objects */
void expiry_set(struct expiry *e, void *object, int64_t at);    /* adds it, or moves it to another time */
void expiry_remove(struct expiry *e, void *object);             /* no effect on an object that has no deadline */
bool expiry_is_set(const struct expiry *e, void *object, int64_t at); /* for the check: just this time */
void *expiry_due(const struct expiry *e, int64_t now);          /* one whose time is now or past, or NULL */
int64_t expiry_next(const struct expiry *e);                    /* the earliest time, INT64_MAX when there is none */

#endif
