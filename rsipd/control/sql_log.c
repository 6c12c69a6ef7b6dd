/* The write-ahead log is copied into the database when it is long: by a thread of its own, beside the commits, for it
 * takes many times as long as one of them. What these add meanwhile is copied by another round, or once it is little
 * between two commits, so that the log begins anew. Where a copy fails the log goes on growing, and all that is in it
 * stays durable. */
#include "sql_log.h"

#include <errno.h>
#include <stddef.h>

#include "sql_thread.h"

#define LONG 4000    /* pages */
#define LITTLE 400   /* pages: some milliseconds */
#define ROUNDS_MAX 4 /* of the thread, where changes come as fast as it copies */

/* Nothing waits for it, and it waits for no one: it copies as far as no reader needs what was there before. */
static void
copy(void *arg)
{
	struct sql_log *log = arg;

	sqlite3_wal_checkpoint_v2(log->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &log->copied);
}

/* In place of SQLite's own, which would copy now and here. */
static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sql_log *log = arg;

	(void)db;
	(void)name;
	log->pages = pages;
	return SQLITE_OK;
}

/* The log is looked for by whoever reads first. */
static bool
open_db(struct sql_log *log, const char *path)
{
	return sqlite3_open_v2(path, &log->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	       sqlite3_exec(log->db, "PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) ==
	           SQLITE_OK;
}

bool
sql_log_start(struct sql_log *log, sqlite3 *db, const char *path)
{
	if (!open_db(log, path)) {
		errno = sqlite3_system_errno(log->db) != 0 ? sqlite3_system_errno(log->db) : EIO;
		return false;
	}
	log->copier = sql_thread_start(copy, log);
	if (log->copier == NULL)
		return false;
	sqlite3_wal_hook(db, on_commit, log);
	return true;
}

void
sql_log_stop(struct sql_log *log)
{
	sql_thread_stop(log->copier);
	sqlite3_close(log->db);
}

void
sql_log_mind(struct sql_log *log, sqlite3 *db)
{
	if (log->copier == NULL || log->pages < LONG || !sql_thread_idle(log->copier))
		return;
	if (log->rounds < ROUNDS_MAX && (log->rounds == 0 || log->pages - log->copied > LITTLE)) {
		log->rounds++;
		sql_thread_give(log->copier);
		return;
	}
	log->rounds = 0;
	sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
