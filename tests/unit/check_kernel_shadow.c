/* The shadows of a tunnel's policies: what they are, and what ends them. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "adoption/kernel_shadow.h"
#include "adoption/kernel_tunnel.h"
#include "adoption/netlink_xfrm.h"
#include "log.h"
#include "run_suite.h"
#include "xfrm_world.h"

#define G 0xcb007102u
#define HOME 0xc000020au
#define AWAY 0xc633640au
#define IN 0x1000u
#define OUT 0x2000u
#define REQID 7
#define PRIORITY 371327

static struct kernel_backend backend;
static struct tunnel tunnel;

/* What there is becomes known, as by the kernel's news. */
static void
know(struct kernel_table *table)
{
	ck_assert_int_eq(kernel_table_read(NULL, table), 0);
	kernel_names_all(backend.names, table);
}

static void
lay(void)
{
	struct kernel_table table;

	know(&table);
	kernel_shadow_lay(tunnel.group, &table);
	kernel_table_clear(&table);
	know(&table);
	kernel_table_clear(&table);
}

/* The gateway's end of a tunnel that has just followed the host. */
static void
setup(void)
{
	struct kernel_table table;

	log_init("check_kernel_shadow", LOG_TO_NONE, LOG_LVL_ERROR, false);
	world_clear();
	world_policy(XFRM_POLICY_OUT, G, AWAY);
	world_policy(XFRM_POLICY_IN, AWAY, G);
	world_policy(XFRM_POLICY_FWD, AWAY, G);
	for (size_t i = 0; i < xfrm_world.n_policies; i++)
		xfrm_world.policies[i].priority = PRIORITY;
	xfrm_world.policies[0].spi = OUT;
	backend = (struct kernel_backend){ .names = kernel_names_new() };
	know(&table);
	kernel_table_clear(&table);
	tunnel = (struct tunnel){
		.backend = &backend, .group = kernel_names_group(backend.names, REQID),
		.sa = { .local.addr = G, .remote.addr = AWAY }, .in = { .spi = IN, .reqid = REQID },
		.out = { .spi = OUT, .reqid = REQID }, .spi_out = OUT, .found = true, .unshadowed = true,
	};
	DL_APPEND(backend.tunnels, &tunnel);
	DL_APPEND2(tunnel.group->tunnels, &tunnel, group_prev, group_next);
}

static void
teardown(void)
{
	kernel_names_free(backend.names);
}

static size_t
shadows(void)
{
	size_t n = 0;

	for (size_t i = 0; i < xfrm_world.n_policies; i++)
		n += xfrm_world.policies[i].mark.m == KERNEL_SHADOW_MARK;
	return n;
}

/* ---- what they are ---- */

START_TEST(each_has_one)
{
	lay();
	ck_assert_uint_eq(xfrm_world.n_policies, 6);
	for (size_t i = 0; i < 3; i++) {
		const struct world_policy *original = &xfrm_world.policies[i], *shadow = &xfrm_world.policies[i + 3];

		ck_assert_uint_eq(original->priority, PRIORITY);
		ck_assert_uint_eq(original->mark.m, 0);
		ck_assert_uint_eq(original->ends_after, 0);
		ck_assert_uint_eq(shadow->dir, original->dir);
		ck_assert_uint_eq(shadow->src, original->src);
		ck_assert_uint_eq(shadow->dst, original->dst);
		ck_assert_uint_eq(shadow->priority, PRIORITY - 1);
		ck_assert_uint_eq(shadow->mark.v, 0);
		ck_assert_uint_eq(shadow->mark.m, KERNEL_SHADOW_MARK);
		ck_assert_uint_eq(shadow->spi, 0);
		ck_assert_uint_eq(shadow->ends_after, KERNEL_SHADOW_S);
	}
	ck_assert_uint_eq(xfrm_world.policies[0].spi, OUT);
}
END_TEST

START_TEST(once_a_move)
{
	lay();
	xfrm_world.n_policies = 3;
	lay();
	ck_assert_uint_eq(shadows(), 0);
	tunnel.unshadowed = true;
	lay();
	lay();
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

START_TEST(not_of_pieces)
{
	tunnel.astray = true;
	lay();
	ck_assert_uint_eq(shadows(), 0);
	tunnel.astray = false;
	lay();
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

/* One that leads elsewhere, one with a mark, and one that nothing comes before. */
START_TEST(not_of_these)
{
	xfrm_world.policies[0].dst = HOME;
	xfrm_world.policies[1].mark = (struct xfrm_mark){ 1, 1 };
	xfrm_world.policies[2].priority = 0;
	lay();
	ck_assert_uint_eq(xfrm_world.n_policies, 3);
}
END_TEST

/* ---- what ends them ---- */

static void
told(struct nl_msg *msg)
{
	kernel_shadow_told(&backend, nlmsg_hdr(msg));
	kernel_shadow_settle(&backend);
	xfrm_nl_free(msg);
}

static void
put_template(struct nl_msg *msg, uint32_t reqid, uint32_t spi, uint32_t src, uint32_t dst)
{
	struct xfrm_user_tmpl tmpl = {
		.id = { .daddr.a4 = htonl(dst), .spi = htonl(spi), .proto = IPPROTO_ESP }, .saddr.a4 = htonl(src), .reqid = reqid,
		.family = AF_INET, .mode = XFRM_MODE_TUNNEL,
	};

	nla_put(msg, XFRMA_TMPL, sizeof(tmpl), &tmpl);
}

static void
told_policy(int type, uint8_t dir, uint32_t reqid, uint32_t spi, uint32_t src, uint32_t dst)
{
	struct xfrm_userpolicy_info info = { .dir = dir };
	struct nl_msg *msg = xfrm_nl_message(type, 0, &info, sizeof(info));

	if (reqid != 0)
		put_template(msg, reqid, spi, src, dst);
	told(msg);
}

static void
told_end(uint8_t dir, bool of_shadow)
{
	static const struct xfrm_mark mark = { 0, KERNEL_SHADOW_MARK };
	struct xfrm_userpolicy_id id = { .dir = dir };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id));

	put_template(msg, REQID, 0, G, AWAY);
	if (of_shadow)
		nla_put(msg, XFRMA_MARK, sizeof(mark), &mark);
	told(msg);
}

