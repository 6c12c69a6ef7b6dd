#include "port_page.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "demux_binding.h"
#include "mem.h"

struct port_piece {
	uint32_t owner; /* demux_binding_at */
	uint8_t first, last;
} __attribute__((packed, aligned(2)));

struct port_page {
	uint16_t n, cap;
	struct port_piece pieces[];
};

/* Index of the first piece that ends at the port or above it; n when there is none. */
static unsigned
index_of(const struct port_page *page, uint8_t port)
{
	unsigned from = 0, to = page->n;

	while (from < to) {
		unsigned middle = (from + to) / 2;

		if (page->pieces[middle].last < port)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct demux_binding *
port_page_owner(const struct port_page *page, uint8_t first, uint8_t last)
{
	unsigned i;

	if (page == NULL)
		return NULL;
	i = index_of(page, first);
	return i < page->n && page->pieces[i].first <= last ? demux_binding_at(page->pieces[i].owner) : NULL;
}

static struct port_page *
with_room(struct port_page *page)
{
	unsigned n = page != NULL ? page->n : 0, cap = 3 * (n / 3 + 1); /* what malloc gives in steps of 16 */

	if (page != NULL && page->n < page->cap)
		return page;
	page = mem_grow(page, 1, sizeof(*page) + cap * sizeof(page->pieces[0]));
	page->n = (uint16_t)n;
	page->cap = (uint16_t)cap;
	return page;
}

struct port_page *
port_page_add(struct port_page *page, uint8_t first, uint8_t last, const struct demux_binding *owner)
{
	unsigned i;

	page = with_room(page);
	i = index_of(page, first);
	memmove(&page->pieces[i + 1], &page->pieces[i], (page->n - i) * sizeof(page->pieces[0]));
	page->pieces[i] = (struct port_piece){ owner->number, first, last };
	page->n++;
	return page;
}

struct port_page *
port_page_remove(struct port_page *page, uint8_t first, uint8_t last, const struct demux_binding *owner)
{
	unsigned i, kept;

	if (page == NULL)
		return NULL;
	for (i = kept = index_of(page, first); i < page->n; i++) {
		if (page->pieces[i].owner != owner->number || page->pieces[i].first > last)
			page->pieces[kept++] = page->pieces[i];
	}
	page->n = (uint16_t)kept;
	if (kept > 0)
		return page;
	free(page);
	return NULL;
}
