/* The inside of struct sql, for sql.c and sql_open.c, the only files that include sqlite3.h. */
#ifndef RSIPD_SQL_IMPL_H
#define RSIPD_SQL_IMPL_H

#include <sqlite3.h>

#include "sql.h"

#define STATEMENTS_MAX 64

struct sql_rows {
	struct sql *sql;
	const char *text;
	sqlite3_stmt *stmt;
	int rc;
};

struct sql {
	sqlite3 *db;
	char *path;
	int lock_fd; /* keeps a second writer out; closed last, as closing it drops SQLite's own locks on the file */
	bool in_transaction, failed;
	struct sql_rows statements[STATEMENTS_MAX];
	size_t n_statements;
};

bool sql_exec(struct sql *sql, const char *text); /* statements, outside of the transaction that begins by itself */

const char *sql_advice(const struct sql *sql); /* what a person can do about the latest failure */

#endif
