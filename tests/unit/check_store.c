/* The store: what a crash leaves, databases that cannot be used, and who had what when. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "random.h"
#include "registration.h"
#include "who_held.h"

static const char conf_text[] =
    "pool \"a\" { addresses = { \"203.0.113.8-203.0.113.9\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  spis = \"0xf0000000-0xffffffff\" }\n"
    "pool \"w\" { addresses = { \"203.0.113.64/30\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"w\" } remote-flow = \"micro\" }\n"
    "host \"10.0.0.0/24\" { policy = \"p\" }\n";

enum { HOST = 0x0a00000a };
static struct fixture f;

static void
setup(void)
{
	random_seed(7);
	fixture_start(&f, conf_text);
}

static void
teardown(void)
{
	fixture_end(&f);
}

static struct binding *
grant(struct session *s, enum rsip_method method)
{
	struct lease_request req = { .method = method, .addr_intent = POOL_ANY, .remote_addr = 0x08080808,
	                             .remote_port = 53, .n_remote_ports = 1 };
	static const uint8_t gre = RSIP_TUNNEL_GRE;
	struct refusal why;
	struct binding *b = NULL;

	if (method == RSIP_METHOD_RSAP_IP) {
		req.n_tunnels = 1;
		req.tunnels = &gre;
		req.gre_key = UINT32_MAX;
	}
	if (method != RSIP_METHOD_RSA_IP) {
		req.port_intent = POOL_ANY;
		req.n_ports = 4;
	}
	if (method == RSIP_METHOD_RSIPSEC) {
		req.spi_intent = POOL_ANY;
		req.n_spis = 16;
		req.cookie_intent = POOL_ANY;
		req.cookie_mask = 0xffffffff00000000;
		req.ike_listener = 0xc6336401 + (uint32_t)random_below(1000000);
	}
	return lease_grant(&f.ledger, s, &req, &b, &why) == RSIP_OK ? b : NULL;
}

/* Some of everything that a ledger can hold. */
static void
fill(struct fixture *fx)
{
	struct session *s = registration_begin(&fx->ledger, HOST, 0x0a000001, RSIP_UDP, NULL, "name 'x'", 8);
	uint8_t response[] = { 1, 3, 0, 4, 0xff, 0 };

	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSA_IP));
	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSAP_IP));
	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSIPSEC));
	lease_end(&fx->ledger, grant(s, RSIP_METHOD_RSIPSEC), LEASE_FREED);
	lease_end(&fx->ledger, grant(s, RSIP_METHOD_RSA_IP), LEASE_FREED);
	registration_note_reply(&fx->ledger, s, (struct replay_seq){ 40000, 0xffffffff }, response, sizeof(response),
	                        true);
	registration_begin(&fx->ledger, HOST + 1, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
}

