/* The table of objects by ID beside an array: what is added is found, what is removed is not, and a walk that lasts while
 * the table grows and shrinks comes across everything that stays, once; and the slab that they are records of. */
#include <check.h>
#include <stdlib.h>

#include "id_table.h"
#include "run_suite.h"

#define IDS 20000u

struct thing { uint32_t number, id, seen, next; };

static struct slab slab = SLAB(struct thing);
static struct thing *things[IDS];
static struct id_table table;

static void
setup(void)
{
	table = ID_TABLE(&slab, struct thing, id, next);
	for (uint32_t i = 0; i < IDS; i++) {
		things[i] = slab_take(&slab);
		things[i]->id = i * 0x10001u;
	}
}

static void
teardown(void)
{
	id_table_done(&table);
	for (uint32_t i = 0; i < IDS; i++)
		slab_give(&slab, things[i]);
}

START_TEST(found_until_removed)
{
	ck_assert_ptr_null(id_table_find(&table, 0));
	for (uint32_t i = 0; i < IDS; i++)
		id_table_add(&table, things[i]);
	ck_assert_uint_eq(table.n, IDS);
	for (uint32_t i = 0; i < IDS; i += 2)
		id_table_remove(&table, things[i]);
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_ptr_eq(id_table_find(&table, things[i]->id), i % 2 == 0 ? NULL : things[i]);
	ck_assert_ptr_null(id_table_find(&table, 1));
}
END_TEST

START_TEST(a_walk_while_it_changes)
{
	struct id_cursor cursor = { 0 };
	struct thing *thing;
	uint32_t added = IDS / 10, removed = 0;

	table.mixed = _i == 1; /* else IDs as they are */

	for (uint32_t i = 0; i < added; i++)
		id_table_add(&table, things[i]);
	while ((thing = id_table_next(&table, &cursor)) != NULL) {
		thing->seen++;
		for (int n = 0; n < 9 && added < IDS; n++)
			id_table_add(&table, things[added++]);
		if (removed < IDS / 20 && removed % 3 == 0)
			id_table_remove(&table, things[removed]);
		removed++;
	}
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_uint_le(things[i]->seen, 1);
	for (uint32_t i = IDS / 20; i < IDS / 10; i++)
		ck_assert_uint_eq(things[i]->seen, 1);
	ck_assert_ptr_null(id_table_next(&table, &cursor));
}
END_TEST

START_TEST(small_ids_in_their_order)
{
	struct id_cursor cursor = { 0 };

	for (uint32_t i = 0; i < 300; i++) {
		things[i]->id = 299 - i;
		id_table_add(&table, things[i]);
	}
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_uint_eq(((struct thing *)id_table_next(&table, &cursor))->id, i);
	ck_assert_ptr_null(id_table_next(&table, &cursor));
}
END_TEST

/* Hosts at .1 of their networks: no bucket has more than a few of them. */
START_TEST(addresses_of_many_networks)
{
	uint32_t longest = 0;

	table.mixed = true;
	for (uint32_t i = 0; i < IDS; i++) {
		things[i]->id = 0x0a000001u + (i << 8);
		id_table_add(&table, things[i]);
	}
	for (uint32_t i = 0; i < table.n_buckets; i++) {
		uint32_t n = 0;
		for (const struct thing *t = slab_at(&slab, table.buckets[i]); t != NULL; t = slab_at(&slab, t->next))
			n++;
		longest = n > longest ? n : longest;
	}
	ck_assert_uint_le(longest, 12);
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_ptr_eq(id_table_find(&table, things[i]->id), things[i]);
}
END_TEST

START_TEST(records_are_used_again)
{
	uint32_t n = slab.n, number = things[7]->number;
	struct thing *again;

	things[7]->seen = 1;
	slab_give(&slab, things[7]);
	again = slab_take(&slab);
	ck_assert_ptr_eq(again, things[7]);
	ck_assert(again->number == number && again->seen == 0 && again->id == 0);
	ck_assert_uint_eq(slab.n, n);
	ck_assert_ptr_null(slab_at(&slab, 0));
	for (uint32_t i = 0; i < IDS; i++)
		ck_assert_ptr_eq(slab_at(&slab, slab_number(things[i])), things[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("id_table");
	TCase *tc = tcase_create("id_table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, found_until_removed);
	tcase_add_loop_test(tc, a_walk_while_it_changes, 0, 2);
	tcase_add_test(tc, addresses_of_many_networks);
	tcase_add_test(tc, records_are_used_again);
	tcase_add_test(tc, small_ids_in_their_order);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
