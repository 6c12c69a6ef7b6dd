/* Databases and write-ahead logs that cannot be used: each is refused with the reason, and none is begun anew. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_suite.h"
#include "store_suite.h"

/* --- databases that cannot be used --- */

static void
must_not_open(const char *path, const char *because)
{
	char why[300] = "";

	ck_assert_ptr_null(store_open(path, why, sizeof(why)));
	ck_assert_msg(strstr(why, because) != NULL, "said: %s", why);
}

static void
put(off_t at, const char *bytes, size_t len)
{
	int fd = open(f.db, O_WRONLY);

	ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

/* The file alone tells; teardown gets a new one. */
static void
with_closed_store(void (*check)(void))
{
	fill();
	ck_assert(store_commit(f.store));
	fixture_close(&f);
	check();
	unlink(f.db);
	fixture_open(&f);
}

static void
no_database(void)
{
	ck_assert_int_eq(truncate(f.db, 0), 0);
	put(0, "This is a text file, and was never a database.\n", 47);
	must_not_open(f.db, "not a database");
}

static void
newer_version(void)
{
	put(60, "\0\0\0\10", 4); /* user_version in the database header */
	must_not_open(f.db, "schema version 8, this rsipd knows 7");
}

static void
of_another_program(void)
{
	put(68, "ABCD", 4); /* application_id */
	must_not_open(f.db, "not one of rsipd");
}

static void
damaged(void)
{
	static const char garbage[2000] = "garbage";

	put(4096 + 8, garbage, sizeof(garbage));
	must_not_open(f.db, "damaged");
}

static void
empty(void)
{
	ck_assert_int_eq(truncate(f.db, 0), 0);
	must_not_open(f.db, "is empty");
}

static void
cut_in_the_middle(void)
{
	struct stat st;

	ck_assert_int_eq(stat(f.db, &st), 0);
	ck_assert_int_eq(truncate(f.db, st.st_size / 2), 0);
	must_not_open(f.db, "damaged");
}

static bool
run_sqlite3(const char *statements)
{
	char command[600];

	snprintf(command, sizeof(command), "sqlite3 -batch %s \"%s\" >/dev/null 2>&1", f.db, statements);
	return system(command) == 0;
}

/* As an editor might leave it. */
static void
edited(const char *statements, const char *what)
{
	char why[300] = "";

	if (!run_sqlite3(statements))
		return; /* no sqlite3 here */
	ck_assert(!fixture_try_open(&f, why, sizeof(why)));
	ck_assert_msg(strstr(why, what) != NULL, "said: %s", why);
	fixture_close(&f);
}

/* A second binding of the same ports. */
static void
contradictory(void)
{
	edited("INSERT INTO binding SELECT 99, client_id, method, tunnel, gre_key, listen, local, remote, "
	                 "remote_port, expires, endpoint, granted, extensions FROM binding WHERE bind_id = 2; INSERT INTO binding_tuple "
	                 "SELECT 99, kind, first, last FROM binding_tuple WHERE bind_id = 2",
	       "overlapping bindings on 203.0.113.8");
}

static void
two_of_one_identity(void)
{
	edited("UPDATE registration SET identity = 'laptop'", "the identity of another registration");
}

static void
at_the_end_of_time(void)
{
	edited("UPDATE registration SET expires = 9223372036854775807", "a registration that is none");
}

static void
binding_before_all_time(void)
{
	edited("UPDATE binding SET expires = -9223372036854775807 WHERE bind_id = 2", "a binding that is none: bind ID 2");
}

static void
held_for_ever(void)
{
	edited("UPDATE quarantine SET until = 9223372036854775807", "a quarantine entry that is none");
}

/* More ranges than any answer could tell, and than a message to the data plane holds. */
static void
of_too_many_ranges(void)
{
	edited("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
	       "INSERT INTO binding_tuple (bind_id, kind, first, last) SELECT 2, 'spi', 4100000000 + 2 * i, 4100000000 + 2 * i FROM n",
	       "a binding that is none: bind ID 2");
}

/* The same port twice in one binding. */
static void
overlapping_itself(void)
{
	edited("INSERT INTO binding_tuple (bind_id, kind, first, last) SELECT bind_id, kind, first + 1, last + 1 FROM binding_tuple "
	       "WHERE bind_id = 2 AND kind = 'port'", "a binding that is none: bind ID 2");
}

START_TEST(unusable_databases)
{
	static void (*const cases[])(void) = { no_database, newer_version, of_another_program, damaged, empty,
	                                     cut_in_the_middle, contradictory, two_of_one_identity, at_the_end_of_time,
	                                     binding_before_all_time, held_for_ever, of_too_many_ranges, overlapping_itself };

	with_closed_store(cases[_i]);
}
END_TEST

START_TEST(unusable_places)
{
	must_not_open("/nonexistent/rsipd.db", "No such file or directory");
	must_not_open(f.dir, "Is a directory");
	must_not_open(f.db, "in use by another rsipd"); /* the fixture's own */
}
END_TEST

/* --- the write-ahead log --- */

/* A log with several commits, as a kill leaves it: the database is copied while it is open. */
static void
copy_killed(char *copy, size_t size)
{
	char command[3 * sizeof(f.db) + 100];

	fill();
	ck_assert(store_commit(f.store));
	for (int i = 0; i < 5; i++) {
		ck_assert_ptr_nonnull(grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSAP_IP));
		ck_assert(store_commit(f.store));
	}
	snprintf(copy, size, "%s/copy.db", f.dir);
	snprintf(command, sizeof(command), "cp %s %s && cp %s-wal %s-wal", f.db, copy, f.db, copy);
	ck_assert_int_eq(system(command), 0);
}

