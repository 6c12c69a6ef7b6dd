/* Whether SQLite will find in a write-ahead log all that was committed to it. SQLite itself reads such a log up to the
 * first damage and takes that for its end, in silence. */
#ifndef RSIPD_WAL_CHECK_H
#define RSIPD_WAL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wal_state {
	bool present;      /* there is a log with something in it */
	bool damaged;
	uint64_t sound;    /* bytes before the damage */
	unsigned lost;     /* commits behind it that are whole */
};

/* Looks at the log beside a database, before that is opened. What a loss of power leaves, a torn end, is no damage.
 * False, with errno, when the log cannot be read. */
bool wal_check(const char *db_path, struct wal_state *state);

#endif
