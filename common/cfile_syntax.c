#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfile_impl.h"
#include "log.h"
#include "mem.h"

/* libconfuse does the syntax; every value passes through take_value, the only place that still knows its line. All
 * options are declared as libconfuse "pointers", so that it converts nothing and stops at no value: conversion comes
 * later and tells all faults at once.
 *
 * libconfuse takes the end of the file for the end of whatever is open. So an option of our own stands behind the text:
 * where it turns up tells whether all was closed. */
#define SYNTAX_HINT "write NAME = VALUE, NAME = { VALUE, VALUE }, or SECTION { ... }"

/* The reading under way: libconfuse hands its callbacks no argument. */
static struct {
	struct cfile *file;
	const char *text;
	cfg_t *root;
	struct cfile_section *open; /* the section being read; NULL outside, and inside until its first value */
} reading;

static const struct cfile_kind *
kind_of(const struct cfile *file, const char *name)
{
	for (const struct cfile_kind *kind = file->kinds; kind->name != NULL; kind++) {
		if (strcmp(kind->name, name) == 0)
			return kind;
	}
	return NULL;
}

static const struct cfile_option *
option_of(const struct cfile_kind *kind, const char *name)
{
	for (const struct cfile_option *option = kind->options; option->name != NULL; option++) {
		if (strcmp(option->name, name) == 0)
			return option;
	}
	return NULL;
}

/* The section that libconfuse is in. While it reads a section, the root's line stays where the section began. */
static struct cfile_section *
section_current(cfg_t *cfg)
{
	if (cfg == reading.root)
		return reading.file->sections;
	if (reading.open == NULL)
		reading.open = cfile_section_add(reading.file, kind_of(reading.file, cfg_name(cfg)), cfg_title(cfg),
		                                 reading.root->line);
	return reading.open;
}

/* "gateway, pool, policy" */
static const char *
names_of_options(const struct cfile_kind *kind, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const struct cfile_option *o = kind->options; o->name != NULL && n < cap; o++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", n > 0 ? ", " : "", o->name);
	return buf;
}

static const char *
names_at_top(const struct cfile *file, char *buf, size_t cap)
{
	size_t n = 0;

	names_of_options(file->kinds, buf, cap);
	n = strlen(buf);
	for (const struct cfile_kind *k = file->kinds + 1; k->name != NULL && n < cap; k++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%s%s", n > 0 ? ", " : "", k->name,
		                      k->use == CFILE_ONCE ? " { }" : " NAME { }");
	return buf;
}

static void
unknown_option(cfg_t *cfg, const char *name)
{
	char names[512];

	if (cfg == reading.root)
		cfile_error(reading.file, cfg->line, "unknown option or section \"%s\"; allowed here: %s", name,
		          names_at_top(reading.file, names, sizeof(names)));
	else
		cfile_error(reading.file, cfg->line, "unknown option \"%s\" in section %s; allowed there: %s", name, cfg_name(cfg),
		          names_of_options(kind_of(reading.file, cfg_name(cfg)), names, sizeof(names)));
}

/* libconfuse calls this for each value, in a list for each member. */
static int
take_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct cfile_section *section = section_current(cfg);
	const struct cfile_option *option = option_of(section->kind, cfg_opt_name(opt));

	*(void **)result = NULL;
	cfg->flags &= ~CFGF_IGNORE_UNKNOWN; /* see fault */
	if (option == NULL) {               /* "gateway|state" = ... reaches into another section */
		unknown_option(cfg, cfg_opt_name(opt));
		return 0;
	}
	const struct cfile_value *first = cfile_values(section, option->name);
	/* An assignment to a list that has values empties it: its first member comes while libconfuse counts one. */
	if (first != NULL && (!option->list || cfg_opt_size(opt) == 1))
		cfile_error(reading.file, cfg->line, "%s is set again; once is allowed, the first is at line %d", option->name,
		            first->line);
	cfile_value_add(section, option, text, cfg->line);
	return 0;
}

/* Whether the line has "name =": of unknown things only options are skipped, since libconfuse loses its way in
 * sections. */
static bool
is_assignment(int line, const char *name)
{
	const char *at = reading.text;

	while (--line > 0 && (at = strchr(at, '\n')) != NULL)
		at++;
	if (at == NULL || (at = strstr(at, name)) == NULL)
		return false;
	at += strlen(name);
	at += strspn(at, "\"' \t");
	return *at == '=' || strncmp(at, "+=", 2) == 0;
}

/* An empty list would read like one that is left out, which may mean the very opposite: "any" of an allow-list. libconfuse
 * has a flag for it, and no callback. */
