#include "slab.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* With AddressSanitizer a record that was given back cannot be used by mistake: all of it but the first eight bytes. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

/* What a record that was given back is. */
struct given { uint32_t number, before; };

#define LINE 64 /* of the cache: a record of one line lies in one line */

static void
poison(const struct slab *s, struct given *g)
{
	ASAN_POISON_MEMORY_REGION(g + 1, s->size - sizeof(*g));
}

static void
unpoison(const struct slab *s, struct given *g)
{
	ASAN_UNPOISON_MEMORY_REGION(g + 1, s->size - sizeof(*g));
}

static char *
new_chunk(const struct slab *s)
{
	return mem_zero_aligned(LINE, (size_t)SLAB_CHUNK * s->size);
}

/* Number 0 is nobody's: its place in the first chunk stays empty. */
static struct given *
next_record(struct slab *s)
{
	uint32_t number = ++s->n, chunk = number / SLAB_CHUNK;
	struct given *g;

	if (number == 1 || number % SLAB_CHUNK == 0) {
		s->chunks = mem_grow(s->chunks, chunk + 1, sizeof(*s->chunks));
		s->chunks[chunk] = new_chunk(s);
	}
	g = slab_at(s, number);
	g->number = number;
	return g;
}

void *
slab_take(struct slab *s)
{
	struct given *g = slab_at(s, s->free);
	uint32_t number = s->free;

	if (g == NULL)
		return next_record(s);
	s->free = g->before;
	unpoison(s, g);
	memset(g, 0, s->size);
	g->number = number;
	return g;
}

void
slab_give(struct slab *s, void *record)
{
	struct given *g = record;

	g->before = s->free;
	s->free = g->number;
	poison(s, g);
}
