/* What is known of the kernel by name: from all that there is, and from what it tells one by one. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "adoption/kernel_names.h"
#include "adoption/netlink_xfrm.h"
#include "log.h"
#include "run_suite.h"
#include "xfrm_world.h"

#define HERE ((struct sa_end){ 0xcb007102, 4500 })
#define THERE ((struct sa_end){ 0xc000020a, 4500 })
#define AWAY ((struct sa_end){ 0xc633640a, 4500 })

static struct kernel_names *names;
static struct kernel_table table;

static void
setup(void)
{
	log_init("check_kernel_names", LOG_TO_NONE, LOG_LVL_ERROR, false);
	world_clear();
	names = kernel_names_new();
}

static void
teardown(void)
{
	kernel_names_free(names);
}

/* A tunnel of that reqid: SPIs 16 times it, and one more. */
static void
tunnel(uint32_t reqid)
{
	world_reqid = reqid;
	world_sa(16 * reqid, THERE, HERE, 1, 0, 1);
	world_sa(16 * reqid + 1, HERE, THERE, 0, 1, 1);
	world_policy(XFRM_POLICY_OUT, HERE.addr, THERE.addr);
	world_policy(XFRM_POLICY_IN, THERE.addr, HERE.addr);
}

static void
read_all(void)
{
	ck_assert_int_eq(kernel_table_read(NULL, &table), 0);
	kernel_names_all(names, &table);
	kernel_table_clear(&table);
	xfrm_world.dumps = xfrm_world.answers = 0;
}

static void
has(uint32_t reqid, size_t n_states, size_t n_policies)
{
	struct kernel_group *group = kernel_names_group(names, reqid);

	ck_assert_ptr_nonnull(group);
	ck_assert_int_eq(kernel_group_read(group, NULL, false, &table), 0);
	ck_assert_uint_eq(table.n_states, n_states);
	ck_assert_uint_eq(table.n_policies, n_policies);
	for (size_t i = 0; i < n_states; i++)
		ck_assert_uint_eq(table.states[i].reqid, reqid);
	kernel_table_clear(&table);
}

/* So many are, that one among them. */
static void
due(size_t n, uint32_t reqid)
{
	size_t found = 0;
	uint32_t *all;

	ck_assert_uint_eq(kernel_names_due(names, &all), n);
	for (size_t i = 0; i < n; i++)
		found += all[i] == reqid;
	ck_assert_uint_eq(found, n > 0 ? 1 : 0);
	free(all);
}

/* ---- what the kernel tells ---- */

static bool
told(struct nl_msg *msg)
{
	bool known = kernel_names_told(names, nlmsg_hdr(msg));

	nlmsg_free(msg);
	return known;
}

static struct xfrm_usersa_info
info_of(const struct world_sa *sa)
{
	return (struct xfrm_usersa_info){
		.id = { .daddr.a4 = htonl(sa->dst.addr), .spi = htonl(sa->spi), .proto = IPPROTO_ESP }, .saddr.a4 = htonl(sa->src.addr),
		.reqid = sa->reqid, .family = AF_INET, .mode = XFRM_MODE_TUNNEL,
	};
}

static bool
told_new_sa(const struct world_sa *sa)
{
	struct xfrm_usersa_info info = info_of(sa);

	return told(xfrm_nl_message(XFRM_MSG_NEWSA, 0, &info, sizeof(info)));
}

static bool
told_no_sa(const struct world_sa *sa)
{
	struct xfrm_usersa_info info = info_of(sa);
	struct xfrm_usersa_id id = { .daddr = info.id.daddr, .spi = info.id.spi, .family = AF_INET, .proto = IPPROTO_ESP };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_DELSA, 0, &id, sizeof(id));

	nla_put(msg, XFRMA_SA, sizeof(info), &info);
	return told(msg);
}

static bool
told_policy(uint16_t type, const struct world_policy *policy, bool leads)
{
	struct xfrm_userpolicy_info info = { .dir = policy->dir, .index = policy->index, .sel = { .family = AF_INET } };
	struct xfrm_user_tmpl tmpl = {
		.id = { .daddr.a4 = htonl(policy->dst), .proto = IPPROTO_ESP }, .saddr.a4 = htonl(policy->src), .family = AF_INET,
		.reqid = policy->reqid, .mode = XFRM_MODE_TUNNEL,
	};
	struct nl_msg *msg = xfrm_nl_message(type, 0, &info, sizeof(info));

	if (leads)
		nla_put(msg, XFRMA_TMPL, sizeof(tmpl), &tmpl);
	return told(msg);
}

static bool
told_no_policy(const struct world_policy *policy)
{
	struct xfrm_userpolicy_info info = { .dir = policy->dir, .index = policy->index };
	struct xfrm_userpolicy_id id = { .dir = policy->dir };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id));

	nla_put(msg, XFRMA_POLICY, sizeof(info), &info);
	return told(msg);
}

