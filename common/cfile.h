/* Config files: a file in libconfuse syntax, read into sections of options whose values are still text, each with the
 * line it stands on. What the text means is read out of it by cfile_get.h; both report faults by cfile_error, so that
 * one run tells all that is wrong with a file. */
#ifndef RSIP_CFILE_H
#define RSIP_CFILE_H

#include <stdbool.h>
#include <stddef.h>

/* What a file may hold, as tables that end with a NULL name. */
struct cfile_option { const char *name; bool list; };
enum cfile_use {
	CFILE_ONCE,  /* log { ... } */
	CFILE_NAMED, /* pool "name" { ... }, any number of them, each with a name of its own */
	CFILE_KEYED, /* host "10.0.0.0/24" { ... }, any number; whether two titles mean the same is the reader's to know */
};
struct cfile_kind {
	const char *name; /* of the section; "" = the options outside of all sections, always the first of the table */
	enum cfile_use use;
	const struct cfile_option *options;
};

struct cfile_value {
	const struct cfile_value *next; /* of a list; NULL behind the last */
	const char *text;
	int line;
};

struct cfile;
struct cfile_section;

/* One fault: "FILE:LINE: what is wrong; what is allowed". */
typedef void cfile_report(const char *line, void *arg);

/* Reads the file behind fd from its start, whatever its offset; fd stays open and is not moved. path is for messages
 * and is copied. Returns NULL when the file cannot be read or its syntax ends the reading; both were reported. Else
 * the caller looks at cfile_errors: unknown and doubled options are told, and the rest is there to be checked.
 * The caller frees with cfile_free. Not reentrant: libconfuse's lexer is global. */
struct cfile *cfile_read(int fd, const char *path, const struct cfile_kind *kinds, cfile_report *report, void *arg);
void cfile_free(struct cfile *file);

/* Reports a fault and counts it. */
void cfile_error(const struct cfile *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
unsigned cfile_errors(const struct cfile *file);

/* The section of that kind behind `after`, in the order of the file; NULL starts, and NULL is returned at the end. The
 * section named "" is always there. */
const struct cfile_section *cfile_section_next(const struct cfile *file, const char *kind,
                                           const struct cfile_section *after);
const char *cfile_section_kind(const struct cfile_section *section);
const char *cfile_section_title(const struct cfile_section *section); /* "" when it has none */
int cfile_section_line(const struct cfile_section *section);          /* where it starts */
const struct cfile *cfile_section_file(const struct cfile_section *section);
int cfile_last_line(const struct cfile *file);

/* The option's first value, or NULL when the section does not set it. Pointers live as long as the file. */
const struct cfile_value *cfile_values(const struct cfile_section *section, const char *option);
size_t cfile_values_count(const struct cfile_value *first);

#endif
