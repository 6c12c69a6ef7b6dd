/* Time runs, until a test sets it. */
#include "config.h"

#include <check.h>
#include <time.h>

#include "clock.h"
#include "run_suite.h"

static void
sleep_10_ms(void)
{
	struct timespec ts = { .tv_nsec = 10000000 };

	nanosleep(&ts, NULL);
}

START_TEST(test_clock)
{
	int64_t now = clock_now();

	ck_assert_int_gt(now, 0);
	ck_assert_int_gt(clock_wall(), 1700000000);
	sleep_10_ms();
	ck_assert_int_ge(clock_now(), now + 10);
	clock_set(5, 7);
	sleep_10_ms();
	ck_assert_int_eq(clock_now(), 5);
	ck_assert_int_eq(clock_wall(), 7);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, test_clock);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
