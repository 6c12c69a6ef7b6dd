#include "expiry.h"

#include <stdlib.h>

#include "mem.h"
#include "slab.h"

void
expiry_init(struct expiry *e, const struct slab *slab, size_t slot_offset)
{
	*e = (struct expiry){ .slab = slab, .slot_offset = slot_offset };
}

void
expiry_done(struct expiry *e)
{
	free(e->entries);
	expiry_init(e, e->slab, e->slot_offset);
}

static uint32_t *
slot_of(const struct expiry *e, void *object)
{
	return (uint32_t *)(void *)((char *)object + e->slot_offset);
}

static void
place(struct expiry *e, size_t i, struct expiry_entry entry)
{
	e->entries[i] = entry;
	*slot_of(e, slab_at(e->slab, entry.number)) = (uint32_t)i;
}

/* Moves the entry from the hole at i to where it belongs: up while its parent is later, else down while a child is
 * earlier. */
static void
sift(struct expiry *e, size_t i, struct expiry_entry entry)
{
	for (; i > 1 && e->entries[i / 2].at > entry.at; i /= 2)
		place(e, i, e->entries[i / 2]);
	for (size_t child; (child = 2 * i) <= e->n; i = child) {
		if (child < e->n && e->entries[child + 1].at < e->entries[child].at)
			child++;
		if (e->entries[child].at >= entry.at)
			break;
		place(e, i, e->entries[child]);
	}
	place(e, i, entry);
}

static void
grow(struct expiry *e)
{
	size_t cap = e->cap == 0 ? 64 : e->cap * 2;
	e->entries = mem_grow(e->entries, cap, sizeof(*e->entries));
	e->cap = cap;
}

void
expiry_set(struct expiry *e, void *object, int64_t at)
{
	size_t i = *slot_of(e, object);

	if (i == 0) {
		if (e->n + 1 >= e->cap)
			grow(e);
		i = ++e->n;
	}
	sift(e, i, (struct expiry_entry){ at, slab_number(object) });
}

void
expiry_remove(struct expiry *e, void *object)
{
	size_t i = *slot_of(e, object);

	if (i == 0)
		return;
	*slot_of(e, object) = 0;
	struct expiry_entry last = e->entries[e->n--];
	if (last.number != slab_number(object))
		sift(e, i, last);
}

bool
expiry_is_set(const struct expiry *e, void *object, int64_t at)
{
	size_t i = *slot_of(e, object);

	return i > 0 && i <= e->n && e->entries[i].number == slab_number(object) && e->entries[i].at == at;
}

void *
expiry_due(const struct expiry *e, int64_t now)
{
	return e->n > 0 && e->entries[1].at <= now ? slab_at(e->slab, e->entries[1].number) : NULL;
}

int64_t
expiry_next(const struct expiry *e)
{
	return e->n > 0 ? e->entries[1].at : INT64_MAX;
}
