#include "script.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include "mem.h"

enum { LINE_MAX_LEN = 1200, CONF_MAX = 65536 };

struct reader {
	const char *file;
	FILE *in;
	int line;
};

static noreturn void
fault(const struct reader *r, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", r->file, r->line, what);
	exit(1);
}

/* Adds the next line of the file to text. False at the end of the file. */
static bool
read_more(struct reader *r, char *text)
{
	size_t len = strlen(text);

	if (fgets(text + len, (int)(LINE_MAX_LEN - len), r->in) == NULL)
		return false;
	r->line++;
	len = strlen(text);
	if (len == LINE_MAX_LEN - 1)
		fault(r, "too long");
	text[len - (text[len - 1] == '\n')] = '\0';
	return true;
}

static bool
next_goes_on(struct reader *r)
{
	int c = getc(r->in);

	ungetc(c, r->in);
	return c == ' ' || c == '\t';
}

static void
strip(char *text)
{
	text[strcspn(text, "#")] = '\0';
	for (size_t n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'); n--)
		text[n - 1] = '\0';
}

/* A line, and those after it that begin with a blank. False at the end of the file. */
static bool
next_line(struct reader *r, char *text)
{
	text[0] = '\0';
	if (!read_more(r, text))
		return false;
	while (next_goes_on(r))
		read_more(r, text);
	strip(text);
	return true;
}

static const char *
read_conf(struct reader *r)
{
	char *conf = mem_zero(1, CONF_MAX), line[LINE_MAX_LEN] = "";

	for (; read_more(r, line) && strcmp(line, "--") != 0; line[0] = '\0') {
		if (strlen(conf) + strlen(line) + 2 > CONF_MAX)
			fault(r, "too long a configuration");
		strcat(conf, line);
		strcat(conf, "\n");
	}
	return conf;
}

static struct conversation *
begin(struct script *s, const struct reader *r, const char *conf, const char *title)
{
	struct conversation *c;

	s->list = mem_grow(s->list, s->n + 1, sizeof(*s->list));
	c = &s->list[s->n++];
	memset(c, 0, sizeof(*c));
	c->file = r->file;
	c->conf = conf;
	c->title = mem_strdup(title);
	return c;
}

static void
add_line(struct conversation *c, int number, const char *text)
{
	c->lines = mem_grow(c->lines, c->n_lines + 1, sizeof(*c->lines));
	c->lines[c->n_lines++] = (struct script_line){ number, mem_strdup(text) };
}

static void
read_file(struct script *s, const char *dir, const char *name)
{
	struct reader r = { .file = mem_strdup(name) };
	struct conversation *c = NULL;
	char path[400], text[LINE_MAX_LEN];
	const char *conf;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((r.in = fopen(path, "r")) == NULL)
		fault(&r, "cannot be opened");
	conf = read_conf(&r);
	while (next_line(&r, text)) {
		if (strncmp(text, "== ", 3) == 0)
			c = begin(s, &r, conf, text + 3);
		else if (text[0] != '\0' && c == NULL)
			fault(&r, "no conversation yet");
		else if (text[0] != '\0')
			add_line(c, r.line, text);
	}
	fclose(r.in);
}

static int
is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

struct script
script_read(const char *dir)
{
	struct script s = { 0 };
	struct dirent **entries;
	int n = scandir(dir, &entries, is_script, alphasort);

	for (int i = 0; i < n; i++) {
		read_file(&s, dir, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return s;
}