static void
refuse_empty_lists(cfg_t *cfg)
{
	for (cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
		const int empty = CFGF_LIST | CFGF_MODIFIED;
		int line = cfg->line;

		if ((opt->flags & empty) != empty || cfg_opt_size(opt) > 0)
			continue;
		while (line > 1 && !is_assignment(line, opt->name))
			line--;
		cfile_error(reading.file, line, "%s is an empty list; give it a value or leave it out", opt->name);
	}
}

/* The end of a section; one without values shows up only here. */
static int
close_section(cfg_t *root, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);

	if (reading.open == NULL && n > 0)
		section_current(cfg_opt_getnsec(opt, n - 1));
	if (n > 0)
		refuse_empty_lists(cfg_opt_getnsec(opt, n - 1));
	reading.open = NULL;
	root->flags &= ~CFGF_IGNORE_UNKNOWN;
	return 0;
}

static int
take_end(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	(void)text;
	*(void **)result = NULL;
	if (cfg->line <= reading.file->last_line)
		unknown_option(cfg, cfg_opt_name(opt));
	return 0;
}

/* libconfuse found a fault. It would stop at an unknown option; from here it can still be told to skip this one, by
 * the flag that it looks at next and that the next known option takes back. */
static void __attribute__((format(printf, 2, 0)))
fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	const struct cfile *file = reading.file;
	int line = cfg->line < file->last_line ? cfg->line : file->last_line;
	char text[512];

	if (strstr(fmt, "no such option") != NULL) {
		const char *name = va_arg(ap, const char *);

		if (strcmp(name, CFILE_END_OPTION) == 0 && cfg->line > file->last_line) {
			cfile_error(file, line, "section %s, begun at line %d, is not closed; add }", cfg_name(cfg), reading.root->line);
			return;
		}
		unknown_option(cfg, name);
		if (is_assignment(cfg->line, name))
			cfg->flags |= CFGF_IGNORE_UNKNOWN;
	} else if (strstr(fmt, "premature end of file") != NULL || strstr(fmt, "unterminated string") != NULL) {
		cfile_error(file, line, "the file ends inside of a string; close it with a quote");
	} else {
		vsnprintf(text, sizeof(text), fmt, ap);
		cfile_error(file, line, "syntax: %s; " SYNTAX_HINT, text);
	}
}

/* Our tables in libconfuse's form. The caller frees the result with options_free. */
static cfg_opt_t *
options_make(const struct cfile_option *options, size_t room_behind)
{
	size_t n = 0;

	while (options[n].name != NULL)
		n++;
	cfg_opt_t *opts = mem_zero(n + room_behind + 1, sizeof(*opts));
	for (size_t i = 0; i < n; i++) {
		opts[i].name = options[i].name;
		opts[i].type = CFGT_PTR;
		opts[i].flags = options[i].list ? CFGF_LIST : CFGF_NONE;
		opts[i].parsecb = take_value;
	}
	return opts;
}

static cfg_opt_t *
kinds_make(const struct cfile_kind *kinds)
{
	size_t n = 0, at = 0;

	while (kinds[n].name != NULL)
		n++;
	cfg_opt_t *opts = options_make(kinds[0].options, n); /* room for the n - 1 sections and the end option */
	while (opts[at].name != NULL)
		at++;
	opts[at++] = (cfg_opt_t) { .name = CFILE_END_OPTION, .type = CFGT_PTR, .parsecb = take_end };
	for (const struct cfile_kind *k = kinds + 1; k->name != NULL; k++, at++) {
		opts[at].name = k->name;
		opts[at].type = CFGT_SEC;
		opts[at].flags = CFGF_MULTI | (k->use == CFILE_ONCE ? CFGF_NONE : CFGF_TITLE);
		opts[at].subopts = options_make(k->options, 0);
		opts[at].validcb = close_section;
	}
	return opts;
}

static void
kinds_free(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o->name != NULL; o++)
		free(o->subopts);
	free(opts);
}

bool
cfile_parse(struct cfile *file, const char *text)
{
	cfg_opt_t *opts = kinds_make(file->kinds);
	cfg_t *root = cfg_init(opts, CFGF_NONE);

	if (root == NULL)
		log_fatal("config", "out of memory");
	memset(&reading, 0, sizeof(reading));
	reading.file = file;
	reading.text = text;
	reading.root = root;
	cfg_set_error_function(root, fault);
	bool good = cfg_parse_buf(root, text) == CFG_SUCCESS;
	/* libconfuse stops without a word at an empty name. */
	if (!good && cfile_errors(file) == 0)
		cfile_error(file, root->line < file->last_line ? root->line : file->last_line,
		            "syntax: an option or section here has an empty name; " SYNTAX_HINT);
	if (good)
		refuse_empty_lists(root);
	cfg_free(root);
	kinds_free(opts);
	return good;
}
