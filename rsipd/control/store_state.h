/* The inside of struct store, for store.c, store_clock.c and store_read.c only. */
#ifndef RSIPD_STORE_STATE_H
#define RSIPD_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sql.h"

struct session;

struct store {
	struct sql *sql;
	struct session **unwritten; /* registrations that changed since the last commit */
	size_t n_unwritten, max_unwritten;
	int64_t zero_ms; /* what the rows' times go by: schema.sql, table run */
	int64_t seen;    /* as written */
};

/* store_clock.c. Before anything is read: on which clock the rows' times are, moved onto ours where that is needed. False
 * when the database cannot be read or written. */
bool store_clock_begin(struct store *st);
void store_clock_tick(struct store *st); /* in a transaction that is to be committed */
int64_t store_time_of(const struct store *st, int64_t at);  /* of clock_now: in the rows, rounded up */
int64_t store_clock_of(const struct store *st, int64_t row); /* the other way */

#endif
