/* What the two halves of a config file's reading share: cfile.c keeps the sections and values, cfile_syntax.c fills
 * them in. Nobody else includes this. */
#ifndef RSIP_CFILE_IMPL_H
#define RSIP_CFILE_IMPL_H

#include "cfile.h"

/* Put behind the text, so that an end inside of a section shows; see cfile_syntax.c. */
#define CFILE_END_OPTION "end-of-file"

struct cfile_setting {
	struct cfile_setting *next;
	const char *name;
	struct cfile_value *first, **tail;
};

struct cfile_section {
	struct cfile_section *next;
	const struct cfile *file;
	const struct cfile_kind *kind;
	char *title;
	int line;
	struct cfile_setting *settings;
};

struct cfile {
	char *path;
	cfile_report *report;
	void *arg;
	const struct cfile_kind *kinds;
	struct cfile_section *sections, **tail;
	int last_line;
	unsigned *errors; /* apart, so that readers of a const file can count */
};

struct cfile_section *cfile_section_add(struct cfile *file, const struct cfile_kind *kind, const char *title, int line);
void cfile_value_add(struct cfile_section *section, const struct cfile_option *option, const char *text, int line);

/* Reads the text, which has no comments and ends with the end option, into the file's sections. Returns false, after a
 * report, when the syntax ended the reading. */
bool cfile_parse(struct cfile *file, const char *text);

#endif
