/* Leases last as long as was said, whatever becomes of the wall clock.
 *
 * The times of leases in the database are seconds since 1970 by a clock that does not jump: CLOCK_BOOTTIME, put at the
 * right place by what the wall clock said when rsipd started. A wall clock that is set while rsipd runs changes
 * nothing. At the next start of rsipd, while the machine runs on, it changes the place: all rows are moved with it, so
 * that people read right times, and every lease has as long to go as it had.
 *
 * When the machine has started anew nothing but the wall clock tells how long it was away. A clock that says less than
 * at the latest commit is wrong: no time is taken to have passed then. One that is too far ahead cannot be told from a
 * long absence: leases end early, each as any that ends does, so that its host is told, has the hold-down to come back,
 * and nobody else is given it before. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "store_state.h"

#define JUMP_MS 1500 /* what is less is rounding, or the clock kept in step */

/* What a person may have written there does not fit into milliseconds, which no clock of ours has ever said. */
bool
store_time_ok(int64_t seconds)
{
	const int64_t max = INT64_MAX / 4000;

	return seconds >= -max && seconds <= max;
}

int64_t
store_time_of(const struct store *st, int64_t at)
{
	int64_t ms = at + st->zero_ms;

	return ms / 1000 + (ms % 1000 > 0);
}

int64_t
store_clock_of(const struct store *st, int64_t row)
{
	return row * 1000 - st->zero_ms;
}

/* All leases begin and end so much later. */
static void
move_rows(struct store *st, int64_t seconds)
{
	sql_run(st->sql, "UPDATE registration SET expires = expires + ?", "i", seconds);
	sql_run(st->sql, "UPDATE binding SET expires = expires + ?", "i", seconds);
	sql_run(st->sql, "UPDATE quarantine SET until = until + ?", "i", seconds);
	log_warn("store", "the wall clock has been set: leases are moved with it seconds=%lld", (long long)seconds);
}

static int64_t
whole_seconds(int64_t ms)
{
	return (ms + (ms < 0 ? -500 : 500)) / 1000;
}

/* The machine has run on: its own clock knows how much time has passed. */
static void
go_on(struct store *st, int64_t zero_ms)
{
	int64_t jump = clock_wall_ms() - clock_now() - zero_ms, seconds = whole_seconds(jump);

	st->zero_ms = zero_ms;
	if (llabs(jump) <= JUMP_MS)
		return;
	move_rows(st, seconds);
	st->zero_ms += seconds * 1000;
}

/* It has started anew. */
static void
start_anew(struct store *st, int64_t seen)
{
	int64_t back = clock_wall() - seen;

	st->zero_ms = clock_wall_ms() - clock_now();
	if (back >= 0)
		return;
	log_warn("store", "the wall clock is behind what it was at the latest commit: the time since then is not known and "
	         "taken for none seconds=%lld", (long long)-back);
	move_rows(st, back);
}

bool
store_clock_begin(struct store *st)
{
	struct sql_rows *rows = sql_query(st->sql, "SELECT boot, zero_ms, seen FROM run", "");
	char boot[CLOCK_BOOT_LEN];
	bool known = sql_next(rows);
	const char *was = known ? sql_text(rows, 0) : NULL;
	int64_t zero_ms = known ? sql_int(rows, 1) : 0, seen = known ? sql_int(rows, 2) : 0;
	bool sane = store_time_ok(zero_ms / 1000) && store_time_ok(seen);
	bool same = sane && was != NULL && was[0] != '\0' && strcmp(clock_boot(boot), was) == 0;

	if (!sql_end(rows))
		return false;
	if (same)
		go_on(st, zero_ms);
	else
		start_anew(st, sane ? seen : 0);
	st->seen = store_time_of(st, clock_now());
	sql_run(st->sql, "DELETE FROM run", "");
	sql_run(st->sql, "INSERT INTO run (boot, zero_ms, seen) VALUES (?, ?, ?)", "tii", clock_boot(boot), st->zero_ms,
	        st->seen);
	return sql_commit(st->sql);
}

void
store_clock_tick(struct store *st)
{
	int64_t now = store_time_of(st, clock_now());

	if (now == st->seen)
		return;
	st->seen = now;
	sql_run(st->sql, "UPDATE run SET seen = ?", "i", now);
}
