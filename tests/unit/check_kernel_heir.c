/* What an IKE daemon lays where a tunnel was that we have moved. */
#include <check.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <utlist.h>

#include "adoption/kernel_heir.h"

#define G 0xcb007102u
#define HOME 0xc000020au
#define AWAY 0xc633640au
#define IN 0x1000u
#define OUT 0x2000u
#define NEW_IN 0x1001u
#define NEW_OUT 0x2001u
#define REQID 16401

static struct kernel_state states[6];
static struct kernel_policy policies[3];
static struct kernel_table table;
static struct kernel_group group;
static struct tunnel tunnel, young;

static struct kernel_state *
sa(uint32_t spi, uint32_t src, uint32_t dst)
{
	states[table.n_states] = (struct kernel_state){ .spi = spi, .reqid = REQID, .src = { src, 4500 }, .dst = { dst, 4500 },
		.encap = true, .add_time = table.n_states };
	return &states[table.n_states++];
}

static void
policy(uint8_t dir, uint32_t src, uint32_t dst)
{
	policies[table.n_policies++] = (struct kernel_policy){ .dir = dir, .reqid = REQID, .src = src, .dst = dst };
}

/* The gateway's end of a tunnel that has followed the host from HOME to AWAY. */
static void
setup(void)
{
	table = (struct kernel_table){ .states = states, .policies = policies };
	group = (struct kernel_group){ .reqid = REQID };
	policy(XFRM_POLICY_OUT, G, AWAY);
	policy(XFRM_POLICY_IN, AWAY, G);
	policy(XFRM_POLICY_FWD, AWAY, G);
	tunnel = (struct tunnel){ .in = *sa(IN, AWAY, G), .out = *sa(OUT, G, AWAY), .spi_out = OUT, .moved = true,
		.laid = { { G, 4500 }, { HOME, 4500 } }, .group = &group };
	tunnel.sa.local = tunnel.in.dst;
	tunnel.sa.remote = tunnel.in.src;
	young = (struct tunnel){ .group = &group };
	DL_APPEND2(group.tunnels, &tunnel, group_prev, group_next);
}

static void
rekey(uint32_t host)
{
	sa(NEW_IN, host, G);
	sa(NEW_OUT, G, host);
}

START_TEST(laid_where_it_was)
{
	rekey(HOME);
	ck_assert_ptr_eq(kernel_heir(&group, &table), &tunnel);
	ck_assert_uint_eq(tunnel.heir.in, NEW_IN);
	ck_assert_uint_eq(tunnel.heir.out, NEW_OUT);
}
END_TEST

START_TEST(nothing_new)
{
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

/* What is drained is not new: the SPI is that of a tunnel. */
START_TEST(what_is_drained)
{
	sa(IN, HOME, G);
	sa(OUT, G, HOME);
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

/* The daemon has followed; or it leads its policies to where it lays its SAs, and is the newer one. */
START_TEST(laid_where_policies_lead)
{
	rekey(AWAY);
	ck_assert_ptr_null(kernel_heir(&group, &table));
	states[2].src.addr = states[3].dst.addr = HOME;
	policies[0].dst = policies[1].src = policies[2].src = HOME;
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

START_TEST(laid_elsewhere)
{
	rekey(0xc0000263u);
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

START_TEST(tunnel_that_we_never_moved)
{
	tunnel.moved = false;
	rekey(HOME);
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

/* An SPI that is only reserved, an outbound SA that is not there yet, and ESP that is not in UDP. */
START_TEST(not_whole_yet)
{
	rekey(HOME);
	states[2].encap = false;
	ck_assert_ptr_null(kernel_heir(&group, &table));
	states[2].encap = true;
	table.n_states--;
	ck_assert_ptr_null(kernel_heir(&group, &table));
	table.n_states++;
	states[3].encap = false;
	ck_assert_ptr_null(kernel_heir(&group, &table));
}
END_TEST

/* The daemon has deleted the SA before it where it was, so that it is there, the older of two at one place. */
START_TEST(its_outbound_sa)
{
	rekey(HOME);
	kernel_heir(&group, &table);
	states[2].src.addr = states[3].dst.addr = AWAY;
	states[0] = states[--table.n_states];
	ck_assert_uint_eq(kernel_heir_partner(&group, &table, &states[2]).spi, NEW_OUT);
	young.in = states[2];
	young.sa.local = states[2].dst;
	young.sa.remote = states[2].src;
	kernel_heir_inherit(&young);
	DL_DELETE2(group.tunnels, &tunnel, group_prev, group_next);
	DL_APPEND2(group.tunnels, &young, group_prev, group_next);
	ck_assert_uint_eq(kernel_heir_partner(&group, &table, &states[2]).spi, NEW_OUT);
	table.n_states = 0;
	ck_assert_uint_eq(kernel_heir_partner(&group, &table, &states[2]).spi, 0);
}
END_TEST

/* The next one is laid where the first was. */
START_TEST(what_it_inherits)
{
	tunnel.sa.roamed = true;
	young.sa.local = tunnel.sa.local;
	young.sa.remote = tunnel.sa.remote;
	kernel_heir_inherit(&young);
	ck_assert(young.moved && young.sa.roamed);
	ck_assert_uint_eq(young.laid.remote.addr, HOME);
}
END_TEST

/* A daemon that lays the next one elsewhere knows where it is. */
START_TEST(what_it_does_not_inherit)
{
	young.sa.local = tunnel.sa.local;
	young.sa.remote = (struct sa_end){ HOME, 4500 };
	kernel_heir_inherit(&young);
	ck_assert(!young.moved && !young.sa.roamed);
	ck_assert_uint_eq(young.laid.local.addr, G);
	ck_assert_uint_eq(young.laid.remote.addr, HOME);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("kernel_heir");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, laid_where_it_was);
	tcase_add_test(all, nothing_new);
	tcase_add_test(all, what_is_drained);
	tcase_add_test(all, laid_where_policies_lead);
	tcase_add_test(all, laid_elsewhere);
	tcase_add_test(all, tunnel_that_we_never_moved);
	tcase_add_test(all, not_whole_yet);
	tcase_add_test(all, its_outbound_sa);
	tcase_add_test(all, what_it_inherits);
	tcase_add_test(all, what_it_does_not_inherit);
	suite_add_tcase(s, all);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
