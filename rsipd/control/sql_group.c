#include "sql_group.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define NO_TEXT UINT64_MAX /* in place of a length */

static void
put(struct sql_group *g, const void *bytes, size_t len)
{
	if (g->room - g->len < len) {
		g->room = 2 * (g->room + len);
		g->bytes = mem_grow(g->bytes, g->room, 1);
	}
	if (len > 0)
		memcpy(g->bytes + g->len, bytes, len);
	g->len += len;
}

static void
put_bytes(struct sql_group *g, const void *bytes, size_t len)
{
	uint64_t length = bytes != NULL ? len : NO_TEXT;

	put(g, &length, sizeof(length));
	if (bytes != NULL)
		put(g, bytes, len);
}

static void
put_text(struct sql_group *g, const char *text)
{
	put_bytes(g, text, text != NULL ? strlen(text) : 0);
}

void
sql_group_add(struct sql_group *g, const char *statement, const char *types, va_list ap)
{
	put(g, &statement, sizeof(statement));
	put(g, &types, sizeof(types));
	for (; *types != '\0'; types++) {
		if (*types == 'i') {
			put(g, &(int64_t){ va_arg(ap, int64_t) }, sizeof(int64_t));
		} else if (*types == 't') {
			put_text(g, va_arg(ap, const char *));
		} else if (*types == 'b') {
			const void *bytes = va_arg(ap, const void *);
			put_bytes(g, bytes, va_arg(ap, size_t));
		}
	}
}

void
sql_group_empty(struct sql_group *g)
{
	g->len = 0;
}

void
sql_group_free(struct sql_group *g)
{
	free(g->bytes);
	*g = (struct sql_group){ 0 };
}

struct sql_reader
sql_group_read(const struct sql_group *g)
{
	return (struct sql_reader){ g->bytes, g->bytes + g->len };
}

static void
get(struct sql_reader *r, void *out, size_t len)
{
	memcpy(out, r->at, len);
	r->at += len;
}

bool
sql_read_change(struct sql_reader *r, const char **statement, const char **types)
{
	if (r->at == r->end)
		return false;
	get(r, statement, sizeof(*statement));
	get(r, types, sizeof(*types));
	return true;
}

int64_t
sql_read_int(struct sql_reader *r)
{
	int64_t value;

	get(r, &value, sizeof(value));
	return value;
}

const void *
sql_read_bytes(struct sql_reader *r, size_t *len)
{
	const uint8_t *bytes;
	uint64_t length;

	get(r, &length, sizeof(length));
	bytes = r->at;
	*len = length == NO_TEXT ? 0 : (size_t)length;
	r->at += *len;
	return length == NO_TEXT ? NULL : bytes;
}
