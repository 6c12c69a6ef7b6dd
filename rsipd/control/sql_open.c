/* Opening a database, and saying what is wrong with one that cannot be used. Nothing is ever begun anew where leases
 * may be: only where there is no file at all. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "sql_impl.h"
#include "wal_check.h"

#define WHAT_TO_DO "restore a copy, or move it away and lose the leases in it: see RECOVERY in rsipd(8)"

struct opening {
	struct sql *sql;
	const char *path;
	const struct sql_schema *schema;
	char *why;
	size_t why_size;
};

static bool __attribute__((format(printf, 2, 3)))
explain(struct opening *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->why, o->why_size, fmt, ap);
	va_end(ap);
	return false;
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

/* --- a new one --- */

/* Into a file of another name, which gets its own when all of it is on disk: a database that is empty or half made was
 * not made by us. */
static bool
fill(struct opening *o, const char *path)
{
	struct sql new = { 0 };
	char marks[100];
	bool good;

	snprintf(marks, sizeof(marks), "PRAGMA application_id = %u; PRAGMA user_version = %d;", o->schema->application,
	         o->schema->version);
	good = sqlite3_open_v2(path, &new.db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	       sql_exec(&new, "PRAGMA journal_mode = MEMORY") && sql_exec(&new, "PRAGMA synchronous = FULL") &&
	       sql_exec(&new, "BEGIN IMMEDIATE") && sql_exec(&new, o->schema->text) && sql_exec(&new, marks) &&
	       sql_exec(&new, "COMMIT");
	if (!good)
		explain(o, "cannot make the lease database %s (%s): %s", o->path, sql_error(&new), sql_advice(&new));
	sqlite3_close(new.db);
	return good;
}

static bool
sync_directory(const char *path)
{
	char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return done;
}

static bool
make(struct opening *o)
{
	size_t size = strlen(o->path) + sizeof(".new");
	char *new = mem_zero(1, size);
	bool good;
	int fd;

	snprintf(new, size, "%s.new", o->path);
	unlink(new); /* from a start that came no further */
	fd = open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	good = fd >= 0;
	if (good)
		close(fd);
	if (good && !fill(o, new)) {
		unlink(new);
		free(new);
		return false;
	}
	good = good && rename(new, o->path) == 0 && sync_directory(o->path);
	free(new);
	if (!good)
		return explain(o, "cannot make the lease database %s: %s", o->path, strerror(errno));
	log_info("store", "made a new lease database path=%s", o->path);
	return true;
}

/* --- what is there --- */

static bool
check_log(struct opening *o)
{
	struct wal_state wal;
	struct stat db;

	if (!wal_check(o->path, &wal))
		return explain(o, "cannot read the write-ahead log %s-wal, which holds the latest leases: %s", o->path,
		               strerror(errno));
	if (wal.present && stat(o->path, &db) != 0 && errno == ENOENT)
		return explain(o, "the lease database %s is gone, and its write-ahead log %s-wal is there: " WHAT_TO_DO, o->path,
		               o->path);
	if (wal.damaged && wal.sound == 0)
		return explain(o, "the write-ahead log %s-wal, which holds the latest leases, is damaged: its header is none; "
		               WHAT_TO_DO, o->path);
	if (wal.damaged)
		return explain(o, "the write-ahead log %s-wal, which holds the latest leases, is damaged behind byte %llu, with "
		               "%u commits behind that: " WHAT_TO_DO, o->path, (unsigned long long)wal.sound, wal.lost);
	return true;
}

static const char *
open_advice(int error)
{
	switch (error) {
	case EROFS: return ": make its file system writable, mount tells which one it is";
	case EACCES:
	case EPERM: return ": it must be writable for the user that rsipd runs as, as must be its directory";
	default: return "";
	}
}

/* A lock of our own beside SQLite's: its exclusive mode would keep readers out as well. */
static bool
lock_file(struct opening *o)
{
	struct sql *sql = o->sql;
	struct stat st;

	sql->lock_fd = open(o->path, O_RDWR | O_CLOEXEC);
	if (sql->lock_fd < 0 && errno == ENOENT) {
		if (lstat(o->path, &st) == 0)
			return explain(o, "the lease database %s is a symbolic link to what is not there: mount or restore that, or remove "
			               "the link and lose the leases", o->path);
		if (!check_log(o) || !make(o))
			return false;
		sql->lock_fd = open(o->path, O_RDWR | O_CLOEXEC);
	}
	if (sql->lock_fd < 0)
		return explain(o, "cannot open the lease database %s: %s%s", o->path, strerror(errno), open_advice(errno));
	if (flock(sql->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return explain(o, "the lease database %s is in use by another %s", o->path, o->schema->program);
	if (fstat(sql->lock_fd, &st) == 0 && st.st_size == 0)
		return explain(o, "the lease database %s is empty, which it never is: " WHAT_TO_DO, o->path);
	return true;
}

/* What is looked through at the start, in a second or so. The leases of a larger database are read whole by whoever opens
 * it, which finds damage among them as well; its history would keep hosts waiting. */
#define LOOKED_THROUGH_MAX (64ll << 20)

/* "ok", or the first damage found. */
static bool
is_sound(struct opening *o)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = false;

	if (number(o->sql, "PRAGMA page_count") * number(o->sql, "PRAGMA page_size") > LOOKED_THROUGH_MAX)
		return true;
	if (sqlite3_prepare_v2(o->sql->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
		ok = verdict != NULL && strcmp(verdict, "ok") == 0;
		if (!ok)
			explain(o, "the lease database %s is damaged (%s): " WHAT_TO_DO, o->path, verdict != NULL ? verdict : "?");
	} else {
		explain(o, "the lease database %s is damaged (%s): " WHAT_TO_DO, o->path, sql_error(o->sql));
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* One that an older program wrote is brought up to date, in steps of one version. */
static bool
upgrade(struct opening *o)
{
	int version = (int)number(o->sql, "PRAGMA user_version");
	char mark[60];

	for (; version < o->schema->version; version++) {
		snprintf(mark, sizeof(mark), "PRAGMA user_version = %d", version + 1);
		if (!sql_exec(o->sql, "BEGIN IMMEDIATE") || !sql_exec(o->sql, o->schema->upgrades[version]) ||
		    !sql_exec(o->sql, mark) || !sql_exec(o->sql, "COMMIT"))
			return explain(o, "cannot bring the lease database %s from schema version %d to %d: %s", o->path, version,
			               version + 1, sql_error(o->sql));
		log_info("store", "brought the lease database up to date path=%s version=%d", o->path, version + 1);
	}
	return true;
}

/* Before anything is changed: another program's file is left as it is. */
static bool
check_owner(struct opening *o)
{
	int64_t application = number(o->sql, "PRAGMA application_id"), version = number(o->sql, "PRAGMA user_version");
	const int known = o->schema->version;

	if (application < 0 || version < 0)
		return explain(o, "cannot read the lease database %s (%s): %s", o->path, sql_error(o->sql), sql_advice(o->sql));
	if (application != (int64_t)o->schema->application)
		return explain(o, "%s is a database, but not one of %s: " WHAT_TO_DO, o->path, o->schema->program);
	if (version > known || version < 1 || (version < known && o->schema->upgrades[version] == NULL))
		return explain(o, "the lease database %s has schema version %lld, this %s knows %d: use the %s that wrote it",
		               o->path, (long long)version, o->schema->program, known,
		               version > known ? "newer program" : "program");
	return true;
}

/* WAL, so that readers and the writer do not wait for each other; FULL, so that a commit is on disk when it returns. */
static bool
set_modes(struct opening *o)
{
	if (sql_exec(o->sql, "PRAGMA journal_mode = WAL") && sql_exec(o->sql, "PRAGMA synchronous = FULL") &&
	    sql_exec(o->sql, "PRAGMA journal_size_limit = 67108864") &&
	    sql_exec(o->sql, "PRAGMA cache_size = -16384") && sql_exec(o->sql, "PRAGMA wal_autocheckpoint = 4000"))
		return true;
	return explain(o, "cannot use the lease database %s (%s): %s", o->path, sql_error(o->sql), sql_advice(o->sql));
}

/* Reading may work where writing does not (file mode, read-only file system): known now, not at the first grant. */
static bool
check_writable(struct opening *o)
{
	char text[100];

	snprintf(text, sizeof(text), "PRAGMA user_version = %d", o->schema->version);
	if (sql_exec(o->sql, "BEGIN IMMEDIATE") && sql_exec(o->sql, text) && sql_exec(o->sql, "COMMIT"))
		return true;
	return explain(o, "cannot write the lease database %s (%s): %s", o->path, sql_error(o->sql), sql_advice(o->sql));
}

/* CHECK (kind IN ('port', ...)) is for whoever else writes there: SQLite makes a table of the words for each row, which costs
 * more than the row. What we write comes from tables of names. Not before all that is there has been looked at. */
static bool
write_unchecked(struct opening *o)
{
	return sql_exec(o->sql, "PRAGMA ignore_check_constraints = ON") ||
	       explain(o, "cannot use the lease database %s (%s): %s", o->path, sql_error(o->sql), sql_advice(o->sql));
}

static bool
open_db(struct opening *o)
{
	if (sqlite3_open_v2(o->path, &o->sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(o->sql->db, 1000);
		return true;
	}
	return explain(o, "cannot open the lease database %s: %s", o->path, sql_error(o->sql));
}

struct sql *
sql_open(const char *path, const struct sql_schema *schema, char *why, size_t why_size)
{
	struct sql *sql = mem_zero(1, sizeof(*sql));
	struct opening o = { sql, path, schema, why, why_size };

	why[0] = '\0';
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks, and each allocation would take a lock for it */
	sql->path = mem_strdup(path);
	sql->lock_fd = -1;
	if (lock_file(&o) && check_log(&o) && open_db(&o) && check_owner(&o) && set_modes(&o) && is_sound(&o) && upgrade(&o) &&
	    check_writable(&o) && write_unchecked(&o))
		return sql;
	sql_close(sql);
	return NULL;
}
