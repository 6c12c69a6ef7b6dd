/* The order of things in one turn of the loop. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"
#include "run_suite.h"

static struct loop *loop;
static char trace[64];
static struct loop_event *first, *second;
static int pipe_fds[2];

static void
note(char c)
{
	size_t len = strlen(trace);

	ck_assert_uint_lt(len, sizeof(trace) - 1);
	trace[len] = c;
	trace[len + 1] = '\0';
}

static void
setup(void)
{
	trace[0] = '\0';
	loop = loop_new();
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
}

static void
teardown(void)
{
	loop_event_free(first);
	loop_event_free(second);
	loop_free(loop);
}

static void
on_first(void *arg)
{
	(void)arg;
	note('1');
}

static void
on_second_again(void *arg)
{
	(void)arg;
	note('2');
	loop_deferred_raise(first);
	loop_deferred_raise(second);
}

static void
on_input(int fd, void *arg)
{
	(void)fd; /* not read: it is ready for ever */
	note('i');
	loop_deferred_raise(arg);
	loop_deferred_raise(arg);
}

START_TEST(deferred_work_follows_the_input_of_each_turn)
{
	struct loop_event *input;

	first = loop_deferred(loop, on_first, NULL);
	input = loop_readable(loop, pipe_fds[0], on_input, first);
	loop_once(loop, true);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "i1i1");
	loop_event_free(input);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "i1i1");
}
END_TEST

START_TEST(what_deferred_work_raises_waits_a_turn_and_no_turn_blocks_on_it)
{
	first = loop_deferred(loop, on_first, NULL);
	second = loop_deferred(loop, on_second_again, NULL);
	loop_deferred_raise(second);
	loop_once(loop, true);
	ck_assert_str_eq(trace, "2");
	loop_once(loop, true);
	ck_assert_str_eq(trace, "212");
}
END_TEST

static void
free_first(void *arg)
{
	(void)arg;
	note('f');
	loop_event_free(first);
	first = NULL;
}

START_TEST(a_raised_call_may_be_freed)
{
	first = loop_deferred(loop, on_first, NULL);
	second = loop_deferred(loop, free_first, NULL);
	loop_deferred_raise(second);
	loop_deferred_raise(first);
	loop_once(loop, false);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "f");
}
END_TEST

static void
stop_and_raise(void *arg)
{
	(void)arg;
	note('t');
	loop_deferred_raise(first);
	loop_stop(loop);
}

START_TEST(stopping_ends_the_turn_first)
{
	first = loop_deferred(loop, on_first, NULL);
	second = loop_timer(loop, stop_and_raise, NULL);
	loop_timer_set(second, 1);
	loop_run(loop);
	ck_assert_str_eq(trace, "t1");
	loop_timer_set(second, -5);
	loop_run(loop); /* may be run again */
	ck_assert_str_eq(trace, "t1t1");
}
END_TEST

static void
on_signal(void *arg)
{
	(void)arg;
	note('s');
	loop_stop(loop);
}

START_TEST(signals_and_timers)
{
	first = loop_signal(loop, SIGUSR1, on_signal, NULL);
	second = loop_timer(loop, on_first, NULL);
	loop_timer_set(second, 0);
	loop_timer_cancel(second);
	raise(SIGUSR1);
	loop_run(loop);
	ck_assert_str_eq(trace, "s");
}
END_TEST

/* ---- sleep: the test's clock goes on, libevent's does not ---- */

#define HOUR_MS 3600000

START_TEST(what_was_due_in_sleep_is_due_at_once)
{
	clock_set(1000, 0);
	first = loop_timer(loop, on_first, NULL);
	second = loop_timer(loop, on_second_again, NULL);
	loop_timer_at(first, 1000 + HOUR_MS);
	loop_timer_set(second, HOUR_MS);
	clock_set(1000 + 2 * HOUR_MS, 0);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "");
	loop_wake(loop);
	loop_once(loop, true);
	ck_assert_str_eq(trace, "1"); /* the second is patience */
	loop_wake(loop);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "1");
}
END_TEST

START_TEST(what_is_due_later_is_due_sooner_after_sleep)
{
	clock_set(1000, 0);
	first = loop_timer(loop, on_first, NULL);
	loop_timer_at(first, 1000 + HOUR_MS);
	clock_set(1000 + HOUR_MS - 20, 0);
	loop_wake(loop);
	loop_once(loop, true);
	ck_assert_str_eq(trace, "1");
}
END_TEST

START_TEST(a_timer_cancelled_or_set_anew_does_not_wake)
{
	clock_set(1000, 0);
	first = loop_timer(loop, on_first, NULL);
	second = loop_timer(loop, on_first, NULL);
	loop_timer_at(first, 2000);
	loop_timer_cancel(first);
	loop_timer_at(second, 2000);
	loop_timer_set(second, HOUR_MS);
	clock_set(1000 + HOUR_MS, 0);
	loop_wake(loop);
	loop_once(loop, false);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "");
	loop_timer_at(first, 0);
	loop_once(loop, true);
	ck_assert_str_eq(trace, "1");
}
END_TEST

START_TEST(who_waits_for_waking_is_told)
{
	first = loop_woken(loop, on_first, NULL);
	second = loop_woken(loop, free_first, NULL);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "");
	loop_wake(loop);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "1f");
	loop_wake(loop);
	loop_once(loop, false);
	ck_assert_str_eq(trace, "1ff");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, deferred_work_follows_the_input_of_each_turn);
	tcase_add_test(tc, what_deferred_work_raises_waits_a_turn_and_no_turn_blocks_on_it);
	tcase_add_test(tc, a_raised_call_may_be_freed);
	tcase_add_test(tc, stopping_ends_the_turn_first);
	tcase_add_test(tc, signals_and_timers);
	tcase_add_test(tc, what_was_due_in_sleep_is_due_at_once);
	tcase_add_test(tc, what_is_due_later_is_due_sooner_after_sleep);
	tcase_add_test(tc, a_timer_cancelled_or_set_anew_does_not_wake);
	tcase_add_test(tc, who_waits_for_waking_is_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
