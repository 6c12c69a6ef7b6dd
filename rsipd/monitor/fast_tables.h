/* The tables of the XDP programs in the hands of the monitor: those that an earlier rsipd has left, or new ones. */
#ifndef RSIPD_FAST_TABLES_H
#define RSIPD_FAST_TABLES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "xdp_tables.h"

struct conf;

struct fast_tables {
	char home[PATH_MAX], dir[PATH_MAX]; /* of all pins of ours; of these tables' */
	int fd[XDP_MAP_COUNT];
	bool ready; /* xdp holds */
	struct xdp_tables xdp;
};

/* Takes over pinned tables of the sizes that conf asks for, or makes and pins new ones; that loads the programs, so it
 * proves that the kernel takes them. False with a sentence in why; to be closed all the same. */
bool fast_tables_open(struct fast_tables *f, const struct conf *conf, char *why, size_t size);

/* The pins stay. Accepts what is all zero. */
void fast_tables_close(struct fast_tables *f);

/* Takes away the pins of all tables but these; of these, too, where all is set. */
void fast_tables_unpin(const struct fast_tables *f, bool all);

#endif
