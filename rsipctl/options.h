/* The command line: options, wherever they stand, and words. */
#ifndef RSIPCTL_OPTIONS_H
#define RSIPCTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "filter.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3 };

/* Sets of options that only some commands take. */
enum option_set {
	OPTIONS_FILTER = 1 << 0, /* --host, --address, --peer, --port, --spi, --cookie, --dropped, -c */
	OPTIONS_WRITE = 1 << 1,  /* -w */
	OPTIONS_LEASES = 1 << 2, /* --leases */
	OPTIONS_AT = 1 << 3,     /* --at */
};

struct options {
	bool help, version, json;
	bool unknown;       /* an option that there is not, or one without its argument */
	const char *socket; /* NULL: not given */
	unsigned sets;      /* enum option_set: those of which one was given */
	struct filter filter;
	uint64_t count;     /* -c; 0 = no end */
	const char *write;  /* -w; NULL: not given */
	const char *leases; /* --leases; NULL: not given */
	bool has_at;
	int64_t at;         /* --at; seconds since 1970 */
	char **words;       /* the command and its arguments */
	int n_words;
};

/* False after a line on standard error about what is wrong. */
bool options_read(struct options *o, int argc, char **argv);

void options_usage(FILE *out); /* a line for each */

#endif
