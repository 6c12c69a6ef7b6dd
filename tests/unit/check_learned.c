/* learned: quotas, order of use, time; and the IKE rules that stand on it, where a sequence says more than a case. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "learned.h"
#include "log.h"
#include "run_suite.h"

static struct learned_table *table;
static struct learner x1, x2;
static unsigned forgotten;
static uint64_t last_forgotten;

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)arg;
	forgotten++;
	last_forgotten = item->key.value;
}

static void
setup(void)
{
	table = learned_new(forgotten_cb, NULL);
	x1.max_cookies = 3;
	x2.max_cookies = 3;
	learned_join(table, &x1);
	learned_join(table, &x2);
	forgotten = 0;
}

static void
teardown(void)
{
	learned_leave(&x1);
	learned_leave(&x2);
	learned_free(table);
}

static struct learned_key
key_of(enum learned_kind kind, uint64_t value)
{
	return (struct learned_key){ .kind = kind, .local_addr = 1, .peer_addr = 2, .value = value };
}

static struct learned *
add(struct learner *who, enum learned_kind kind, uint64_t value, int64_t now)
{
	struct learned_key key = key_of(kind, value);

	return learned_add(table, &key, who, NULL, now);
}

static struct learned *
find(enum learned_kind kind, uint64_t value)
{
	struct learned_key key = key_of(kind, value);

	return learned_find(table, &key);
}

START_TEST(the_oldest_holder_is_found)
{
	struct learned_key key = key_of(LEARNED_IKE_PEER, 0);

	ck_assert_ptr_null(learned_find_sole(table, &key, NULL));
	struct learned *first = add(&x1, LEARNED_IKE_PEER, 0, 0), *second;
	ck_assert_ptr_eq(learned_find_sole(table, &key, NULL), first);
	second = add(&x2, LEARNED_IKE_PEER, 0, 0);
	ck_assert_ptr_null(learned_find_sole(table, &key, NULL));
	ck_assert_ptr_eq(learned_find(table, &key), first);
	ck_assert_ptr_eq(learned_find_of(table, &key, &x2), second);
	learned_forget(first);
	ck_assert_ptr_eq(learned_find_sole(table, &key, NULL), second);
}
END_TEST

START_TEST(every_field_of_the_key_counts)
{
	struct learned_key key = key_of(LEARNED_PEER_SPI, 7);

	add(&x1, LEARNED_PEER_SPI, 7, 0);
	ck_assert_ptr_nonnull(learned_find(table, &key));
	key.local_addr++;
	ck_assert_ptr_null(learned_find(table, &key));
	key = key_of(LEARNED_PEER_SPI, 7);
	key.peer_addr++;
	ck_assert_ptr_null(learned_find(table, &key));
	ck_assert_ptr_null(find(LEARNED_PEER_SPI, 8));
	ck_assert_ptr_null(find(LEARNED_ICMP_ID, 7));
}
END_TEST

START_TEST(a_full_quota_replaces_the_longest_unused)
{
	for (uint64_t i = 0; i < 256; i++)
		ck_assert_ptr_nonnull(add(&x1, LEARNED_ICMP_ID, i, (int64_t)i));
	learned_use(find(LEARNED_ICMP_ID, 0), 300);
	ck_assert_ptr_nonnull(add(&x1, LEARNED_ICMP_ID, 1000, 301));
	ck_assert_uint_eq(last_forgotten, 1);
	ck_assert_ptr_nonnull(find(LEARNED_ICMP_ID, 0));
	ck_assert_uint_eq(learner_count(&x1, LEARNED_ICMP_ID), 256);
	ck_assert_ptr_nonnull(add(&x2, LEARNED_ICMP_ID, 5000, 301)); /* the other has its own share */
	ck_assert_uint_eq(forgotten, 1);
}
END_TEST

