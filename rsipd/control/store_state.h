/* The inside of struct store, for store*.c only. */
#ifndef RSIPD_STORE_STATE_H
#define RSIPD_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "sql.h"

struct session;

/* The table of answers as a ring: whose each row is, by its number. */
struct answers {
	struct session **of;  /* NULL: of nobody any more */
	size_t room;          /* a power of two, or 0 */
	uint64_t first, next; /* rows that there are, and the number of the next */
	size_t live;          /* rows that count: one a host */
};

struct store {
	struct sql *sql;
	struct session **unwritten; /* registrations that changed since the last commit */
	size_t n_unwritten, max_unwritten;
	int64_t zero_ms; /* what the rows' times go by: schema.sql, table run */
	int64_t seen;    /* as written */
	struct answers answers;
	uint32_t last_bind_id, stored_bind_id;
};

/* store_answers.c. Writes the session's latest answer, and moves on those that stand in the way of removing old rows: as many
 * at most as keep the work of a commit in proportion to what is new in it. */
void answers_write(struct store *st, struct session *s);
void answers_forget(struct answers *a, struct session *s);
/* Row seq, read from the file, is the session's latest so far. False when seq is no number of a row. */
bool answers_restore(struct answers *a, struct session *s, int64_t seq);
void answers_clear(struct answers *a); /* frees what it holds; it is as new */

/* store_read.c. False when there is no address in that column. */
bool store_addr_column(struct sql_rows *rows, int column, ip4_t *out);

/* store_clock.c. Before anything is read: on which clock the rows' times are, moved onto ours where that is needed. False
 * when the database cannot be read or written. */
bool store_clock_begin(struct store *st);
void store_clock_tick(struct store *st); /* in a transaction that is to be committed */
bool store_time_ok(int64_t seconds); /* a time that a row may have */
int64_t store_time_of(const struct store *st, int64_t at);  /* of clock_now: in the rows, rounded up */
int64_t store_clock_of(const struct store *st, int64_t row); /* the other way */

#endif
