/* Changes are carried out, by the thread or by the owner: nothing here logs, since both may. */
#include <errno.h>
#include <stdio.h>

#include "sql_impl.h"

bool
sql_exec(struct sql *sql, const char *text)
{
	return sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK;
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
fail(struct sql *sql, const char *statement)
{
	struct sql_failure *f = &sql->failure;

	if (f->happened)
		return;
	f->happened = true;
	f->advice = sql_advice(sql);
	snprintf(f->error, sizeof(f->error), "%s", sqlite3_errmsg(sql->db));
	snprintf(f->statement, sizeof(f->statement), "%.40s", statement);
}

struct sql_rows *
sql_prepared(struct sql *sql, const char *text)
{
	struct sql_rows *s;

	for (size_t i = 0; i < sql->n_statements; i++) {
		if (sql->statements[i].text == text)
			return &sql->statements[i];
	}
	if (sql->n_statements == STATEMENTS_MAX)
		return NULL;
	s = &sql->statements[sql->n_statements];
	if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) != SQLITE_OK)
		return NULL;
	s->sql = sql;
	s->text = text;
	sql->n_statements++;
	return s;
}

/* Texts and blobs stay where they are until the statement has run. */
static void
bind_all(sqlite3_stmt *stmt, const char *types, struct sql_reader *values)
{
	for (int i = 1; *types != '\0'; types++, i++) {
		size_t len;

		if (*types == 'i') {
			sqlite3_bind_int64(stmt, i, sql_read_int(values));
		} else if (*types == 't') {
			const char *text = sql_read_bytes(values, &len);
			sqlite3_bind_text64(stmt, i, text, len, SQLITE_STATIC, SQLITE_UTF8);
		} else if (*types == 'b') {
			const void *bytes = sql_read_bytes(values, &len);
			sqlite3_bind_blob64(stmt, i, bytes, len, SQLITE_STATIC);
		} else {
			sqlite3_bind_null(stmt, i);
		}
	}
}

static void
begin(struct sql *sql)
{
	if (sql->in_transaction || sql->failure.happened)
		return;
	sql->in_transaction = sql_exec(sql, "BEGIN IMMEDIATE");
	if (!sql->in_transaction)
		fail(sql, "BEGIN");
}

/* A text that cannot be prepared is a defect, or a database that lost its tables. Parameters keep their values until they
 * get others: those of a statement that is run again are never looked at in between. */
static void
run(struct sql *sql, const char *statement, const char *types, struct sql_reader *values)
{
	struct sql_rows *s = sql_prepared(sql, statement);

	if (s == NULL) {
		fail(sql, statement);
		return;
	}
	bind_all(s->stmt, types, values);
	if (sqlite3_step(s->stmt) != SQLITE_DONE)
		fail(sql, statement);
	sqlite3_reset(s->stmt);
}

void
sql_carry_out(struct sql *sql, struct sql_group *group)
{
	struct sql_reader values = sql_group_read(group);
	const char *statement, *types;

	if (group->len > 0)
		begin(sql);
	while (!sql->failure.happened && sql_read_change(&values, &statement, &types))
		run(sql, statement, types, &values);
	sql_group_empty(group);
}

bool
sql_finish(struct sql *sql)
{
	if (sql->in_transaction && !sql->failure.happened && !sql_exec(sql, "COMMIT"))
		fail(sql, "COMMIT");
	if (sql->failure.happened && !sqlite3_get_autocommit(sql->db)) /* some failures have rolled back already */
		sql_exec(sql, "ROLLBACK");
	sql->in_transaction = false;
	return !sql->failure.happened;
}