START_TEST(restart_keeps_everything)
{
	char *before, *after;

	fill(&f);
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

	fill(&f);
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

/* The gateway: announces what it is about to commit, commits, says that it did. */
static void
live_until_killed(int fd)
{
	for (;;) {
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
		char *dump = fixture_dump(&f);
		say(fd, 'A', dump);
		if (!store_commit(f.store))
			_exit(1);
		say(fd, 'C', "");
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
		live_until_killed(fds[1]);
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
	fill(&f);
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
	fill(&f);
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

START_TEST(unusable_databases)
{
	static void (*const cases[])(void) = { no_database, newer_version, of_another_program, damaged, empty,
	                                     cut_in_the_middle, contradictory, two_of_one_identity, at_the_end_of_time,
	                                     binding_before_all_time, held_for_ever };

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

	fill(&f);
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

/* --- the clock --- */

#define HOUR_MS (3600 * 1000)

/* How long the binding, granted for an hour a minute ago, has to go after a restart. */
static int64_t
left_after_restart(void)
{
	fixture_restart(&f);
	fixture_check(&f);
	struct session *s = session_find(&f.ledger.sessions, HOST);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(s->bindings);
	return s->bindings->expires - clock_now();
}

static void
grant_a_minute_ago(void)
{
	clock_set_boot("one");
	fixture_restart(&f);
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSAP_IP));
	ck_assert(store_commit(f.store));
	fixture_pass_ms(60 * 1000);
	store_put_session(f.store, session_find(&f.ledger.sessions, HOST)); /* a commit, now */
	ck_assert(store_commit(f.store));
}

/* Forward and back, before the restart or during it: to the store it is the same. */
START_TEST(clock_set_while_the_machine_runs)
{
	static const int64_t jumps_s[] = { 0, 1, -1, 7200, -7200, 400 * 86400, -400 * 86400 };
	const int64_t jump = jumps_s[_i];

	grant_a_minute_ago();
	fixture_set_wall(jump);
	ck_assert_int_ge(left_after_restart(), HOUR_MS - 60 * 1000);
	ck_assert_int_le(left_after_restart(), HOUR_MS - 60 * 1000 + 1000);
	fixture_pass_ms(1000 * 1000);
	ck_assert_int_ge(left_after_restart(), HOUR_MS - 1060 * 1000);
	ck_assert_int_le(left_after_restart(), HOUR_MS - 1060 * 1000 + 1000);
}
END_TEST

START_TEST(clock_of_another_start_of_the_machine)
{
	grant_a_minute_ago();
	clock_set_boot("two");
	fixture_restart_machine(&f, 600 * 1000);
	ck_assert_int_ge(left_after_restart(), HOUR_MS - 660 * 1000);
	ck_assert_int_le(left_after_restart(), HOUR_MS - 660 * 1000 + 1000);
	/* Its battery is empty, and it begins in 1970. */
	clock_set_boot("three");
	fixture_set_wall(-FIXTURE_START_WALL);
	ck_assert_int_ge(left_after_restart(), HOUR_MS - 660 * 1000);
	ck_assert_int_le(left_after_restart(), HOUR_MS - 600 * 1000);
}
END_TEST

static int
rows_of(const char *table)
{
	char text[100];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int n;

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	ck_assert(store_commit(f.store));
	ck_assert_int_eq(sqlite3_open_v2(f.db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
note_holder(const struct store_holder *holder, void *arg)
{
	((struct store_holder *)arg)[0] = *holder;
}

static ip4_t
who(ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at)
{
	struct store_holder holder = { 0 };

	ck_assert(who_held(&f.ledger, addr, kind, value, at, note_holder, &holder));
	return holder.host;
}

/* What version 3 had in other places, or not at all. */
static const char back_to_3[] =
    "DROP VIEW who_had; CREATE VIEW who_had AS SELECT 1; DROP TABLE run; DROP TABLE identity; DROP TABLE move;"
    "ALTER TABLE registration DROP COLUMN identity; ALTER TABLE registration DROP COLUMN moved;"
    "ALTER TABLE registration DROP COLUMN moved_from; ALTER TABLE registration ADD COLUMN last_port INTEGER;"
    "ALTER TABLE registration ADD COLUMN last_counter INTEGER; ALTER TABLE registration ADD COLUMN last_response BLOB;"
    "UPDATE registration SET (last_port, last_counter, last_response) = (SELECT port, counter, response FROM answer "
    "WHERE answer.client_id = registration.client_id ORDER BY seq DESC LIMIT 1);"
    "DROP TABLE answer; DROP TABLE latest;"
    "CREATE TABLE rows AS SELECT bind_id, client_id, host, name, method, local, kind, first, last, granted, ended, how "
    "FROM history; INSERT INTO rows SELECT bind_id, client_id, host, name, method, local, kind, first, last, granted, NULL, "
    "NULL FROM binding JOIN binding_tuple USING (bind_id) JOIN registration USING (client_id);"
    "DROP TABLE history; CREATE TABLE history AS SELECT * FROM rows ORDER BY bind_id; DROP TABLE rows;"
    "CREATE INDEX history_of_tuple ON history (local, kind, first);"
    "CREATE INDEX history_open ON history (bind_id) WHERE ended IS NULL;"
    "ALTER TABLE binding DROP COLUMN granted; ALTER TABLE binding DROP COLUMN extensions; PRAGMA user_version = 3";

START_TEST(older_version_is_brought_up_to_date)
{
	char *before, *after, *error = NULL;
	const struct binding *b;
	ip4_t addr;
	uint16_t port;
	sqlite3 *db;

	fill(&f);
	ck_assert(store_commit(f.store));
	b = session_find(&f.ledger.sessions, HOST)->bindings->next;
	addr = b->local_addr;
	port = binding_ports(b)[0].first;
	before = fixture_dump(&f);
	fixture_close(&f);
	ck_assert_int_eq(sqlite3_open(f.db, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, back_to_3, NULL, NULL, &error) == SQLITE_OK, "%s", error);
	sqlite3_close(db);
	fixture_open(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	ck_assert_uint_eq(store_last_bind_id(f.store), 5);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, FIXTURE_START_WALL), HOST);
	ck_assert_int_gt(rows_of("who_had"), rows_of("history"));
	ck_assert_int_eq(rows_of("history WHERE ended IS NULL"), 0);
	free(after);
	free(before);
}
END_TEST

/* --- who had what --- */

START_TEST(history)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, "x1", 2);
	struct binding *ipsec = grant(s, RSIP_METHOD_RSIPSEC), *whole = grant(s, RSIP_METHOD_RSA_IP);
	ip4_t addr = ipsec->local_addr, whole_addr = whole->local_addr;
	uint16_t port = binding_ports(ipsec)[0].first;
	uint32_t spi = binding_spis(ipsec)[0].last;
	uint64_t cookie = ipsec->cookie_value + 5;
	uint64_t ipsec_width = ~ipsec->cookie_mask + 1;
	int64_t t0 = FIXTURE_START_WALL;

	fixture_pass_ms(100 * 1000);
	lease_end(&f.ledger, ipsec, LEASE_FREED);
	fixture_pass_ms(100 * 1000);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port + 3u, t0 + 99), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port + 4u, t0 + 99), 0);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 100), 0);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 - 1), 0);
	ck_assert_uint_eq(who(addr, TUPLE_SPI, spi, t0 + 50), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_SPI, spi + 1u, t0 + 50), 0);
	ck_assert_uint_eq(who(addr, TUPLE_COOKIE, cookie, t0 + 50), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_COOKIE, cookie + (ipsec_width << 1), t0 + 50), 0);
	ck_assert_uint_eq(who(whole_addr, TUPLE_PORT, 80, t0 + 150), HOST); /* the whole address is every port */
	ck_assert_uint_eq(who(addr + 1, TUPLE_PORT, port, t0), 0);
}
END_TEST

