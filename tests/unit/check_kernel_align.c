/* When a tunnel of the kernel's is in pieces: what an IKE daemon may have done to its policies, one by one. */
#include <check.h>
#include <linux/xfrm.h>
#include <stdlib.h>

#include "adoption/kernel_align.h"
#include "run_suite.h"

#define HERE 0xcb007101u
#define THERE 0xcb0071c8u
#define ELSEWHERE 0xc6336407u

static struct kernel_state states[4];
static struct kernel_policy policies[6];
static struct kernel_table table;

static void
sa(uint32_t spi, uint32_t src, uint32_t dst)
{
	states[table.n_states++] = (struct kernel_state){ .spi = spi, .reqid = 7, .src = { src, 4500 }, .dst = { dst, 4500 } };
}

/* Policies of one family of addresses inside: out, in and fwd. */
static void
family(uint32_t here, uint32_t there)
{
	policies[table.n_policies++] = (struct kernel_policy){ .dir = XFRM_POLICY_OUT, .reqid = 7, .src = here, .dst = there };
	policies[table.n_policies++] = (struct kernel_policy){ .dir = XFRM_POLICY_IN, .reqid = 7, .src = there, .dst = here };
	policies[table.n_policies++] = (struct kernel_policy){ .dir = XFRM_POLICY_FWD, .reqid = 7, .src = there, .dst = here };
}

static void
setup(void)
{
	table = (struct kernel_table){ .states = states, .policies = policies };
	sa(1, THERE, HERE);
	sa(2, HERE, THERE);
}

static bool
astray(void)
{
	return kernel_is_astray(&table, &states[0], &states[1]);
}

START_TEST(whole)
{
	family(HERE, THERE);
	ck_assert(!astray());
	policies[0].src = 0; /* a template may leave it open */
	ck_assert(!astray());
}
END_TEST

START_TEST(without_policies)
{
	ck_assert(!astray());
}
END_TEST

START_TEST(all_led_away)
{
	family(ELSEWHERE, THERE);
	ck_assert(astray());
}
END_TEST

/* Those of IPv4, or a single one of them, while those of IPv6 are right. */
START_TEST(some_led_away)
{
	family(HERE, THERE);
	family(HERE, THERE);
	policies[_i].src = _i == 0 ? ELSEWHERE : THERE;
	policies[_i].dst = _i == 0 ? THERE : ELSEWHERE;
	ck_assert(astray());
}
END_TEST

/* It may be the way to the other. */
START_TEST(another_tunnel_of_the_reqid)
{
	family(HERE, THERE);
	family(ELSEWHERE, THERE);
	sa(3, THERE, ELSEWHERE);
	ck_assert(!astray());
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kernel_align");
	TCase *tc = tcase_create("kernel_align");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, without_policies);
	tcase_add_test(tc, all_led_away);
	tcase_add_loop_test(tc, some_led_away, 0, 3);
	tcase_add_test(tc, another_tunnel_of_the_reqid);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
