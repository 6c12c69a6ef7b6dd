/* The store: what a restart, a crash and a disk that is full leave of the books. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lease.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"
#include "store_check.h"
#include "store_suite.h"

START_TEST(restart_keeps_everything)
{
	char *before, *after;

	fill();
	ck_assert(store_commit(f.store));
	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	ck_assert_ptr_nonnull(strstr(after, "last 40000/4294967295 6"));
	fixture_check(&f);
	struct binding *next = grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSAP_IP);
	ck_assert_uint_eq(next->bind_id, 6); /* IDs go on where they were */
	free(before);
	free(after);
}
END_TEST

/* Nothing is there before the commit, as nobody was told. */
START_TEST(uncommitted_is_nothing)
{
	char *after;

	fill();
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, "");
	free(after);
}
END_TEST

/* What a freed lease has prolonged a registration by is kept, though no row said so while it lasted. */
START_TEST(registration_outlives_its_binding)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
	int64_t until;

	fixture_pass_ms(500 * 1000);
	lease_end(&f.ledger, grant(s, RSIP_METHOD_RSAP_IP), LEASE_FREED);
	until = s->expires;
	ck_assert_int_gt(until, clock_now() + 3600 * 1000 - 1);
	ck_assert(store_commit(f.store));
	fixture_restart(&f);
	ck_assert_int_eq(session_find(&f.ledger.sessions, HOST)->expires, until);
}
END_TEST

/* --- kill -9 --- */

static void
say(int fd, char what, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	if (write(fd, &what, 1) != 1 || write(fd, &len, sizeof(len)) != sizeof(len) ||
	    write(fd, text, len) != (ssize_t)len)
		_exit(1);
}

static void
change_something(void)
{
	for (unsigned n = 1 + (unsigned)random_below(4); n > 0; n--) {
		ip4_t host = HOST + (ip4_t)random_below(4);
		struct session *s = session_find(&f.ledger.sessions, host);
		if (s == NULL)
			registration_begin(&f.ledger, host, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
		else if (random_below(9) == 0)
			registration_end(&f.ledger, s, LEASE_FREED);
		else if (s->bindings != NULL && random_below(3) == 0)
			lease_end(&f.ledger, s->bindings, LEASE_FREED);
		else
			grant(s, (enum rsip_method)(1 + random_below(3)));
	}
}

static void
must(bool done)
{
	if (!done)
		_exit(1);
}

/* The gateway: announces what it is about to commit, commits, says that it did. With the thread it goes on meanwhile. */
static void
live_until_killed(int fd, bool with_thread)
{
	bool under_way = false;

	must(!with_thread || store_start(f.store) >= 0);
	for (;;) {
		change_something();
		char *dump = fixture_dump(&f);
		if (under_way) {
			must(store_commit_end(f.store));
			say(fd, 'C', "");
		}
		say(fd, 'A', dump);
		if (with_thread) {
			under_way = store_commit_begin(f.store);
		} else {
			must(store_commit(f.store));
			say(fd, 'C', "");
		}
		free(dump);
	}
}

static bool
hear_all(int fd, void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)to + got, len - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* All that was said, to the end: the last dump that was announced, and the last that was committed for sure. */
static void
hear(int fd, char **announced, char **committed)
{
	char what;
	uint32_t len;

	*announced = strdup("");
	*committed = strdup("");
	while (hear_all(fd, &what, 1) && hear_all(fd, &len, sizeof(len))) {
		char *text = calloc(1, len + 1);
		if (!hear_all(fd, text, len)) {
			free(text);
			return;
		}
		if (what == 'A') {
			free(*announced);
			*announced = text;
		} else {
			free(text);
			free(*committed);
			*committed = strdup(*announced);
		}
	}
}

START_TEST(kill_9_at_any_instant)
{
	int fds[2];
	char *announced, *committed, *left;
	pid_t pid;

	fixture_close(&f); /* the child opens it */
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		fixture_open(&f);
		random_seed((uint64_t)_i * 77 + (uint64_t)getpid());
		live_until_killed(fds[1], _i % 2 == 1);
	}
	close(fds[1]);
	/* Kill it in the middle of something, while it is heard: it never waits for us long. */
	struct pollfd ready = { .fd = fds[0], .events = POLLIN };
	poll(&ready, 1, 10000);
	usleep((useconds_t)(2000 + 9137 * _i));
	kill(pid, SIGKILL);
	hear(fds[0], &announced, &committed);
	waitpid(pid, NULL, 0);
	close(fds[0]);

	fixture_open(&f);
	fixture_check(&f);
	left = fixture_dump(&f);
	ck_assert_msg(strcmp(left, committed) == 0 || strcmp(left, announced) == 0,
	              "left:\n%s\ncommitted:\n%s\nannounced:\n%s", left, committed, announced);
	free(left);
	free(announced);
	free(committed);
}
END_TEST