/* ---- tests ---- */

START_TEST(groups)
{
	tunnel(1);
	tunnel(2);
	read_all();
	has(1, 2, 2);
	has(2, 2, 2);
	ck_assert_ptr_null(kernel_names_group(names, 3));
	ck_assert_uint_eq(xfrm_world.dumps, 0);
	ck_assert_uint_eq(xfrm_world.answers, 8); /* one group costs what is in it */
}
END_TEST

START_TEST(older_ones_first)
{
	tunnel(2);
	tunnel(1);
	xfrm_world.sas[3].use.add_time = 2;
	ck_assert_int_eq(kernel_table_read(NULL, &table), 0);
	ck_assert_uint_eq(table.states[0].spi, 17);
	ck_assert_uint_eq(table.states[1].spi, 16);
	ck_assert_uint_eq(table.states[2].spi, 32);
	ck_assert_uint_eq(kernel_table_part(&table, 2).n_policies, 2);
	ck_assert_uint_eq(kernel_table_part(&table, 7).n_states, 0);
	kernel_table_clear(&table);
}
END_TEST

START_TEST(one_comes)
{
	tunnel(1);
	read_all();
	tunnel(2);
	ck_assert(told_new_sa(&xfrm_world.sas[2]));
	ck_assert(told_new_sa(&xfrm_world.sas[2]));
	ck_assert(told_new_sa(&xfrm_world.sas[3]));
	ck_assert(told_policy(XFRM_MSG_NEWPOLICY, &xfrm_world.policies[2], true));
	due(1, 2);
	due(0, 0);
	has(2, 2, 1);
}
END_TEST

START_TEST(one_goes)
{
	struct kernel_group *group;

	tunnel(1);
	read_all();
	xfrm_world.n_sas = 1;
	ck_assert(told_no_sa(&xfrm_world.sas[1]));
	due(1, 1);
	has(1, 1, 2);
	xfrm_world.n_policies = xfrm_world.n_sas = 0;
	ck_assert(told_no_policy(&xfrm_world.policies[0]));
	due(1, 1);
	has(1, 0, 0);
	group = kernel_names_group(names, 1);
	kernel_names_tidy(group);
	ck_assert_ptr_null(kernel_names_group(names, 1));
}
END_TEST

/* It leads into another tunnel now; and then into none. */
START_TEST(policy_changes_hands)
{
	tunnel(1);
	tunnel(2);
	read_all();
	xfrm_world.policies[0].reqid = 2;
	has(1, 2, 1); /* whether the kernel has told or not */
	read_all();
	xfrm_world.policies[0].reqid = 1;
	ck_assert(told_policy(XFRM_MSG_UPDPOLICY, &xfrm_world.policies[0], true));
	due(2, 2);
	has(1, 2, 2);
	has(2, 2, 2);
	ck_assert(told_policy(XFRM_MSG_UPDPOLICY, &xfrm_world.policies[0], false));
	due(1, 1);
}
END_TEST

/* By another program's MIGRATE. */
START_TEST(moved)
{
	struct xfrm_userpolicy_id id = { .dir = XFRM_POLICY_OUT };
	struct xfrm_user_migrate move = {
		.old_daddr.a4 = htonl(THERE.addr), .new_daddr.a4 = htonl(AWAY.addr), .reqid = 1, .new_family = AF_INET,
	};
	struct nl_msg *msg;

	tunnel(1);
	read_all();
	xfrm_world.sas[1].dst = AWAY;
	msg = xfrm_nl_message(XFRM_MSG_MIGRATE, 0, &id, sizeof(id));
	nla_put(msg, XFRMA_MIGRATE, sizeof(move), &move);
	ck_assert(told(msg));
	due(1, 1);
	has(1, 2, 2);
}
END_TEST

START_TEST(not_by_name)
{
	struct xfrm_usersa_flush flush = { .proto = IPPROTO_ESP };

	ck_assert(!told(xfrm_nl_message(XFRM_MSG_FLUSHSA, 0, &flush, sizeof(flush))));
}
END_TEST

START_TEST(all_anew)
{
	tunnel(1);
	tunnel(2);
	read_all();
	xfrm_world.sas[0].reqid = xfrm_world.policies[0].reqid = 2;
	read_all();
	has(1, 1, 1);
	has(2, 3, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kernel_names");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, groups);
	tcase_add_test(all, older_ones_first);
	tcase_add_test(all, one_comes);
	tcase_add_test(all, one_goes);
	tcase_add_test(all, policy_changes_hands);
	tcase_add_test(all, moved);
	tcase_add_test(all, not_by_name);
	tcase_add_test(all, all_anew);
	suite_add_tcase(s, all);
	return run_suite(s);
}
