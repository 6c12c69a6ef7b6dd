#include "sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define STATEMENTS_MAX 64

struct sql_rows {
	struct sql *sql;
	const char *text;
	sqlite3_stmt *stmt;
	int rc;
};

struct sql {
	sqlite3 *db;
	int lock_fd; /* keeps a second writer out; closed last, as closing it drops SQLite's own locks on the file */
	bool in_transaction, failed;
	struct sql_rows statements[STATEMENTS_MAX];
	size_t n_statements;
};

const char *
sql_error(const struct sql *sql)
{
	return sqlite3_errmsg(sql->db);
}

/* --- opening --- */

static bool __attribute__((format(printf, 3, 4)))
explain(char *why, size_t why_size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, why_size, fmt, ap);
	va_end(ap);
	return false;
}

/* A lock of our own beside SQLite's: its exclusive mode would keep readers out as well. */
static bool
lock_file(struct sql *sql, const char *path, const char *program, char *why, size_t why_size)
{
	sql->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (sql->lock_fd < 0)
		return explain(why, why_size, "cannot open the lease database %s: %s", path, strerror(errno));
	if (flock(sql->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return explain(why, why_size, "the lease database %s is in use by another %s", path, program);
	return true;
}

static bool
exec(struct sql *sql, const char *text)
{
	return sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* The one number that a statement answers, or -1. */
static int64_t
number(struct sql *sql, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(sql->db, text, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

/* "ok", or the first damage found. */
static bool
is_sound(struct sql *sql, const char *path, char *why, size_t why_size)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = false;

	if (sqlite3_prepare_v2(sql->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
		ok = verdict != NULL && strcmp(verdict, "ok") == 0;
		if (!ok)
			explain(why, why_size, "the lease database %s is damaged (%s): restore a copy, or move it away "
			        "and lose the leases in it", path, verdict != NULL ? verdict : "?");
	} else {
		explain(why, why_size, "cannot read the lease database %s: %s", path, sql_error(sql));
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool
make_schema(struct sql *sql, const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	char marks[100];

	snprintf(marks, sizeof(marks), "PRAGMA application_id = %u; PRAGMA user_version = %d;", schema->application,
	         schema->version);
	if (exec(sql, "BEGIN IMMEDIATE") && exec(sql, schema->text) && exec(sql, marks) && exec(sql, "COMMIT")) {
		log_info("store", "made a new lease database path=%s", path);
		return true;
	}
	return explain(why, why_size, "cannot make the lease database %s: %s", path, sql_error(sql));
}

static bool
upgrade_schema(struct sql *sql, const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	char mark[100];

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %d;", schema->version);
	if (exec(sql, "BEGIN IMMEDIATE") && exec(sql, schema->upgrade) && exec(sql, mark) && exec(sql, "COMMIT")) {
		log_info("store", "upgraded the lease database path=%s version=%d", path, schema->version);
		return true;
	}
	explain(why, why_size, "cannot upgrade the lease database %s: %s", path, sql_error(sql));
	exec(sql, "ROLLBACK");
	return false;
}

static bool
check_schema(struct sql *sql, const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	int64_t tables = number(sql, "SELECT count(*) FROM sqlite_master");
	int64_t application = number(sql, "PRAGMA application_id"), version = number(sql, "PRAGMA user_version");

	if (tables < 0)
		return explain(why, why_size, "cannot read %s: %s", path, sql_error(sql));
	if (tables == 0 && application == 0 && version == 0)
		return make_schema(sql, path, schema, why, why_size);
	if (application != (int64_t)schema->application)
		return explain(why, why_size, "%s is a database, but not one of %s", path, schema->program);
	if (version == schema->version - 1 && schema->upgrade != NULL)
		return is_sound(sql, path, why, why_size) && upgrade_schema(sql, path, schema, why, why_size);
	if (version != schema->version)
		return explain(why, why_size, "the lease database %s has schema version %lld, this %s knows %d: use the %s "
		               "that wrote it", path, (long long)version, schema->program, schema->version,
		               version > schema->version ? "newer program" : "program");
	return is_sound(sql, path, why, why_size);
}

/* WAL, so that readers and the writer do not wait for each other; FULL, so that a commit is on disk when it returns. */
static bool
set_modes(struct sql *sql, const char *path, char *why, size_t why_size)
{
	sqlite3_busy_timeout(sql->db, 1000);
	if (exec(sql, "PRAGMA journal_mode = WAL") && exec(sql, "PRAGMA synchronous = FULL") &&
	    exec(sql, "PRAGMA journal_size_limit = 67108864"))
		return true;
	return explain(why, why_size, "cannot use the lease database %s: %s", path, sql_error(sql));
}

/* Reading may work where writing does not (file mode, read-only file system): known now, not at the first grant. */
static bool
check_writable(struct sql *sql, const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	char text[100];

	snprintf(text, sizeof(text), "PRAGMA user_version = %d", schema->version);
	if (exec(sql, "BEGIN IMMEDIATE") && exec(sql, text) && exec(sql, "COMMIT"))
		return true;
	return explain(why, why_size, "cannot write the lease database %s: %s", path, sql_error(sql));
}

struct sql *
sql_open(const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	struct sql *sql = mem_zero(1, sizeof(*sql));

	if (!lock_file(sql, path, schema->program, why, why_size))
		goto err;
	if (sqlite3_open_v2(path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		explain(why, why_size, "cannot open the lease database %s: %s", path, sql_error(sql));
		goto err;
	}
	if (!set_modes(sql, path, why, why_size) || !check_schema(sql, path, schema, why, why_size) ||
	    !check_writable(sql, path, schema, why, why_size))
		goto err;
	return sql;

err:
	sql_close(sql);
	return NULL;
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

static void
bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	for (int i = 0; types[i] != '\0'; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		} else if (types[i] == 't') {
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
		} else if (types[i] == 'b') {
			const void *bytes = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);
			sqlite3_bind_blob64(stmt, i + 1, bytes, len, SQLITE_TRANSIENT);
		} else {
			sqlite3_bind_null(stmt, i + 1);
		}
	}
}

static void
fail(struct sql *sql, const char *what)
{
	if (!sql->failed)
		log_error("store", "cannot write statement=\"%s\" error=\"%s\"", what, sql_error(sql));
	sql->failed = true;
}

static bool
begin(struct sql *sql)
{
	if (!sql->in_transaction && !sql->failed) {
		if (exec(sql, "BEGIN IMMEDIATE"))
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
	bind_all(s->stmt, types, ap);
	va_end(ap);
	if (sqlite3_step(s->stmt) != SQLITE_DONE)
		fail(sql, statement);
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
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
	if (!sql->failed && !exec(sql, "COMMIT"))
		fail(sql, "COMMIT");
	bool ok = !sql->failed;
	if (!ok && !sqlite3_get_autocommit(sql->db)) /* some failures have rolled back already */
		exec(sql, "ROLLBACK");
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
