/* SQLite for the store, and nothing else of it: one database, statements with bound parameters, one transaction at a
 * time that begins by itself.
 *
 * Changes are noted down by value and carried out later, at the latest by the commit: by a thread of their own, while the
 * caller notes down those of the next transaction. Only one of the two uses the database at a time. */
#ifndef RSIPD_SQL_H
#define RSIPD_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql;

struct sql_schema {
	const char *text;      /* statements that make an empty database */
	uint32_t application;  /* PRAGMA application_id: whose file it is */
	int version;           /* PRAGMA user_version */
	const char *const *upgrades; /* [v]: statements that make version v + 1 of v; NULL where there is no way */
	const char *program;   /* for messages */
};

/* Opens path for this process alone to write, others may read. Where there is no file it makes one with the schema; an
 * older version is brought up to date. WAL mode, every commit on disk. NULL, with a sentence for a person in why, when
 * that cannot be had: the file is then as it was. */
struct sql *sql_open(const char *path, const struct sql_schema *schema, char *why, size_t why_size);
void sql_close(struct sql *sql); /* what is not committed is undone; accepts NULL */

/* A statement that changes something, within the transaction. Statements are string literals: they are prepared once and
 * known by their address. types has one letter a parameter: i int64_t, t const char * (NULL is NULL), b const void * and
 * size_t, n nothing: NULL. A failure makes the commit fail, which logs the first. */
void sql_run(struct sql *sql, const char *statement, const char *types, ...);

bool sql_changing(const struct sql *sql); /* there is something that no commit has been begun for */

/* Ends the transaction. False, and all of it undone, when it or any statement of it failed. True when there was none.
 */
bool sql_commit(struct sql *sql);

/* The same in two steps: the thread carries it out in between, and what is noted down meanwhile is of the next transaction.
 * If the first failed, sql_commit_end returns false and all of that one is forgotten as well. After a begin, no other
 * begin and no sql_commit before the end. */
void sql_commit_begin(struct sql *sql);
bool sql_commit_end(struct sql *sql); /* waits */

/* Starts the thread, which sql_commit_begin needs. Returns a descriptor that becomes readable when sql_commit_end need not
 * wait; -1, with errno, when there can be no thread. */
int sql_start(struct sql *sql);

/* A query: rows one after another, as if all changes so far had been carried out, which may have to be waited for. One query
 * at a time for each statement; it ends before the next commit. */
struct sql_rows;
struct sql_rows *sql_query(struct sql *sql, const char *statement, const char *types, ...);
bool sql_next(struct sql_rows *rows); /* false at the end, and after a failure */
bool sql_end(struct sql_rows *rows);  /* false when there was a failure */
/* Columns of the row, valid until sql_next: NULL is 0, NULL and length 0. */
int64_t sql_int(struct sql_rows *rows, int column);
const char *sql_text(struct sql_rows *rows, int column);
const void *sql_blob(struct sql_rows *rows, int column, size_t *len);

const char *sql_error(const struct sql *sql); /* the latest, for people */

#endif
