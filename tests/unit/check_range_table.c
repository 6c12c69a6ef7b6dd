/* The table of ranges beside an array with the owner of every number: what is added is found by any of its numbers, also when
 * there are many leaves, and what is removed is not. */
#include <check.h>
#include <stdlib.h>

#include "range_table.h"
#include "run_suite.h"

#define SPACE 20000u
#define OWNERS 3u

static struct range_table table;
static uint32_t owner_of[SPACE], first_of[SPACE]; /* owner 0: nobody's */

static uint32_t
below(uint32_t n)
{
	return (uint32_t)random() % n;
}

/* The lowest number of first..last that is somebody's; SPACE when there is none. */
static uint32_t
lowest(uint32_t first, uint32_t last)
{
	while (first <= last && owner_of[first] == 0)
		first++;
	return first <= last ? first : SPACE;
}

static void
compare(uint32_t first, uint32_t last)
{
	const struct range_entry *entry = range_table_find(&table, first, last);
	uint32_t at = lowest(first, last);

	if (at == SPACE) {
		ck_assert_ptr_null(entry);
		return;
	}
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->first, first_of[at]);
	ck_assert_uint_eq(entry->owner, owner_of[at]);
	ck_assert(entry->last >= at && (entry->last + 1 == SPACE || owner_of[entry->last + 1] == 0 ||
	                                first_of[entry->last + 1] != entry->first));
}

static void
both_add(uint32_t first, uint32_t last)
{
	uint32_t owner = 1 + below(OWNERS);

	if (lowest(first, last) != SPACE)
		return;
	range_table_add(&table, first, last, owner);
	for (uint32_t i = first; i <= last; i++) {
		owner_of[i] = owner;
		first_of[i] = first;
	}
}

static void
both_remove(uint32_t number, uint32_t owner)
{
	uint32_t first = first_of[number];

	range_table_remove(&table, number, owner);
	if (owner_of[number] != owner)
		return;
	for (uint32_t i = first; i < SPACE && owner_of[i] != 0 && first_of[i] == first; i++)
		owner_of[i] = 0;
}

static uint32_t
leaves_of(uint32_t steps, uint32_t adds_of_ten)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < steps; i++) {
		uint32_t first = below(SPACE - 8);

		if (below(10) < adds_of_ten)
			both_add(first, first + below(8));
		else
			both_remove(first, 1 + below(OWNERS));
		first = below(SPACE - 8);
		compare(first, first + below(8));
		most = table.n_leaves > most ? table.n_leaves : most;
	}
	return most;
}

START_TEST(beside_an_array)
{
	srandom((unsigned)_i + 1);
	ck_assert_uint_ge(leaves_of(20000, 8), 16);
	leaves_of(20000, 2);
	for (uint32_t i = 0; i < SPACE; i++) {
		compare(i, i);
		for (uint32_t owner = 1; owner <= OWNERS; owner++)
			both_remove(i, owner);
	}
	ck_assert_uint_eq(table.n_leaves, 0);
	ck_assert_ptr_null(range_table_find(&table, 0, UINT64_MAX));
	range_table_done(&table);
}
END_TEST

/* As bindings come back at a start; and the ends of the numbers. */
START_TEST(in_order)
{
	for (uint64_t i = 0; i < 1000; i++)
		range_table_add(&table, i * 2, i * 2, (uint32_t)i);
	range_table_add(&table, UINT64_MAX - 1, UINT64_MAX, 7);
	ck_assert_uint_le(table.n_leaves, 16);
	for (uint64_t i = 0; i < 1000; i++) {
		ck_assert_uint_eq(range_table_find(&table, i * 2, i * 2)->owner, i);
		ck_assert_ptr_null(range_table_find(&table, i * 2 + 1, i * 2 + 1));
	}
	ck_assert_uint_eq(range_table_find(&table, UINT64_MAX, UINT64_MAX)->owner, 7);
	ck_assert_uint_eq(range_table_find(&table, 1, UINT64_MAX)->owner, 1);
	range_table_remove(&table, UINT64_MAX, 6);
	range_table_remove(&table, 1, 0);
	ck_assert_uint_eq(range_table_find(&table, 1999, UINT64_MAX)->owner, 7);
	range_table_done(&table);
	ck_assert_ptr_null(range_table_find(&table, 0, UINT64_MAX));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("range_table");
	TCase *tc = tcase_create("range_table");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, beside_an_array, 0, 2);
	tcase_add_test(tc, in_order);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