static void
held_for(struct hold *hold, void *arg)
{
	ck_assert_uint_eq(hold->host, *(const ip4_t *)arg);
}

/* A host that moves takes all along: registration, leases, what is in hold-down, its counter; and the history knows where
 * it was when. */
START_TEST(move)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_UDP, NULL, "x1", 2);
	struct binding *b = grant(s, RSIP_METHOD_RSAP_IP), *early = grant(s, RSIP_METHOD_RSAP_IP);
	struct identity *laptop = identities_get(&f.ledger.identities, "laptop");
	ip4_t addr = b->local_addr, there = HOST + 0x100;
	uint16_t port = binding_ports(b)[0].first, early_port = binding_ports(early)[0].first;
	int64_t t0 = FIXTURE_START_WALL;
	char *before, *after;

	registration_claim(&f.ledger, s, laptop);
	laptop->counter = UINT64_MAX - 1;
	store_put_identity(f.store, laptop);
	fixture_pass_ms(100 * 1000);
	lease_end(&f.ledger, early, LEASE_FREED);
	registration_move(&f.ledger, s, HOST + 1, 0x0a000001);
	fixture_pass_ms(100 * 1000);
	registration_move(&f.ledger, s, there, 0x0a000002);
	ck_assert_ptr_null(session_find(&f.ledger.sessions, HOST));
	registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, NULL, 0); /* somebody else is there now */
	ck_assert(store_commit(f.store));

	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	fixture_check(&f);
	s = session_find(&f.ledger.sessions, there);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->identity->name, "laptop");
	ck_assert_ptr_eq(s->identity->session, s);
	ck_assert_uint_eq(s->identity->counter, UINT64_MAX - 1);
	ck_assert_uint_eq(s->moved_from, HOST + 1);
	ck_assert_int_eq(s->moved, t0 + 200);
	ck_assert_uint_eq(s->n_bindings, 1);
	pool_each_hold(f.ledger.pool, held_for, &there);
	for (int ended = 0; ended < 2; ended++) {
		ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 99), HOST);
		ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 100), HOST + 1);
		ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 199), HOST + 1);
		ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 200), there);
		ck_assert_uint_eq(who(addr, TUPLE_PORT, early_port, t0 + 50), HOST);
		fixture_pass_ms(100 * 1000);
		if (ended == 0)
			registration_end(&f.ledger, s, LEASE_DE_REGISTERED);
	}
	free(before);
	free(after);
}
END_TEST

