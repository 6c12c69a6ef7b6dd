#include "owned.h"

#include <stdlib.h>
#include <utlist.h>

#include "mem.h"

void
owned_gather(struct owned_list *list, const struct binding *b)
{
	size_t n = binding_n_tuples(b);

	if (list->n + n > list->cap) {
		list->cap = 2 * (list->n + n);
		list->at = mem_grow(list->at, list->cap, sizeof(*list->at));
	}
	for (size_t i = 0; i < n; i++)
		list->at[list->n++] = (struct owned){ binding_tuple(b, i), b->bind_id };
}

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_place(const void *va, const void *vb)
{
	const struct tuple *a = &((const struct owned *)va)->tuple, *b = &((const struct owned *)vb)->tuple;
	int order = compare(a->addr, b->addr);

	if (order == 0)
		order = compare((uint64_t)a->kind, (uint64_t)b->kind);
	return order != 0 ? order : compare(a->first, b->first);
}

void
owned_sort(struct owned_list *list)
{
	if (list->n > 0)
		qsort(list->at, list->n, sizeof(*list->at), by_place);
}

bool
owned_overlap(const struct owned *a, const struct owned *b)
{
	return a->tuple.addr == b->tuple.addr &&
	       (a->tuple.kind == TUPLE_ADDRESS || (a->tuple.kind == b->tuple.kind && b->tuple.first <= a->tuple.last));
}

struct owned_sums
owned_sums(const struct session *s)
{
	struct owned_sums sums = { 0 };
	const struct binding *b;

	LL_FOREACH(s->bindings, b) {
		sums.bindings++;
		sums.ports += binding_port_count(b);
		sums.spis += binding_spi_count(b);
		sums.cookies += binding_terms(b)->cookie_mask != 0;
	}
	return sums;
}

bool
owned_is_charged(const struct session *s, const struct owned_sums *sums)
{
	return s->n_bindings == sums->bindings && s->n_ports == sums->ports && s->n_spis == sums->spis &&
	       s->n_cookies == sums->cookies;
}