/* --- a disk that is full --- */

static void
limit_file_size(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(failed_commit_leaves_the_last_good_state)
{
	char *before, *after;

	signal(SIGXFSZ, SIG_IGN);
	fill();
	ck_assert(store_commit(f.store));
	before = fixture_dump(&f);
	limit_file_size(4096);
	struct session *s = session_find(&f.ledger.sessions, HOST);
	for (int i = 0; i < 10; i++)
		grant(s, RSIP_METHOD_RSIPSEC);
	ck_assert(!store_commit(f.store));
	limit_file_size(RLIM_INFINITY);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	ck_assert_ptr_nonnull(grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSIPSEC));
	ck_assert(store_commit(f.store)); /* and it goes on */
	free(before);
	free(after);
}
END_TEST

/* --- commits with changes meanwhile --- */

START_TEST(changes_while_a_commit_is_under_way)
{
	struct binding *first, *second;
	char text[200], *before, *after;

	struct pollfd done = { .fd = store_start(f.store), .events = POLLIN };
	ck_assert_int_ge(done.fd, 0);
	ck_assert(!store_commit_begin(f.store)); /* of nothing */
	ck_assert_int_eq(poll(&done, 1, 0), 0);
	fill();
	first = session_find(&f.ledger.sessions, HOST)->bindings;
	ck_assert(store_commit_begin(f.store));
	second = grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSIPSEC);
	ck_assert_msg(store_check_binding(f.store, first, text, sizeof(text)), "%s", text);
	ck_assert_msg(store_check_binding(f.store, second, text, sizeof(text)), "%s", text);
	ck_assert_int_eq(poll(&done, 1, 0), 1); /* reading has waited for it, and it is still to be ended */
	ck_assert(store_commit_end(f.store));
	ck_assert_int_eq(poll(&done, 1, 0), 0);
	ck_assert(store_commit_begin(f.store));
	ck_assert(store_commit_end(f.store));
	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

/* What tells one write-ahead log from the one before it in the same file. */
static uint64_t
salt_of_log(void)
{
	char path[sizeof(f.db) + 8];
	uint64_t salt = 0;
	FILE *log;

	snprintf(path, sizeof(path), "%s-wal", f.db);
	log = fopen(path, "re");
	ck_assert_ptr_nonnull(log);
	ck_assert(fseek(log, 16, SEEK_SET) == 0 && fread(&salt, sizeof(salt), 1, log) == 1);
	fclose(log);
	return salt;
}

/* With a thread that copies it into the database beside the commits. */
START_TEST(log_begins_anew)
{
	char *before, *after;
	uint64_t salt;

	ck_assert_int_ge(store_start(f.store), 0);
	fill();
	ck_assert(store_commit(f.store));
	for (salt = salt_of_log(); salt_of_log() == salt;) {
		lease_end(&f.ledger, grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSIPSEC), LEASE_FREED);
		ck_assert(store_commit_begin(f.store));
		ck_assert(store_commit_end(f.store));
	}
	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