START_TEST(used_cookies_are_not_given_up)
{
	for (uint64_t i = 1; i <= 3; i++)
		add(&x1, LEARNED_COOKIE, i, 0)->answered = true;
	ck_assert_ptr_null(add(&x1, LEARNED_COOKIE, 4, 119999));
	ck_assert_ptr_nonnull(add(&x1, LEARNED_COOKIE, 4, 120000)); /* two minutes unused */
	ck_assert_uint_eq(last_forgotten, 1);
}
END_TEST

START_TEST(a_peers_cookies_go_first)
{
	add(&x1, LEARNED_COOKIE, 1, 0)->answered = true;
	add(&x1, LEARNED_COOKIE, 2, 0);
	add(&x1, LEARNED_COOKIE, 3, 0);
	ck_assert_ptr_nonnull(add(&x1, LEARNED_COOKIE, 4, 0));
	ck_assert_uint_eq(last_forgotten, 2);
	ck_assert_ptr_nonnull(find(LEARNED_COOKIE, 1));
	for (uint64_t i = 100; i < 1000; i++) /* a flood of made-up ones */
		add(&x1, LEARNED_COOKIE, i, 0);
	ck_assert_ptr_nonnull(find(LEARNED_COOKIE, 1));
	ck_assert_uint_eq(learner_count(&x1, LEARNED_COOKIE), 3);
}
END_TEST

START_TEST(learning_off)
{
	x1.max_cookies = 0;
	ck_assert_ptr_null(add(&x1, LEARNED_COOKIE, 1, 0));
}
END_TEST

START_TEST(unused_items_expire)
{
	add(&x1, LEARNED_FRAGMENT_IN, 1, 0);
	add(&x1, LEARNED_ICMP_ID, 1, 0);
	add(&x2, LEARNED_COOKIE, 1, 0);
	learned_expire(table, 29999);
	ck_assert_uint_eq(forgotten, 0);
	learned_expire(table, 30000);
	ck_assert_ptr_null(find(LEARNED_FRAGMENT_IN, 1));
	learned_use(find(LEARNED_ICMP_ID, 1), 50000);
	learned_expire(table, 60000);
	ck_assert_ptr_nonnull(find(LEARNED_ICMP_ID, 1));
	learned_expire(table, 4 * 3600 * 1000);
	ck_assert_ptr_null(find(LEARNED_COOKIE, 1));
	ck_assert_uint_eq(forgotten, 3);
}
END_TEST

START_TEST(a_binding_takes_what_was_learned_with_it)
{
	struct demux_binding *one = (struct demux_binding *)&x1, *two = (struct demux_binding *)&x2; /* compared only */
	struct learned_key key = key_of(LEARNED_COOKIE, 1), other = key_of(LEARNED_COOKIE, 2);

	learned_add(table, &key, &x1, one, 0);
	learned_add(table, &other, &x1, two, 0);
	learned_forget_binding(&x1, one);
	ck_assert_ptr_null(learned_find(table, &key));
	ck_assert_ptr_nonnull(learned_find(table, &other));
	ck_assert_uint_eq(forgotten, 0);
}
END_TEST

static void
count(struct learned *item, void *arg)
{
	*(uint64_t *)arg += item->key.value;
}

START_TEST(walk)
{
	uint64_t sum = 0;

	add(&x1, LEARNED_COOKIE, 1, 0);
	add(&x2, LEARNED_COOKIE, 20, 0);
	add(&x2, LEARNED_ICMP_ID, 300, 0);
	learned_walk(table, LEARNED_COOKIE, count, &sum);
	ck_assert_uint_eq(sum, 21);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("learned");
	TCase *tc = tcase_create("learned");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_oldest_holder_is_found);
	tcase_add_test(tc, every_field_of_the_key_counts);
	tcase_add_test(tc, a_full_quota_replaces_the_longest_unused);
	tcase_add_test(tc, used_cookies_are_not_given_up);
	tcase_add_test(tc, a_peers_cookies_go_first);
	tcase_add_test(tc, learning_off);
	tcase_add_test(tc, unused_items_expire);
	tcase_add_test(tc, a_binding_takes_what_was_learned_with_it);
	tcase_add_test(tc, walk);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
