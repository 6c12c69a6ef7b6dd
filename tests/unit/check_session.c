/* Sessions, the replay buffer, farewells, rates, deadlines: what the gateway remembers of its hosts. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "expiry.h"
#include "farewell.h"
#include "random.h"
#include "rate.h"
#include "replay.h"
#include "run_suite.h"
#include "session.h"
#include "slab.h"

/* --- the table --- */

START_TEST(client_ids)
{
	struct id_cursor walk = { 0 };
	struct session_table t;
	struct session *left;
	uint32_t seen[200];

	session_table_init(&t);
	for (uint32_t i = 0; i < 200; i++) {
		struct session *s = session_add(&t, 100 + i, 0);
		ck_assert_uint_ne(s->client_id, 0);
		seen[i] = s->client_id;
		ck_assert_ptr_eq(session_find(&t, 100 + i), s);
		ck_assert_ptr_eq(session_find_client(&t, s->client_id), s);
	}
	/* Unguessable: neither ascending nor within a small part of the space. */
	unsigned rises = 0;
	for (uint32_t i = 1; i < 200; i++)
		rises += seen[i] > seen[i - 1];
	ck_assert(rises > 60 && rises < 140);
	ck_assert_ptr_null(session_add(&t, 100, 0));
	ck_assert_ptr_null(session_add(&t, 99, seen[0]));
	ck_assert_uint_eq(session_count(&t), 200);
	while ((left = session_next(&t, &walk)) != NULL)
		session_remove(&t, left);
	ck_assert_uint_eq(session_count(&t), 0);
	session_table_done(&t);
}
END_TEST

START_TEST(names)
{
	struct session_table t;
	struct session *s;

	session_table_init(&t);
	s = session_add(&t, 1, 0);
	session_set_name(s, "büro-1 (x)", strlen("büro-1 (x)"));
	ck_assert_str_eq(s->name, "büro-1 (x)");
	session_set_name(s, "a\nb", 3);
	ck_assert_ptr_null(s->name);
	session_set_name(s, "x\" policy=root", 14); /* would forge a log field */
	ck_assert_ptr_null(s->name);
	session_set_name(s, "\xff\xfe", 2);
	ck_assert_ptr_null(s->name);
	session_remove(&t, s);
	session_table_done(&t);
}
END_TEST

/* What a walk stands on may go, and may move; what stays is met once. */
START_TEST(cursor)
{
	struct id_cursor c = { 0 };
	struct session_table t;
	struct session *s[4], *met, *first;
	unsigned n = 1;

	session_table_init(&t);
	for (uint32_t i = 0; i < 4; i++)
		s[i] = session_add(&t, 1 + i, 0);
	first = session_next(&t, &c);
	session_remove(&t, first == s[1] ? s[2] : s[1]);
	session_remove(&t, first);
	while ((met = session_next(&t, &c)) != NULL) {
		ck_assert_ptr_ne(met, first);
		n++;
	}
	ck_assert_uint_eq(n, 3);
	session_set_addr(&t, s[3] == first ? s[0] : s[3], 77);
	ck_assert_ptr_eq(session_find(&t, 77), s[3] == first ? s[0] : s[3]);
	c = (struct id_cursor){ 0 };
	while ((met = session_next(&t, &c)) != NULL)
		session_remove(&t, met);
	session_table_done(&t);
	ck_assert_ptr_null(session_next(&t, &c));
}
END_TEST

/* --- replay --- */

/* The numbered calls are one history of one host. */
START_TEST(replay)
{
	struct replay r = { 0 };
	static const struct {
		uint16_t port;
		uint32_t counter;
		enum replay_verdict verdict;
		bool note;
	} calls[] = {
		{ 5000, 1, REPLAY_NEW, true },           /* 0: nothing is known */
		{ 5000, 1, REPLAY_DUPLICATE, false },    /* 1 */
		{ 5000, 2, REPLAY_NEW, true },           /* 2 */
		{ 5000, 1, REPLAY_OLD, false },          /* 3 */
		{ 5000, 0xffffffff, REPLAY_OLD, false }, /* 4: behind, by the wrap */
		{ 5000, 0x70000000, REPLAY_NEW, true },  /* 5: far ahead */
		{ 5000, 0xe0000000, REPLAY_NEW, true },  /* 6 */
		{ 5000, 1, REPLAY_NEW, true },           /* 7: the wrap, RFC 3103 10.1 */
		{ 5001, 1, REPLAY_NEW, true },           /* 8: rebooted, new port */
		{ 5001, 1, REPLAY_DUPLICATE, false },    /* 9 */
		{ 5000, 1, REPLAY_OLD, false },          /* 10: its kept answer is gone, and it was executed */
		{ 5000, 2, REPLAY_NEW, true },           /* 11 */
		{ 5001, 1, REPLAY_OLD, false },          /* 12 */
		{ 5002, 7, REPLAY_NEW, true },           /* 13 */
		{ 5003, 7, REPLAY_NEW, true },           /* 14: four ports known now */
		{ 5001, 1, REPLAY_OLD, false },          /* 15: the oldest of them */
		{ 5004, 7, REPLAY_NEW, true },           /* 16 */
		{ 5001, 1, REPLAY_NEW, false },          /* 17: forgotten */
		{ 5000, 2, REPLAY_OLD, false },          /* 18: still known */
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		ck_assert_msg(replay_check(&r, calls[i].port, calls[i].counter) == calls[i].verdict, "call %u", i);
		if (calls[i].note)
			replay_note(&r, calls[i].port, calls[i].counter, &i, sizeof(i));
	}
	ck_assert_uint_eq(replay_port(&r), 5004);
	ck_assert_uint_eq(r.response_len, sizeof(unsigned));
	ck_assert_uint_eq(*(unsigned *)(void *)r.response, 16);
	replay_clear(&r);
}
END_TEST

