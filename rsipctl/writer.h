/* Text for people from the same JSON documents that -j prints for programs: tables, lists of members, and the words
 * for single values. Text that came over the network is made safe for a terminal. */
#ifndef RSIPCTL_WRITER_H
#define RSIPCTL_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CELL_MAX 192 /* bytes of one cell with its NUL; longer text is cut, ending in ".." */

/* Writes the text of one value, NULL where the document lacks it. */
typedef void cell_fn(char cell[CELL_MAX], const json_t *value);

cell_fn cell_plain;    /* a string, a number, a word; "-" for null and for nothing */
cell_fn cell_duration; /* seconds: "2h 13m" */
cell_fn cell_size;     /* bytes: "1.5 MiB" */
cell_fn cell_ranges;   /* [[first,last],...] or a list of single values: "1024-1087,4000" */

struct column {
	const char *heading; /* NULL ends an array of columns */
	const char *member;  /* of each row's object */
	cell_fn *cell;
};

/* One line of compact JSON. */
void writer_json(FILE *out, const json_t *document);

/* rows is an array of objects. Numbers, durations and sizes are set to the right. An empty array prints the sentence
 * empty instead. */
void writer_table(FILE *out, const json_t *rows, const struct column *columns, const char *empty);

/* Any object: one line a member, named after it ("uptime_s" as "uptime"), "_s" read as a duration and "_bytes" as a
 * size; inner objects follow indented, without their zeroes; inner arrays of objects follow as tables. */
void writer_members(FILE *out, const json_t *object);

#endif
