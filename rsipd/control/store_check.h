/* The database as it stands beside memory, for `rsipctl check`. What the present transaction has not committed yet counts
 * as written, as it does in memory. */
#ifndef RSIPD_STORE_CHECK_H
#define RSIPD_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Whether the rows say what memory does; else false, with the difference in words that follow the object's name. */
bool store_check_session(struct store *st, const struct session *s, char *why, size_t why_size);
bool store_check_binding(struct store *st, const struct binding *b, char *why, size_t why_size);
bool store_check_history(struct store *st, const struct binding *b, char *why, size_t why_size); /* it is not in it */
bool store_check_hold(struct store *st, const struct hold *hold, char *why, size_t why_size);

/* The tables of one row: the clocks, the highest bind ID. */
bool store_check_single(struct store *st, char *why, size_t why_size);

enum store_table {
	STORE_REGISTRATIONS, /* client IDs */
	STORE_BINDINGS,      /* bind IDs, as in the next */
	STORE_TUPLES,
	STORE_HOLDS, /* store_next_holds */
	STORE_TABLES
};

/* The IDs of the next rows behind after, ascending and each once. Less than max: those are the last. */
size_t store_next_ids(struct store *st, enum store_table table, int64_t after, int64_t *ids, size_t max);

/* The same for the quarantine: *at, zero to begin with, is the row looked at last. readable: tuple holds. */
struct store_hold_row {
	char local[16], kind[16];
	int64_t first;
	bool readable;
	struct tuple tuple;
};
typedef void store_hold_row_cb(const struct store_hold_row *row, void *arg);
size_t store_next_holds(struct store *st, struct store_hold_row *at, size_t max, store_hold_row_cb *cb, void *arg);

#endif
