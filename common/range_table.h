/* Disjoint ranges of 64-bit numbers in order, and whose each is: 20 bytes a range, in leaves of a few cache lines under
 * one directory. Finding takes two binary searches; adding and removing moves no more than a leaf, and the directory
 * when a leaf is split. */
#ifndef RSIP_RANGE_TABLE_H
#define RSIP_RANGE_TABLE_H

#include <stdint.h>

struct range_entry {
	uint64_t first, last; /* both included */
	uint32_t owner;       /* a number of the caller's */
} __attribute__((packed, aligned(4)));

/* Zero-initialised. */
struct range_table {
	struct range_leaf_ref *leaves;
	uint32_t n_leaves;
};

void range_table_done(struct range_table *t); /* as it was to begin with */

/* The lowest range that has a number of first..last, or NULL. Valid until the next change. */
const struct range_entry *range_table_find(const struct range_table *t, uint64_t first, uint64_t last);

/* first..last, which overlaps no range. */
void range_table_add(struct range_table *t, uint64_t first, uint64_t last, uint32_t owner);

/* The range that has first, if it is the owner's. */
void range_table_remove(struct range_table *t, uint64_t first, uint32_t owner);

#endif