START_TEST(farewells)
{
	struct farewell *f = farewell_new();
	uint8_t out[8];

	clock_set(1000, 1);
	farewell_note(f, 1, (struct replay_seq){ 5000, 3 }, "bye", 3);
	ck_assert_uint_eq(farewell_repeat(f, 1, (struct replay_seq){ 5000, 3 }, out, sizeof(out)), 3);
	ck_assert_mem_eq(out, "bye", 3);
	ck_assert_uint_eq(farewell_repeat(f, 1, (struct replay_seq){ 5000, 4 }, out, sizeof(out)), 0);
	ck_assert_uint_eq(farewell_repeat(f, 1, (struct replay_seq){ 5001, 3 }, out, sizeof(out)), 0);
	ck_assert_uint_eq(farewell_repeat(f, 2, (struct replay_seq){ 5000, 3 }, out, sizeof(out)), 0);
	clock_set(1000 + FAREWELL_MS, 31);
	ck_assert_uint_eq(farewell_repeat(f, 1, (struct replay_seq){ 5000, 3 }, out, sizeof(out)), 0);
	/* Bounded: the first to leave are the first forgotten. */
	for (uint32_t i = 0; i < FAREWELL_MAX + 10; i++)
		farewell_note(f, 100 + i, (struct replay_seq){ 1, 1 }, "x", 1);
	ck_assert_uint_eq(farewell_repeat(f, 109, (struct replay_seq){ 1, 1 }, out, sizeof(out)), 0);
	ck_assert_uint_eq(farewell_repeat(f, 110, (struct replay_seq){ 1, 1 }, out, sizeof(out)), 1);
	farewell_free(f);
}
END_TEST

/* --- rates --- */

START_TEST(rates)
{
	struct rate_table *t = rate_table_new();
	int64_t now = 1000000;
	unsigned taken = 0;

	clock_set(now, 1);
	while (rate_take(t, 1, 50))
		taken++;
	ck_assert_uint_eq(taken, 50); /* a second's worth at once */
	ck_assert(rate_take(t, 2, 50)); /* others are not concerned */
	clock_set(now + 19, 1);
	ck_assert(!rate_take(t, 1, 50));
	clock_set(now + 20, 1);
	ck_assert(rate_take(t, 1, 50));
	ck_assert(!rate_take(t, 1, 50));
	for (taken = 0, now += 20; taken < 1000; now++) { /* in the long run exactly the rate */
		clock_set(now + 1, 1);
		taken += rate_take(t, 1, 50);
	}
	ck_assert_int_ge(now, 1000000 + 19980);
	ck_assert_int_le(now, 1000000 + 20060);
	for (uint32_t i = 0; i < 100000; i++) { /* many strangers: memory stays bounded by those of the last second */
		clock_set(now + i, 1);
		rate_take(t, 1000 + i, 50);
	}
	rate_table_free(t);
}
END_TEST

/* --- deadlines --- */

struct thing { uint32_t number, slot; int64_t at; };

START_TEST(deadlines)
{
	enum { N = 500 };
	static struct slab slab = SLAB(struct thing);
	struct thing *things[N];
	struct expiry e;
	unsigned alive = 0;

	random_seed((uint64_t)_i + 5);
	for (unsigned i = 0; i < N; i++)
		things[i] = slab_take(&slab);
	expiry_init(&e, &slab, offsetof(struct thing, slot));
	for (int step = 0; step < 5000; step++) {
		struct thing *thing = things[random_below(N)];
		if (random_below(3) != 0) {
			alive += thing->slot == 0;
			thing->at = (int64_t)random_below(1000);
			expiry_set(&e, thing, thing->at);
		} else {
			alive -= thing->slot != 0;
			expiry_remove(&e, thing);
		}
	}
	int64_t last = -1;
	for (struct thing *thing; (thing = expiry_due(&e, INT64_MAX)) != NULL; alive--) {
		ck_assert_int_eq(expiry_next(&e), thing->at);
		ck_assert_int_ge(thing->at, last);
		last = thing->at;
		expiry_remove(&e, thing);
	}
	ck_assert_uint_eq(alive, 0);
	ck_assert_int_eq(expiry_next(&e), INT64_MAX);
	expiry_done(&e);
	for (unsigned i = 0; i < N; i++)
		slab_give(&slab, things[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, client_ids);
	tcase_add_test(tc, names);
	tcase_add_test(tc, cursor);
	tcase_add_test(tc, replay);
	tcase_add_test(tc, farewells);
	tcase_add_test(tc, rates);
	tcase_add_loop_test(tc, deadlines, 0, 5);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
