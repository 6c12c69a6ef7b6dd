#include "vectors.h"

#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsip_proto.h"

struct reader {
	struct vectors *v;
	const char *file;
	int line;
	uint8_t bytes[RSIP_MESSAGE_MAX + 1024];
	size_t len;
	bool in_verdict;
};

static _Noreturn void
complain(const struct reader *r, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", r->file, r->line, what);
	exit(1);
}

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static struct vector *
current(const struct reader *r)
{
	if (r->v->n == 0)
		complain(r, "this belongs to no vector");
	return &r->v->list[r->v->n - 1];
}

/* A vector is whole when the next one begins, or the file ends. */
static void
finish(struct reader *r)
{
	struct vector *vec = r->v->n > 0 ? current(r) : NULL;

	if (vec == NULL || vec->bytes != NULL)
		return;
	if (vec->verdict == VECTOR_OPEN)
		complain(r, "the vector before this line has no verdict");
	vec->bytes = must(malloc(r->len > 0 ? r->len : 1));
	memcpy(vec->bytes, r->bytes, r->len);
	vec->len = r->len;
	r->len = 0;
	r->in_verdict = false;
}

static void
begin(struct reader *r, const char *title)
{
	const char *name = strrchr(r->file, '/');
	char where[128];

	finish(r);
	r->v->list = must(realloc(r->v->list, (r->v->n + 1) * sizeof(r->v->list[0])));
	snprintf(where, sizeof(where), "%s:%d", name != NULL ? name + 1 : r->file, r->line);
	r->v->list[r->v->n++] = (struct vector) { .where = must(strdup(where)), .title = must(strdup(title)) };
}

static void
read_hex(struct reader *r, const char *text)
{
	unsigned byte;

	for (current(r); *text != '\0'; text += 2) {
		text += strspn(text, " \t");
		if (*text == '\0')
			return;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || r->len == sizeof(r->bytes))
			complain(r, "these are not hexadecimal bytes");
		sscanf(text, "%2x", &byte);
		r->bytes[r->len++] = (uint8_t)byte;
	}
}

/* Begins a verdict's text, or goes on with it. */
static void
append_expect(struct reader *r, const char *text)
{
	struct vector *vec = current(r);
	size_t old = vec->expect != NULL ? strlen(vec->expect) : 0;

	text += strspn(text, " \t");
	vec->expect = must(realloc(vec->expect, old + strlen(text) + 2));
	sprintf(vec->expect + old, "%s%s", old > 0 ? " " : "", text);
}

static void
begin_verdict(struct reader *r, enum vector_verdict verdict, const char *text)
{
	struct vector *vec = current(r);

	if (vec->verdict != VECTOR_OPEN)
		complain(r, "a second verdict");
	vec->verdict = verdict;
	append_expect(r, text);
	r->in_verdict = true;
}

static const char *
after(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

static void
read_line(struct reader *r, char *line)
{
	const char *text;
	size_t n;

	line[strcspn(line, "#\n")] = '\0';
	for (n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]); n--)
		line[n - 1] = '\0';
	if (n == 0)
		return;
	if ((text = after(line, "vector")) != NULL)
		begin(r, text);
	else if ((text = after(line, "decodes")) != NULL)
		begin_verdict(r, VECTOR_DECODES, text);
	else if ((text = after(line, "reads")) != NULL)
		begin_verdict(r, VECTOR_READS, text);
	else if ((text = after(line, "error")) != NULL)
		begin_verdict(r, VECTOR_ERROR, text);
	else if (!isblank((unsigned char)line[0]))
		complain(r, "this is no word of a vector file");
	else if (r->in_verdict)
		append_expect(r, line);
	else
		read_hex(r, line);
}

static void
read_file(struct vectors *v, const char *path)
{
	static struct reader r;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	r = (struct reader) { .v = v, .file = path };
	for (r.line = 1; getline(&line, &cap, f) >= 0; r.line++)
		read_line(&r, line);
	finish(&r);
	free(line);
	fclose(f);
}

void
vectors_load(struct vectors *v, const char *dir)
{
	char pattern[1024];
	glob_t files;

	*v = (struct vectors) { 0 };
	snprintf(pattern, sizeof(pattern), "%s/*.txt", dir);
	if (glob(pattern, 0, NULL, &files) != 0) {
		fprintf(stderr, "%s: there are no vectors\n", pattern);
		exit(1);
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		read_file(v, files.gl_pathv[i]);
	globfree(&files);
}

void
vectors_free(struct vectors *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->list[i].where);
		free(v->list[i].title);
		free(v->list[i].bytes);
		free(v->list[i].expect);
	}
	free(v->list);
	*v = (struct vectors) { 0 };
}
