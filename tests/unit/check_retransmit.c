/* When a request is sent again, how long to wait after failures, when to renew: all on a clock set by hand. */
#include <check.h>
#include <stdlib.h>

#include "backoff.h"
#include "clock.h"
#include "renew.h"
#include "retransmit.h"
#include "run_suite.h"
#include "when.h"

#define START 1000000

static void
at(int64_t ms)
{
	clock_set(START + ms, 0);
}

/* RFC 3103 5: 12.5 ms, doubled, seven attempts. The sums are 12.5, 37.5, 87.5, 187.5, 387.5, 787.5, 1587.5. */
START_TEST(udp_attempts)
{
	static const int64_t due[] = { 13, 38, 88, 188, 388, 788, 1588 };
	struct retransmit r = { 0 };

	at(0);
	ck_assert_int_eq(retransmit_due(&r), WHEN_NEVER);
	retransmit_start(&r, &retransmit_udp);
	for (int i = 0; i < 7; i++) {
		ck_assert_int_eq(retransmit_due(&r), START + due[i]);
		at(due[i] - 1);
		ck_assert_int_eq(retransmit_step(&r), RETRANSMIT_WAIT);
		at(due[i]);
		ck_assert_int_eq(retransmit_step(&r), i < 6 ? RETRANSMIT_SEND : RETRANSMIT_GIVE_UP);
	}
	ck_assert_int_eq(retransmit_due(&r), WHEN_NEVER);
	ck_assert_int_eq(retransmit_step(&r), RETRANSMIT_WAIT);
}
END_TEST

/* A process that slept through several attempts makes them up one by one, at once. */
START_TEST(udp_late)
{
	struct retransmit r = { 0 };
	int sent = 1;

	at(0);
	retransmit_start(&r, &retransmit_udp);
	at(5000);
	while (retransmit_step(&r) == RETRANSMIT_SEND)
		sent++;
	ck_assert_int_eq(sent, 7);
}
END_TEST

START_TEST(tcp_attempt)
{
	struct retransmit r = { 0 };

	at(0);
	retransmit_start(&r, &retransmit_tcp);
	at(14999);
	ck_assert_int_eq(retransmit_step(&r), RETRANSMIT_WAIT);
	at(15000);
	ck_assert_int_eq(retransmit_step(&r), RETRANSMIT_GIVE_UP);
}
END_TEST

START_TEST(stopped)
{
	struct retransmit r = { 0 };

	at(0);
	retransmit_start(&r, &retransmit_udp);
	retransmit_stop(&r);
	at(5000);
	ck_assert_int_eq(retransmit_step(&r), RETRANSMIT_WAIT);
	ck_assert_int_eq(retransmit_due(&r), WHEN_NEVER);
}
END_TEST

START_TEST(counter)
{
	ck_assert_uint_eq(retransmit_next_counter(0), 1);
	ck_assert_uint_eq(retransmit_next_counter(1), 2);
	ck_assert_uint_eq(retransmit_next_counter(UINT32_MAX - 1), UINT32_MAX);
	ck_assert_uint_eq(retransmit_next_counter(UINT32_MAX), 1); /* not 0 */
}
END_TEST

START_TEST(backoff_steps)
{
	static const int64_t step[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct backoff b = { 0 };

	for (int i = 0; i < 8; i++) {
		int64_t wait = backoff_fail(&b);
		ck_assert_int_ge(wait, step[i] * 3 / 4);
		ck_assert_int_le(wait, step[i] * 5 / 4);
	}
	backoff_reset(&b);
	ck_assert_int_le(backoff_fail(&b), 1250);
}
END_TEST

/* Hosts that lost the same gateway at the same time do not return together. */
START_TEST(backoff_spreads)
{
	int64_t least = INT64_MAX, most = 0;

	for (int i = 0; i < 200; i++) {
		struct backoff b = { .delay_ms = BACKOFF_LAST_MS };
		int64_t wait = backoff_fail(&b);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	ck_assert_int_gt(most - least, BACKOFF_LAST_MS / 4);
}
END_TEST

START_TEST(renewal)
{
	int64_t expires, renew_at;

	at(0);
	renew_granted(&expires, &renew_at, 3600);
	ck_assert_int_eq(expires, START + 3600000);
	ck_assert_int_eq(renew_at, START + 1800000);
	at(1800000);
	ck_assert_int_eq(renew_again(expires), START + 2700000);
	at(2700000);
	ck_assert_int_eq(renew_again(expires), START + 3150000);
	at(3599200);
	ck_assert_int_eq(renew_again(expires), WHEN_NEVER); /* less than a second left: it runs out */
	at(0);
	renew_granted(&expires, &renew_at, UINT32_MAX);
	ck_assert_int_eq(expires, START + INT64_C(4294967295000));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("retransmit");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, udp_attempts);
	tcase_add_test(tc, udp_late);
	tcase_add_test(tc, tcp_attempt);
	tcase_add_test(tc, stopped);
	tcase_add_test(tc, counter);
	tcase_add_test(tc, backoff_steps);
	tcase_add_test(tc, backoff_spreads);
	tcase_add_test(tc, renewal);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