/* The history has as many rows as tuples of leases that ended, less those that were removed. */
static int
history_rows(void)
{
	return rows_of("history");
}

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

START_TEST(old_history_goes)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, "x1", 2);
	struct binding *kept = grant(s, RSIP_METHOD_RSAP_IP);
	ip4_t addr = kept->local_addr;
	uint16_t port = binding_ports(kept)[0].first;
	int64_t t0 = FIXTURE_START_WALL;
	int steps = 1;

	for (int i = 0; i < 600; i++)
		lease_end(&f.ledger, grant(s, RSIP_METHOD_RSAP_IP), LEASE_FREED);
	fixture_pass_ms(1000 * 1000);
	lease_end(&f.ledger, grant(s, RSIP_METHOD_RSAP_IP), LEASE_FREED);
	ck_assert_int_eq(history_rows(), 601);
	ck_assert(!store_prune(f.store, t0)); /* nothing is that old */
	ck_assert_int_eq(history_rows(), 601);
	while (store_prune(f.store, t0 + 500))
		steps++;
	ck_assert_int_eq(steps, 2);
	ck_assert_int_eq(history_rows(), 1); /* what ended lately */
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 900), HOST);
	lease_end(&f.ledger, kept, LEASE_FREED);
	fixture_pass_ms(1000 * 1000);
	store_prune(f.store, t0 + 10000);
	ck_assert_int_eq(history_rows(), 0);
	ck_assert_uint_eq(store_last_bind_id(f.store), 602);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, restart_keeps_everything);
	tcase_add_test(tc, uncommitted_is_nothing);
	tcase_add_test(tc, registration_outlives_its_binding);
	tcase_add_test(tc, answers_do_not_pile_up);
	tcase_add_loop_test(tc, kill_9_at_any_instant, 0, 12);
	tcase_add_test(tc, failed_commit_leaves_the_last_good_state);
	tcase_add_loop_test(tc, unusable_databases, 0, 11);
	tcase_add_test(tc, unusable_places);
	tcase_add_test(tc, log_that_is_whole);
	tcase_add_loop_test(tc, log_that_is_damaged, 0, 3);
	tcase_add_test(tc, log_with_a_torn_end);
	tcase_add_test(tc, log_without_its_database);
	tcase_add_loop_test(tc, clock_set_while_the_machine_runs, 0, 7);
	tcase_add_test(tc, clock_of_another_start_of_the_machine);
	tcase_add_test(tc, older_version_is_brought_up_to_date);
	tcase_add_test(tc, history);
	tcase_add_test(tc, move);
	tcase_add_test(tc, old_history_goes);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
