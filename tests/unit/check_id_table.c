/* The table of objects by ID beside an array: what is added is found, what is removed is not, and a walk that lasts while
 * the table grows and shrinks comes across everything that stays, once. */
#include <check.h>
#include <stdlib.h>

#include "id_table.h"

#define IDS 20000u

struct thing { uint32_t id, seen; struct thing *next; };

static struct thing things[IDS];
static struct id_table table;

static void
setup(void)
{
	table = ID_TABLE(struct thing, id, next);
	for (uint32_t i = 0; i < IDS; i++)
		things[i] = (struct thing){ .id = i * 0x10001u };
}

static void
teardown(void)
{
	id_table_done(&table);
}

START_TEST(found_until_removed)
{
	ck_assert_ptr_null(id_table_find(&table, 0));
	for (uint32_t i = 0; i < IDS; i++)
		id_table_add(&table, &things[i]);
	ck_assert_uint_eq(table.n, IDS);
	for (uint32_t i = 0; i < IDS; i += 2)
		id_table_remove(&table, &things[i]);
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_ptr_eq(id_table_find(&table, things[i].id), i % 2 == 0 ? NULL : &things[i]);
	ck_assert_ptr_null(id_table_find(&table, 1));
}
END_TEST

START_TEST(a_walk_while_it_changes)
{
	struct id_cursor cursor = { 0 };
	struct thing *thing;
	uint32_t added = IDS / 10, removed = 0;

	for (uint32_t i = 0; i < added; i++)
		id_table_add(&table, &things[i]);
	while ((thing = id_table_next(&table, &cursor)) != NULL) {
		thing->seen++;
		for (int n = 0; n < 9 && added < IDS; n++)
			id_table_add(&table, &things[added++]);
		if (removed < IDS / 20 && removed % 3 == 0)
			id_table_remove(&table, &things[removed]);
		removed++;
	}
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_uint_le(things[i].seen, 1);
	for (uint32_t i = IDS / 20; i < IDS / 10; i++)
		ck_assert_uint_eq(things[i].seen, 1);
	ck_assert_ptr_null(id_table_next(&table, &cursor));
}
END_TEST

START_TEST(small_ids_in_their_order)
{
	struct id_cursor cursor = { 0 };

	for (uint32_t i = 0; i < 300; i++) {
		things[i].id = 299 - i;
		id_table_add(&table, &things[i]);
	}
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_uint_eq(((struct thing *)id_table_next(&table, &cursor))->id, i);
	ck_assert_ptr_null(id_table_next(&table, &cursor));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("id_table");
	TCase *tc = tcase_create("id_table");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, found_until_removed);
	tcase_add_test(tc, a_walk_while_it_changes);
	tcase_add_test(tc, small_ids_in_their_order);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
