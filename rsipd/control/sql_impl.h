/* The inside of struct sql, for sql.c, sql_carry.c and sql_open.c, the only files that include sqlite3.h. */
#ifndef RSIPD_SQL_IMPL_H
#define RSIPD_SQL_IMPL_H

#include <sqlite3.h>

#include "sql.h"
#include "sql_group.h"
#include "sql_log.h"

#define STATEMENTS_MAX 64

struct sql_thread;

struct sql_rows {
	struct sql *sql;
	const char *text;
	sqlite3_stmt *stmt;
	int rc;
};

/* The first failure of a transaction: for the log, which only the owner writes. */
struct sql_failure {
	bool happened, logged;
	char error[200], statement[41];
	const char *advice;
};

struct sql {
	char *path;
	int lock_fd; /* keeps a second writer out; closed last, as closing it drops SQLite's own locks on the file */
	struct sql_group noted; /* what the next commit carries out */
	struct sql_thread *thread; /* or NULL */
	bool begun; /* sql_commit_begin without its end */

	/* The thread's from sql_commit_begin until its work is done, else the owner's. */
	sqlite3 *db;
	struct sql_rows statements[STATEMENTS_MAX];
	size_t n_statements;
	struct sql_group given;
	struct sql_log log;
	bool in_transaction;
	struct sql_failure failure; /* of this transaction; what it has not done yet is not done any more */
	bool committed; /* how the thread's latest work ended */
};

bool sql_exec(struct sql *sql, const char *text); /* statements, outside of the transaction that begins by itself */

const char *sql_advice(const struct sql *sql); /* what a person can do about the latest failure */

/* sql_carry.c, for whoever has the database. */
struct sql_rows *sql_prepared(struct sql *sql, const char *text); /* NULL when it cannot be */
void sql_carry_out(struct sql *sql, struct sql_group *group); /* in the transaction; group is empty then */
bool sql_finish(struct sql *sql); /* commits, or undoes all if there was a failure */

#endif