static void
remove_copy(const char *copy)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[300];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", copy, names[i]);
		unlink(path);
	}
}

static void
spoil(const char *path, off_t at)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_eq(pwrite(fd, "spoilt!", 7, at), 7);
	close(fd);
}

START_TEST(log_that_is_whole)
{
	char copy[200], why[300] = "";

	copy_killed(copy, sizeof(copy));
	struct store *st = store_open(copy, why, sizeof(why));
	ck_assert_msg(st != NULL, "%s", why);
	store_close(st);
	remove_copy(copy);
}
END_TEST

/* SQLite takes the first damage for the end of the log. */
START_TEST(log_that_is_damaged)
{
	static const struct { off_t at; const char *because; } cases[] = {
		{ 8, "its header is none" }, { 32 + 24 + 100, "is damaged behind byte 32, with" },
		{ 32 + 4, "is damaged behind byte 32, with" }, /* in a frame's header */
	};
	char copy[200], wal[210];

	copy_killed(copy, sizeof(copy));
	snprintf(wal, sizeof(wal), "%s-wal", copy);
	spoil(wal, cases[_i].at);
	must_not_open(copy, cases[_i].because);
	remove_copy(copy);
}
END_TEST

/* The last commit may not have reached the disk in whole when power failed; nobody was told of it. */
START_TEST(log_with_a_torn_end)
{
	char copy[200], wal[210], why[300] = "";
	struct stat st;

	copy_killed(copy, sizeof(copy));
	snprintf(wal, sizeof(wal), "%s-wal", copy);
	ck_assert_int_eq(stat(wal, &st), 0);
	spoil(wal, st.st_size - 100);
	struct store *store = store_open(copy, why, sizeof(why));
	ck_assert_msg(store != NULL, "%s", why);
	store_close(store);
	remove_copy(copy);
}
END_TEST

START_TEST(log_without_its_database)
{
	char copy[200];

	copy_killed(copy, sizeof(copy));
	unlink(copy);
	must_not_open(copy, "is gone, and its write-ahead log");
	remove_copy(copy);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_damage");
	TCase *tc = tcase_create("damage");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, store_setup, store_teardown);
	tcase_add_loop_test(tc, unusable_databases, 0, 13);
	tcase_add_test(tc, unusable_places);
	tcase_add_test(tc, log_that_is_whole);
	tcase_add_loop_test(tc, log_that_is_damaged, 0, 3);
	tcase_add_test(tc, log_with_a_torn_end);
	tcase_add_test(tc, log_without_its_database);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
