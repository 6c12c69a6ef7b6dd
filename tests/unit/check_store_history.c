/* The store and time: clocks that are set, databases of older versions, and who had what when. */
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lease.h"
#include "registration.h"
#include "run_suite.h"
#include "store_suite.h"
#include "who_held.h"

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

	fill();
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
	uint64_t cookie = binding_terms(ipsec)->cookie_value + 5;
	uint64_t ipsec_width = ~binding_terms(ipsec)->cookie_mask + 1;
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

/* A complaint names a second: whoever had the port at any moment of it is told, be it the first, the last or the only one. */
START_TEST(seconds_in_part)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
	struct binding *b;
	int64_t t0 = FIXTURE_START_WALL;
	ip4_t addr;
	uint16_t port;

	fixture_pass_ms(700);
	b = grant(s, RSIP_METHOD_RSAP_IP);
	addr = b->local_addr;
	port = binding_ports(b)[0].first;
	fixture_pass_ms(2 * 1000 + 500 * _i); /* until 2.7, or 3.2 */
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, WHO_NOW), HOST);
	lease_end(&f.ledger, b, LEASE_FREED);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, WHO_NOW), 0);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 - 1), 0);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 2 + _i), HOST);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 3 + _i), 0);
	fixture_pass_ms(9 * 1000);
	b = grant(s, RSIP_METHOD_RSAP_IP);
	port = binding_ports(b)[0].first;
	fixture_pass_ms(50);
	lease_end(&f.ledger, b, LEASE_FREED);
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 11 + _i), HOST); /* it lived within that second */
	ck_assert_uint_eq(who(addr, TUPLE_PORT, port, t0 + 12 + _i), 0);
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
	Suite *suite = suite_create("store_history");
	TCase *tc = tcase_create("history");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, store_setup, store_teardown);
	tcase_add_loop_test(tc, clock_set_while_the_machine_runs, 0, 7);
	tcase_add_test(tc, clock_of_another_start_of_the_machine);
	tcase_add_test(tc, older_version_is_brought_up_to_date);
	tcase_add_test(tc, history);
	tcase_add_loop_test(tc, seconds_in_part, 0, 2);
	tcase_add_test(tc, move);
	tcase_add_test(tc, old_history_goes);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