static void
told_sa(uint32_t reqid, uint32_t spi, uint32_t src, uint32_t dst)
{
	struct xfrm_usersa_info info = {
		.id = { .daddr.a4 = htonl(dst), .spi = htonl(spi), .proto = IPPROTO_ESP }, .saddr.a4 = htonl(src), .reqid = reqid,
		.family = AF_INET, .mode = XFRM_MODE_TUNNEL,
	};

	told(xfrm_nl_message(XFRM_MSG_NEWSA, 0, &info, sizeof(info)));
}

/* What strongSwan does as it follows: blocks, takes away, adds, puts back. */
START_TEST(stay_while_the_daemon_follows)
{
	lay();
	told_policy(XFRM_MSG_UPDPOLICY, XFRM_POLICY_OUT, 0, 0, 0, 0);
	told_end(XFRM_POLICY_IN, false);
	told_end(XFRM_POLICY_FWD, false);
	told_sa(REQID, IN, AWAY, G);
	told_policy(XFRM_MSG_UPDPOLICY, XFRM_POLICY_OUT, REQID, OUT, G, AWAY);
	told_policy(XFRM_MSG_NEWPOLICY, XFRM_POLICY_IN, REQID, 0, AWAY, G);
	told_policy(XFRM_MSG_NEWPOLICY, XFRM_POLICY_FWD, REQID, 0, AWAY, G);
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

/* The SAs were read between its delete and its add. */
START_TEST(stay_while_the_outbound_sa_is_missing)
{
	lay();
	tunnel.out = (struct kernel_state){ 0 };
	told_sa(REQID, OUT, G, AWAY);
	told_policy(XFRM_MSG_UPDPOLICY, XFRM_POLICY_OUT, REQID, OUT, G, AWAY);
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

START_TEST(whole_while_the_outbound_sa_is_missing)
{
	tunnel.out = (struct kernel_state){ 0 };
	lay();
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

START_TEST(stay_when_others_change)
{
	lay();
	told_policy(XFRM_MSG_UPDPOLICY, XFRM_POLICY_OUT, REQID + 1, 0x3000, G, HOME);
	told_sa(REQID + 1, 0x3000, HOME, G);
	told_end(XFRM_POLICY_OUT, true);
	ck_assert_uint_eq(shadows(), 3);
}
END_TEST

START_TEST(end_with_a_rekey)
{
	lay();
	if (_i == 0)
		told_sa(REQID, 0x3000, AWAY, G);
	else
		told_policy(XFRM_MSG_UPDPOLICY, XFRM_POLICY_OUT, REQID, 0x3000, G, AWAY);
	ck_assert_uint_eq(xfrm_world.n_policies, 3);
	ck_assert_uint_eq(shadows(), 0);
}
END_TEST

START_TEST(end_with_a_move_by_others)
{
	lay();
	if (_i == 0)
		told_sa(REQID, IN, HOME, G);
	else
		told_policy(XFRM_MSG_NEWPOLICY, XFRM_POLICY_FWD, REQID, 0, HOME, G);
	ck_assert_uint_eq(shadows(), 0);
}
END_TEST

START_TEST(end_with_the_tunnel)
{
	lay();
	if (_i == 0)
		told_end(XFRM_POLICY_OUT, false);
	else
		kernel_shadow_end(&tunnel);
	ck_assert_uint_eq(shadows(), 0);
	ck_assert_uint_eq(xfrm_world.n_policies, 3);
}
END_TEST

/* What a program that was killed has left. */
START_TEST(cleared)
{
	lay();
	tunnel.shadowed = 0;
	kernel_shadow_clear(&backend);
	ck_assert_uint_eq(xfrm_world.n_policies, 3);
	ck_assert_uint_eq(shadows(), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kernel_shadow");
	TCase *tc = tcase_create("kernel_shadow");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_has_one);
	tcase_add_test(tc, once_a_move);
	tcase_add_test(tc, not_of_pieces);
	tcase_add_test(tc, not_of_these);
	tcase_add_test(tc, stay_while_the_daemon_follows);
	tcase_add_test(tc, stay_while_the_outbound_sa_is_missing);
	tcase_add_test(tc, whole_while_the_outbound_sa_is_missing);
	tcase_add_test(tc, stay_when_others_change);
	tcase_add_loop_test(tc, end_with_a_rekey, 0, 2);
	tcase_add_loop_test(tc, end_with_a_move_by_others, 0, 2);
	tcase_add_loop_test(tc, end_with_the_tunnel, 0, 2);
	tcase_add_test(tc, cleared);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
