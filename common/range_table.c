#include "range_table.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define LEAF_MAX 128

/* Never empty. */
struct range_leaf {
	uint16_t n, cap;
	struct range_entry at[];
};

/* In the directory, so that its search touches no leaf. */
struct range_leaf_ref {
	uint64_t last; /* of the leaf's last range */
	struct range_leaf *leaf;
};

/* Where a range is, or would be: the first that ends at a number or above it. leaf is n_leaves when there is none. */
struct place { uint32_t leaf, i; };

/* The leaf has changed. */
static void
note_last(struct range_leaf_ref *ref)
{
	ref->last = ref->leaf->at[ref->leaf->n - 1].last;
}

static struct place
place_of(const struct range_table *t, uint64_t number)
{
	struct place p = { 0, 0 };
	uint32_t end = t->n_leaves;

	while (p.leaf < end) {
		uint32_t middle = p.leaf + (end - p.leaf) / 2;

		if (t->leaves[middle].last < number)
			p.leaf = middle + 1;
		else
			end = middle;
	}
	if (p.leaf == t->n_leaves)
		return p;
	end = t->leaves[p.leaf].leaf->n;
	while (p.i < end) {
		uint32_t middle = p.i + (end - p.i) / 2;

		if (t->leaves[p.leaf].leaf->at[middle].last < number)
			p.i = middle + 1;
		else
			end = middle;
	}
	return p;
}

const struct range_entry *
range_table_find(const struct range_table *t, uint64_t first, uint64_t last)
{
	struct place p = place_of(t, first);
	const struct range_entry *entry;

	if (p.leaf == t->n_leaves)
		return NULL;
	entry = &t->leaves[p.leaf].leaf->at[p.i];
	return entry->first <= last ? entry : NULL;
}

static struct range_leaf *
with_room(struct range_leaf *leaf, unsigned n)
{
	unsigned cap = n + n / 16 + 2;

	if (leaf != NULL && leaf->n < leaf->cap)
		return leaf;
	leaf = mem_grow(leaf, 1, sizeof(*leaf) + cap * sizeof(leaf->at[0]));
	leaf->n = (uint16_t)n;
	leaf->cap = (uint16_t)cap;
	return leaf;
}

static void
insert_leaf(struct range_table *t, uint32_t at, struct range_leaf *leaf)
{
	t->leaves = mem_grow(t->leaves, t->n_leaves + 1, sizeof(*t->leaves));
	memmove(&t->leaves[at + 1], &t->leaves[at], (t->n_leaves - at) * sizeof(*t->leaves));
	t->leaves[at].leaf = leaf;
	t->n_leaves++;
}

/* The upper half of a leaf becomes the next one. */
static void
split(struct range_table *t, uint32_t at)
{
	struct range_leaf *low = t->leaves[at].leaf, *high = with_room(NULL, LEAF_MAX / 2);

	memcpy(high->at, &low->at[LEAF_MAX / 2], LEAF_MAX / 2 * sizeof(high->at[0]));
	low->n = low->cap = LEAF_MAX / 2;
	t->leaves[at].leaf = mem_grow(low, 1, sizeof(*low) + low->cap * sizeof(low->at[0]));
	insert_leaf(t, at + 1, high);
	note_last(&t->leaves[at]);
	note_last(&t->leaves[at + 1]);
}

void
range_table_add(struct range_table *t, uint64_t first, uint64_t last, uint32_t owner)
{
	struct place p = place_of(t, first);
	struct range_leaf *leaf;

	if (t->n_leaves == 0)
		insert_leaf(t, 0, with_room(NULL, 0));
	if (p.leaf == t->n_leaves || (p.leaf > 0 && p.i == 0 && t->leaves[p.leaf].leaf->n == LEAF_MAX)) {
		p.leaf--; /* behind all of the leaf before */
		p.i = t->leaves[p.leaf].leaf->n;
	}
	if (t->leaves[p.leaf].leaf->n == LEAF_MAX) {
		split(t, p.leaf);
		if (p.i > LEAF_MAX / 2)
			p = (struct place){ p.leaf + 1, p.i - LEAF_MAX / 2 };
	}
	leaf = t->leaves[p.leaf].leaf = with_room(t->leaves[p.leaf].leaf, t->leaves[p.leaf].leaf->n);
	memmove(&leaf->at[p.i + 1], &leaf->at[p.i], (leaf->n - p.i) * sizeof(leaf->at[0]));
	leaf->at[p.i] = (struct range_entry){ first, last, owner };
	leaf->n++;
	note_last(&t->leaves[p.leaf]);
}

static void
remove_leaf(struct range_table *t, uint32_t at)
{
	free(t->leaves[at].leaf);
	t->n_leaves--;
	memmove(&t->leaves[at], &t->leaves[at + 1], (t->n_leaves - at) * sizeof(*t->leaves));
}

void
range_table_remove(struct range_table *t, uint64_t first, uint32_t owner)
{
	struct place p = place_of(t, first);
	struct range_leaf *leaf;

	if (p.leaf == t->n_leaves)
		return;
	leaf = t->leaves[p.leaf].leaf;
	if (leaf->at[p.i].owner != owner || leaf->at[p.i].first > first)
		return;
	leaf->n--;
	memmove(&leaf->at[p.i], &leaf->at[p.i + 1], (leaf->n - p.i) * sizeof(leaf->at[0]));
	if (leaf->n == 0)
		remove_leaf(t, p.leaf);
	else
		note_last(&t->leaves[p.leaf]);
}

void
range_table_done(struct range_table *t)
{
	while (t->n_leaves > 0)
		remove_leaf(t, t->n_leaves - 1);
	free(t->leaves);
	*t = (struct range_table){ 0 };
}
