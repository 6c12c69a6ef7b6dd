/* Keeps the write-ahead log of struct sql short, with a thread and a connection of its own. For whoever has the
 * database. */
#ifndef RSIPD_SQL_LOG_H
#define RSIPD_SQL_LOG_H

#include <sqlite3.h>
#include <stdbool.h>

struct sql_thread;

/* All 0: not started, and SQLite copies the log into the database by itself, in a commit. */
struct sql_log {
	int pages;  /* in the log, after the latest commit */
	int rounds; /* of the thread since the log began anew */
	struct sql_thread *copier; /* or NULL */

	/* The thread's while it works. */
	sqlite3 *db;
	int copied; /* pages of the log that are in the database */
};

/* False, with errno; sql_log_stop all the same. */
bool sql_log_start(struct sql_log *log, sqlite3 *db, const char *path);
void sql_log_stop(struct sql_log *log); /* before db is closed */
void sql_log_mind(struct sql_log *log, sqlite3 *db); /* between two transactions */

#endif
