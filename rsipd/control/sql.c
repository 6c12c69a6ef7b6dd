#include "sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "sql_impl.h"

const char *
sql_error(const struct sql *sql)
{
	return sqlite3_errmsg(sql->db);
}

bool
sql_exec(struct sql *sql, const char *text)
{
	return sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

void
sql_close(struct sql *sql)
{
	if (sql == NULL)
		return;
	for (size_t i = 0; i < sql->n_statements; i++)
		sqlite3_finalize(sql->statements[i].stmt);
	sqlite3_close(sql->db);
	if (sql->lock_fd >= 0)
		close(sql->lock_fd);
	free(sql->path);
	free(sql);
}

/* --- statements --- */

/* The statement, prepared. A text that cannot be prepared is a defect, or a database that lost its tables. */
static struct sql_rows *
prepared(struct sql *sql, const char *text)
{
	struct sql_rows *s;

	for (size_t i = 0; i < sql->n_statements; i++) {
		if (sql->statements[i].text == text)
			return &sql->statements[i];
	}
	if (sql->n_statements == STATEMENTS_MAX)
		log_fatal("store", "more than %d statements", STATEMENTS_MAX);
	s = &sql->statements[sql->n_statements];
	if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) != SQLITE_OK) {
		log_error("store", "cannot prepare statement=\"%s\" error=\"%s\"", text, sql_error(sql));
		return NULL;
	}
	s->sql = sql;
	s->text = text;
	sql->n_statements++;
	return s;
}

/* keep: what SQLite is to do with texts and blobs, SQLITE_STATIC when they outlive the step. */
static void
bind_all(sqlite3_stmt *stmt, const char *types, sqlite3_destructor_type keep, va_list ap)
{
	for (int i = 0; types[i] != '\0'; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		} else if (types[i] == 't') {
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, keep);
		} else if (types[i] == 'b') {
			const void *bytes = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);
			sqlite3_bind_blob64(stmt, i + 1, bytes, len, keep);
		} else {
			sqlite3_bind_null(stmt, i + 1);
		}
	}
}

#define FULL "the disk is full: make room on it"
#define READ_ONLY "the file or its file system is read-only: make it writable"

static const char *
io_advice(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT: return FULL;
	case EROFS: return READ_ONLY;
	default: return "the disk fails: dmesg may tell why";
	}
}

const char *
sql_advice(const struct sql *sql)
{
	switch (sqlite3_errcode(sql->db)) {
	case SQLITE_FULL: return FULL;
	case SQLITE_READONLY: return READ_ONLY;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR: return io_advice(sqlite3_system_errno(sql->db));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return "the file is damaged: stop rsipd and see RECOVERY in rsipd(8)";
	case SQLITE_BUSY: return "another program keeps it locked: end that one, fuser tells which it is";
	default: return "see RECOVERY in rsipd(8)";
	}
}

static void
fail(struct sql *sql, const char *what)
{
	if (!sql->failed)
		log_error("store", "cannot write the lease database path=\"%s\" error=\"%s\" what_to_do=\"%s\" statement=\"%.40s\"",
		          sql->path, sql_error(sql), sql_advice(sql), what);
	sql->failed = true;
}

static bool
begin(struct sql *sql)
{
	if (!sql->in_transaction && !sql->failed) {
		if (sql_exec(sql, "BEGIN IMMEDIATE"))
			sql->in_transaction = true;
		else
			fail(sql, "BEGIN");
	}
	return !sql->failed;
}

void
sql_run(struct sql *sql, const char *statement, const char *types, ...)
{
	struct sql_rows *s;
	va_list ap;

	if (!begin(sql))
		return;
	s = prepared(sql, statement);
	if (s == NULL) {
		sql->failed = true;
		return;
	}
	va_start(ap, types);
	bind_all(s->stmt, types, SQLITE_STATIC, ap);
	va_end(ap);
	if (sqlite3_step(s->stmt) != SQLITE_DONE)
		fail(sql, statement);
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
}

bool
sql_changing(const struct sql *sql)
{
	return sql->in_transaction;
}

bool
sql_failed(const struct sql *sql)
{
	return sql->failed;
}

bool
sql_commit(struct sql *sql)
{
	if (!sql->in_transaction && !sql->failed)
		return true;
	if (!sql->failed && !sql_exec(sql, "COMMIT"))
		fail(sql, "COMMIT");
	bool ok = !sql->failed;
	if (!ok && !sqlite3_get_autocommit(sql->db)) /* some failures have rolled back already */
		sql_exec(sql, "ROLLBACK");
	sql->in_transaction = sql->failed = false;
	return ok;
}

/* --- queries --- */

struct sql_rows *
sql_query(struct sql *sql, const char *statement, const char *types, ...)
{
	static struct sql_rows broken = { .rc = SQLITE_ERROR };
	struct sql_rows *rows = prepared(sql, statement);
	va_list ap;

	if (rows == NULL)
		return &broken;
	va_start(ap, types);
	bind_all(rows->stmt, types, SQLITE_TRANSIENT, ap);
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
