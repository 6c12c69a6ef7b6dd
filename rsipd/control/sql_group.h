/* Changes of a database, by value and in their order: what one thread notes down, another carries out. */
#ifndef RSIPD_SQL_GROUP_H
#define RSIPD_SQL_GROUP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised. */
struct sql_group {
	uint8_t *bytes;
	size_t len, room;
};

/* statement and types, as of sql_run, are literals and kept by their address; texts and blobs are copied. */
void sql_group_add(struct sql_group *g, const char *statement, const char *types, va_list ap);
void sql_group_empty(struct sql_group *g); /* keeps the room for the next ones */
void sql_group_free(struct sql_group *g);

/* A walk: the next change, whose values are then to be read, each by the function of its type, in their order. */
struct sql_reader { const uint8_t *at, *end; };
struct sql_reader sql_group_read(const struct sql_group *g); /* g must not change meanwhile */
bool sql_read_change(struct sql_reader *r, const char **statement, const char **types); /* false at the end */
int64_t sql_read_int(struct sql_reader *r);
const void *sql_read_bytes(struct sql_reader *r, size_t *len); /* of a text or blob; NULL: NULL */

#endif
