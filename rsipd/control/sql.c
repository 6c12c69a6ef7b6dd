#include "sql.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "sql_impl.h"
#include "sql_thread.h"

const char *
sql_error(const struct sql *sql)
{
	return sqlite3_errmsg(sql->db);
}

void
sql_close(struct sql *sql)
{
	if (sql == NULL)
		return;
	sql_thread_stop(sql->thread);
	sql_log_stop(&sql->log);
	for (size_t i = 0; i < sql->n_statements; i++)
		sqlite3_finalize(sql->statements[i].stmt);
	sqlite3_close(sql->db);
	if (sql->lock_fd >= 0)
		close(sql->lock_fd);
	sql_group_free(&sql->noted);
	sql_group_free(&sql->given);
	free(sql->path);
	free(sql);
}

/* --- changes --- */

void
sql_run(struct sql *sql, const char *statement, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	sql_group_add(&sql->noted, statement, types, ap);
	va_end(ap);
}

/* Also when a query has had changes carried out and they failed, be it at the BEGIN: then the commit is to say so. */
bool
sql_changing(const struct sql *sql)
{
	return sql->noted.len > 0 || (!sql->begun && (sql->in_transaction || sql->failure.happened));
}

static void
log_failure(struct sql *sql)
{
	struct sql_failure *f = &sql->failure;

	if (f->happened && !f->logged)
		log_error("store", "cannot write the lease database path=\"%s\" error=\"%s\" what_to_do=\"%s\" statement=\"%s\"",
		          sql->path, f->error, f->advice, f->statement);
	f->logged = f->happened;
}

/* The owner has the database from here on, until it begins a commit. Of a transaction that failed nothing more is done. */
static void
take(struct sql *sql)
{
	if (sql->begun)
		sql_thread_wait(sql->thread);
	sql_carry_out(sql, &sql->noted);
	log_failure(sql);
}

/* All is known of the transaction: the next may begin. */
static bool
conclude(struct sql *sql, bool committed)
{
	log_failure(sql);
	sql->failure = (struct sql_failure){ 0 };
	return committed;
}

bool
sql_commit(struct sql *sql)
{
	take(sql);
	return conclude(sql, sql_finish(sql));
}

/* --- the thread --- */

static void
work(void *arg)
{
	struct sql *sql = arg;

	if (!sql->in_transaction)
		sql_log_mind(&sql->log, sql->db);
	sql_carry_out(sql, &sql->given);
	sql->committed = sql_finish(sql);
}

int
sql_start(struct sql *sql)
{
	if (!sql_log_start(&sql->log, sql->db, sql->path))
		return -1;
	sql->thread = sql_thread_start(work, sql);
	return sql->thread != NULL ? sql_thread_fd(sql->thread) : -1;
}

void
sql_commit_begin(struct sql *sql)
{
	struct sql_group given = sql->noted;

	sql->noted = sql->given;
	sql->given = given;
	sql->begun = true;
	sql_thread_give(sql->thread);
}

/* What was carried out meanwhile, for a query, is of the transaction that goes on, unless the one before it failed. */
bool
sql_commit_end(struct sql *sql)
{
	sql_thread_collect(sql->thread);
	sql->begun = false;
	if (sql->committed)
		return true;
	sql_group_empty(&sql->noted);
	return conclude(sql, false);
}

/* --- queries --- */

/* Texts are copied: they need not outlive the call. */
static void
bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	for (int i = 1; *types != '\0'; types++, i++) {
		if (*types == 'i')
			sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
		else
			sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
	}
}

struct sql_rows *
sql_query(struct sql *sql, const char *statement, const char *types, ...)
{
	static struct sql_rows broken = { .rc = SQLITE_ERROR };
	struct sql_rows *rows;
	va_list ap;

	take(sql);
	rows = sql_prepared(sql, statement);
	if (rows == NULL) {
		log_error("store", "cannot prepare statement=\"%s\" error=\"%s\"", statement, sql_error(sql));
		return &broken;
	}
	va_start(ap, types);
	bind_all(rows->stmt, types, ap);
	va_end(ap);
	rows->rc = SQLITE_ROW;
	return rows;
}

bool
sql_next(struct sql_rows *rows)
{
	if (rows->rc == SQLITE_ROW)
		rows->rc = sqlite3_step(rows->stmt);
	return rows->rc == SQLITE_ROW;
}

bool
sql_end(struct sql_rows *rows)
{
	bool ok = rows->rc == SQLITE_ROW || rows->rc == SQLITE_DONE;

	if (rows->stmt != NULL) {
		sqlite3_reset(rows->stmt);
		sqlite3_clear_bindings(rows->stmt);
	}
	return ok;
}

int64_t
sql_int(struct sql_rows *rows, int column)
{
	return sqlite3_column_int64(rows->stmt, column);
}

const char *
sql_text(struct sql_rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->stmt, column);
}

const void *
sql_blob(struct sql_rows *rows, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(rows->stmt, column);

	*len = (size_t)sqlite3_column_bytes(rows->stmt, column);
	return bytes;
}