/* What was done on top of a commit that fails goes with it, whether it was looked at meanwhile or not. */
START_TEST(failed_commit_takes_the_changes_meanwhile)
{
	char *before, *after, text[200];

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_ge(store_start(f.store), 0);
	fill();
	ck_assert(store_commit(f.store));
	before = fixture_dump(&f);
	limit_file_size(4096);
	grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSIPSEC);
	ck_assert(store_commit_begin(f.store));
	struct binding *b = grant(session_find(&f.ledger.sessions, HOST), RSIP_METHOD_RSAP_IP);
	if (_i == 1)
		ck_assert(!store_check_binding(f.store, b, text, sizeof(text)));
	ck_assert(!store_commit_end(f.store));
	limit_file_size(RLIM_INFINITY);
	ck_assert(store_commit(f.store)); /* of nothing: all that is gone */
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

/* Another program has the database locked when a query is to see what has changed: that cannot be carried out, and the commit
 * says so, as for any other change that is lost. */
START_TEST(failed_begin_of_a_query_fails_the_commit)
{
	sqlite3 *other;
	char *before, *after;

	ck_assert_int_ge(store_start(f.store), 0);
	fill();
	ck_assert(store_commit(f.store));
	before = fixture_dump(&f);
	ck_assert_int_eq(sqlite3_open(f.db, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	lease_end(&f.ledger, session_find(&f.ledger.sessions, HOST)->bindings, LEASE_FREED); /* a grant leaves more to be done */
	store_last_bind_id(f.store); /* any query */
	ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	ck_assert(store_commit_begin(f.store));
	ck_assert(!store_commit_end(f.store));
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

/* --- answers --- */

enum { TALKERS = 5, ROUNDS = 4000 };

static void
answer_all(uint32_t round, const struct session *but)
{
	for (ip4_t i = 0; i < TALKERS; i++) {
		struct session *s = session_find(&f.ledger.sessions, HOST + i);
		uint8_t response[] = { 1, 3, 0, 4, (uint8_t)round, (uint8_t)(round >> 8) };

		if (s != NULL && s != but)
			registration_note_reply(&f.ledger, s, (struct replay_seq){ 40000, round }, response, sizeof(response), true);
	}
}

/* However much hosts talk, there is not much more than one answer each in the file, and it is their last one; that of a host
 * which is silent meanwhile is not lost. */
START_TEST(answers_do_not_pile_up)
{
	char *before, *after;
	struct session *silent;

	for (ip4_t i = 0; i < TALKERS; i++)
		registration_begin(&f.ledger, HOST + i, 0x0a000001, RSIP_UDP, NULL, NULL, 0);
	answer_all(1, NULL);
	silent = session_find(&f.ledger.sessions, HOST);
	for (uint32_t round = 2; round < ROUNDS; round++) {
		answer_all(round, silent);
		ck_assert(store_commit(f.store));
		if (round == ROUNDS / 2)
			registration_end(&f.ledger, session_find(&f.ledger.sessions, HOST + 1), LEASE_DE_REGISTERED);
	}
	ck_assert_int_lt(rows_of("answer"), ROUNDS);
	before = fixture_dump(&f);
	ck_assert_ptr_nonnull(strstr(before, "last 40000/1 6"));
	ck_assert_ptr_nonnull(strstr(before, "last 40000/3999 6"));
	for (int i = 0; i < 2; i++) {
		fixture_restart(&f);
		after = fixture_dump(&f);
		ck_assert_str_eq(after, before);
		free(after);
	}
	answer_all(ROUNDS, NULL);
	ck_assert(store_commit(f.store));
	free(before);
	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, store_setup, store_teardown);
	tcase_add_test(tc, restart_keeps_everything);
	tcase_add_test(tc, uncommitted_is_nothing);
	tcase_add_test(tc, registration_outlives_its_binding);
	tcase_add_test(tc, answers_do_not_pile_up);
	tcase_add_loop_test(tc, kill_9_at_any_instant, 0, 12);
	tcase_add_test(tc, failed_commit_leaves_the_last_good_state);
	tcase_add_test(tc, changes_while_a_commit_is_under_way);
	tcase_add_test(tc, log_begins_anew);
	tcase_add_loop_test(tc, failed_commit_takes_the_changes_meanwhile, 0, 2);
	tcase_add_test(tc, failed_begin_of_a_query_fails_the_commit);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
