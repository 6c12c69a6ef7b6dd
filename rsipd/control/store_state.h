/* The inside of struct store, for store.c and store_read.c only. */
#ifndef RSIPD_STORE_STATE_H
#define RSIPD_STORE_STATE_H

#include <stddef.h>

#include "sql.h"

struct session;

struct store {
	struct sql *sql;
	struct session **unwritten; /* registrations that changed since the last commit */
	size_t n_unwritten, max_unwritten;
};

#endif
