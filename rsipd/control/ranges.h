/* An ordered map of disjoint ranges of 64-bit numbers that are something more each: what is held of one address. A treap, so
 * that finding, adding and removing cost the logarithm of the number of ranges. Nodes are the caller's, embedded in
 * something larger; where there is nothing larger, range_table.h takes less. */
#ifndef RSIPD_RANGES_H
#define RSIPD_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range_node {
	uint64_t first, last; /* both included; set by the caller before ranges_add */
	struct range_node *left, *right;
	uint32_t priority;
};

/* Zero-initialised. */
struct ranges { struct range_node *root; };

/* The lowest range that has a number in first..last, or NULL. */
struct range_node *ranges_overlap(const struct ranges *r, uint64_t first, uint64_t last);

void ranges_add(struct ranges *r, struct range_node *node); /* overlaps none */
void ranges_remove(struct ranges *r, struct range_node *node);

#endif
