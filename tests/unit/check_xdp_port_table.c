/* The table of ports that the XDP programs read: what they find by its blocks is what was set, after any history. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "run_suite.h"
#include "xdp_port_table.h"

static struct xdp_ports table;
static uint32_t twin[65536];

/* As the programs do it. */
static uint32_t
owner_of(uint16_t port)
{
	uint32_t owner = table.block[port / XDP_PORT_BLOCK];

	return owner != XDP_PORT_MIXED ? owner : table.owner[port];
}

static void
set_range(unsigned first, unsigned n, uint32_t owner)
{
	for (unsigned port = first; port < first + n && port < 65536; port++) {
		xdp_port_set(&table, (uint16_t)port, owner);
		twin[port] = owner;
	}
}

static void
compare(void)
{
	for (unsigned port = 0; port < 65536; port++)
		ck_assert_uint_eq(owner_of((uint16_t)port), twin[port]);
}

START_TEST(random_ranges)
{
	srandom((unsigned)_i + 1);
	compare();
	for (int i = 0; i < 2000; i++) {
		unsigned shift = (unsigned)random() % 8, first = (unsigned)random() % 65536;
		if (random() % 2)
			first = first >> shift << shift;
		set_range(first, 1u << shift, random() % 3 == 0 ? XDP_PORT_NOBODY : (uint32_t)(random() % 5 + 1));
		if (i % 200 == 0)
			compare();
	}
	set_range(500, 1, XDP_PORT_IKE);
	set_range(4500, 1, XDP_PORT_NATT);
	compare();
}
END_TEST

/* A block that one lease has is known as such: that is what makes the programs fast. */
START_TEST(aligned_blocks_are_uniform)
{
	set_range(1024, 64, 7);
	for (unsigned block = 1024 / XDP_PORT_BLOCK; block < 1088 / XDP_PORT_BLOCK; block++)
		ck_assert_uint_eq(table.block[block], 7);
	set_range(1030, 1, 8);
	ck_assert_uint_eq(table.block[1024 / XDP_PORT_BLOCK], XDP_PORT_MIXED);
	set_range(1030, 1, 7);
	ck_assert_uint_eq(table.block[1024 / XDP_PORT_BLOCK], 7);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("xdp_port_table");
	TCase *tc = tcase_create("xdp_port_table");

	tcase_add_loop_test(tc, random_ranges, 0, 4);
	tcase_add_test(tc, aligned_blocks_are_uniform);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
