/* meters: what a binding has carried is found by its bind ID, and a place is used again. */
#include "config.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "meters.h"
#include "run_suite.h"

#define MANY 5000u

static struct meters *m;

static void
setup(void)
{
	log_init("check_meters", LOG_TO_NONE, LOG_LVL_ERROR, false);
	m = meters_new(MANY);
	ck_assert_ptr_nonnull(m);
}

static void
teardown(void)
{
	meters_free(m);
}

START_TEST(each_its_own)
{
	for (uint32_t id = 1; id <= MANY; id++) {
		struct meter *meter = meters_take(m, id);

		ck_assert_ptr_nonnull(meter);
		ck_assert_uint_eq(meter->in_packets, 0);
		meter->in_packets = id;
	}
	for (uint32_t id = 1; id <= MANY; id += 2)
		meters_leave(meters_take(m, id));
	for (uint32_t id = 1; id <= MANY; id++) {
		const struct meter *meter = meters_find(m, id);

		ck_assert_int_eq(meter != NULL, id % 2 == 0);
		ck_assert(meter == NULL || meter->in_packets == id);
	}
	ck_assert_uint_eq(meters_take(m, 2)->in_packets, 2);
	ck_assert_uint_eq(meters_take(m, 1)->in_packets, 0);
}
END_TEST

static bool
is_small(uint32_t bind_id, void *arg)
{
	return bind_id < *(uint32_t *)arg;
}

START_TEST(swept)
{
	uint32_t bound = 10;

	for (uint32_t id = 1; id <= 20; id++)
		meters_take(m, id * 1000003u % 20 + 1);
	meters_sweep(m, is_small, &bound);
	for (uint32_t id = 1; id <= 20; id++)
		ck_assert_int_eq(meters_find(m, id) != NULL, id < bound);
}
END_TEST

START_TEST(more_than_fits)
{
	uint32_t n = 0;

	for (uint32_t id = 1; id <= 4 * MANY; id++)
		n += meters_take(m, id) != NULL;
	ck_assert_uint_ge(n, MANY);
	ck_assert_uint_lt(n, 4 * MANY);
}
END_TEST

START_TEST(shared_with_a_child)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		meters_take(m, 7)->out_bytes = 70;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(meters_find(m, 7)->out_bytes, 70);
}
END_TEST

/* The whole of the memory that is mapped with it. */
static bool
spoil_around(const void *place)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uintptr_t first, end;
	bool found = false;

	while (maps != NULL && !found && fscanf(maps, "%" SCNxPTR "-%" SCNxPTR "%*[^\n]", &first, &end) == 2)
		found = first <= (uintptr_t)place && (uintptr_t)place < end;
	if (found)
		memset((void *)first, 0xff, end - first);
	return found;
}

/* The relay reads what anybody sends: who takes it over must not have its parent and control with it. */
START_TEST(spoilt_by_a_child)
{
	uint32_t bound = 10;
	int status;

	const struct meter *meter = meters_take(m, 7);
	pid_t pid = fork();
	if (pid == 0)
		_exit(spoil_around(meter) ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_ptr_null(meters_find(m, 8));
	meters_sweep(m, is_small, &bound);
}
END_TEST

START_TEST(none)
{
	uint32_t bound = 1;

	ck_assert_ptr_null(meters_take(NULL, 1));
	ck_assert_ptr_null(meters_find(NULL, 1));
	meters_leave(NULL);
	meters_sweep(NULL, is_small, &bound);
	meters_protect(NULL);
	meters_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("meters");
	TCase *tc = tcase_create("meters");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_its_own);
	tcase_add_test(tc, swept);
	tcase_add_test(tc, more_than_fits);
	tcase_add_test(tc, shared_with_a_child);
	tcase_add_test(tc, spoilt_by_a_child);
	tcase_add_test(tc, none);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
