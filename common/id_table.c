#include "id_table.h"

#include <stdlib.h>

#include "mem.h"

#define BUCKETS_MIN 1024u

static uint32_t
id_of(const struct id_table *t, const void *object)
{
	return *(const uint32_t *)(const void *)((const char *)object + t->id_offset);
}

static uint32_t *
next_of(const struct id_table *t, void *object)
{
	return (uint32_t *)(void *)((char *)object + t->next_offset);
}

/* One to one, and every bit of the ID has its say in the lower ones. */
static uint32_t
mix(uint32_t id)
{
	id = (id ^ id >> 16) * 0x9e3779b1u;
	return id ^ id >> 16;
}

static uint32_t *
bucket_of(const struct id_table *t, uint32_t id)
{
	return &t->buckets[(t->mixed ? mix(id) : id) & (t->n_buckets - 1)];
}

static void
put(struct id_table *t, void *object)
{
	uint32_t *bucket = bucket_of(t, id_of(t, object));

	*next_of(t, object) = *bucket;
	*bucket = slab_number(object);
}

static void
grow(struct id_table *t)
{
	struct id_table old = *t;

	t->n_buckets = old.n_buckets > 0 ? 2 * old.n_buckets : BUCKETS_MIN;
	t->buckets = mem_zero(t->n_buckets, sizeof(*t->buckets));
	for (uint32_t i = 0; i < old.n_buckets; i++) {
		for (void *object = slab_at(t->slab, old.buckets[i]), *next; object != NULL; object = next) {
			next = slab_at(t->slab, *next_of(t, object));
			put(t, object);
		}
	}
	free(old.buckets);
}

void
id_table_add(struct id_table *t, void *object)
{
	if (t->n >= t->n_buckets && t->n_buckets < 1u << 31)
		grow(t);
	put(t, object);
	t->n++;
}

void
id_table_remove(struct id_table *t, void *object)
{
	uint32_t *at = bucket_of(t, id_of(t, object));

	while (*at != slab_number(object))
		at = next_of(t, slab_at(t->slab, *at));
	*at = *next_of(t, object);
	t->n--;
}

void *
id_table_find(const struct id_table *t, uint32_t id)
{
	void *object = t->n > 0 ? slab_at(t->slab, *bucket_of(t, id)) : NULL;

	while (object != NULL && id_of(t, object) != id)
		object = slab_at(t->slab, *next_of(t, object));
	return object;
}

void
id_table_done(struct id_table *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->n = t->n_buckets = 0;
}

/* Of the objects of a bucket as it was when the walk began, the one with the lowest ID of at least behind. As the table
 * grows they spread over more buckets, whose numbers agree in the old one's bits. */
static void *
next_in(const struct id_table *t, const struct id_cursor *c)
{
	void *next = NULL;

	for (uint32_t i = c->bucket; i < t->n_buckets; i += c->n_buckets) {
		for (void *object = slab_at(t->slab, t->buckets[i]); object != NULL;
		     object = slab_at(t->slab, *next_of(t, object))) {
			uint32_t id = id_of(t, object);
			if (id >= c->behind && (next == NULL || id < id_of(t, next)))
				next = object;
		}
	}
	return next;
}

void *
id_table_next(const struct id_table *t, struct id_cursor *c)
{
	if (c->n_buckets == 0)
		c->n_buckets = t->n_buckets;
	for (; c->bucket < c->n_buckets; c->bucket++, c->behind = 0) {
		void *object = next_in(t, c);
		if (object != NULL) {
			c->behind = (uint64_t)id_of(t, object) + 1;
			return object;
		}
	}
	return NULL;
}
