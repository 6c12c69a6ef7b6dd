/* A move of a tunnel of the kernel's without MIGRATE: what is deleted and added again is the same SA elsewhere. */
#include <check.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "adoption/kernel_move.h"
#include "log.h"
#include "run_suite.h"
#include "xfrm_world.h"

#define G ((struct sa_end){ 0xcb007102, 4500 })
#define G2 ((struct sa_end){ 0xcb007103, 4500 })
#define HOME ((struct sa_end){ 0xc000020a, 4500 })
#define AWAY ((struct sa_end){ 0xc633640a, 1024 })
#define PORT ((struct sa_end){ 0xc000020a, 1024 })
#define IN 0x1000
#define OUT 0x2000
#define REQID 7

static struct kernel_names *names;

static void
setup(void)
{
	struct kernel_table table;

	log_init("check_kernel_move", LOG_TO_NONE, LOG_LVL_ERROR, false);
	world_clear();
	world_sa(IN, HOME, G, 500, 0, 400);
	world_sa(OUT, G, HOME, 0, 900, 900);
	world_policy(XFRM_POLICY_OUT, G.addr, HOME.addr);
	world_policy(XFRM_POLICY_IN, HOME.addr, G.addr);
	world_policy(XFRM_POLICY_FWD, HOME.addr, G.addr);
	names = kernel_names_new();
	ck_assert_int_eq(kernel_table_read(NULL, &table), 0);
	kernel_names_all(names, &table);
	kernel_table_clear(&table);
	xfrm_world.dumps = 0;
}

/* Whatever was done, nobody asked for all there is. */
static void
teardown(void)
{
	ck_assert_uint_eq(xfrm_world.dumps, 0);
	kernel_names_free(names);
}

static int
move(struct sa_end local, struct sa_end remote, bool migrate)
{
	return kernel_move(NULL, kernel_names_group(names, REQID), (struct kernel_ends){ G, HOME },
	    (struct kernel_ends){ local, remote }, migrate);
}

/* Of that SPI there is one, between these ends, with its key. */
static const struct world_sa *
one(uint32_t spi, struct sa_end src, struct sa_end dst)
{
	const struct world_sa *sa = world_find(spi, dst.addr);

	ck_assert_ptr_nonnull(sa);
	ck_assert(sa_end_equal(sa->src, src) && sa_end_equal(sa->dst, dst));
	for (size_t i = 0; i < sizeof(sa->key); i += sizeof(spi))
		ck_assert_mem_eq(sa->key + i, &spi, sizeof(spi));
	return sa;
}

static void
policies_are(struct sa_end local, struct sa_end remote)
{
	for (size_t i = 0; i < xfrm_world.n_policies; i++) {
		const struct world_policy *policy = &xfrm_world.policies[i];
		bool out = policy->dir == XFRM_POLICY_OUT;

		ck_assert_uint_eq(policy->src, out ? local.addr : remote.addr);
		ck_assert_uint_eq(policy->dst, out ? remote.addr : local.addr);
	}
}

static void
went_on(const struct world_sa *in, const struct world_sa *out)
{
	ck_assert_uint_ge(in->replay.seq, 500);
	ck_assert_uint_eq(in->replay.bitmap, ~0u);
	ck_assert_uint_ge(in->use.packets, 400);
	ck_assert_uint_eq(in->use.add_time, 5);
	ck_assert_uint_gt(out->replay.oseq, 900);
	ck_assert_uint_ge(out->use.packets, 900);
}

START_TEST(peer_moves)
{
	ck_assert_int_eq(move(G, AWAY, true), 0);
	ck_assert_uint_eq(xfrm_world.n_sas, 2);
	went_on(one(IN, AWAY, G), one(OUT, G, AWAY));
	policies_are(G, AWAY);
	ck_assert_uint_eq(xfrm_world.migrates, 1); /* it is not asked twice */
}
END_TEST

/* Both SAs keep their names. */
START_TEST(port_changes)
{
	ck_assert_int_eq(move(G, PORT, true), 0);
	ck_assert_uint_eq(xfrm_world.n_sas, 2);
	went_on(one(IN, PORT, G), one(OUT, G, PORT));
	ck_assert_uint_eq(xfrm_world.migrates, 1);
	ck_assert_uint_eq(xfrm_world.deletes, 2);
}
END_TEST

/* The old inbound SA is left to be drained. */
START_TEST(we_move)
{
	ck_assert_int_eq(move(G2, HOME, true), 0);
	ck_assert_uint_eq(xfrm_world.n_sas, 3);
	one(IN, HOME, G);
	went_on(one(IN, HOME, G2), one(OUT, G2, HOME));
	policies_are(G2, HOME);
}
END_TEST

START_TEST(migrate_is_not_asked_for)
{
	xfrm_world.has_migrate = true;
	ck_assert_int_eq(move(G, AWAY, false), 0);
	ck_assert_uint_eq(xfrm_world.migrates, 0);
	went_on(one(IN, AWAY, G), one(OUT, G, AWAY));
}
END_TEST

START_TEST(migrate_fails)
{
	xfrm_world.has_migrate = true;
	ck_assert_int_eq(move(G, PORT, true), 0);
	ck_assert_uint_eq(xfrm_world.migrates, 2);
	went_on(one(IN, PORT, G), one(OUT, G, PORT));
}
END_TEST

/* Packets come and go meanwhile: what has come until the end cannot come again, and no number is sent twice. */
START_TEST(under_way)
{
	struct world_sa *in, *out;

	xfrm_world.busy = true;
	ck_assert_int_eq(move(G, PORT, false), 0);
	in = world_find(IN, G.addr);
	out = world_find(OUT, PORT.addr);
	ck_assert_uint_gt(in->replay.seq, 502); /* three questions before it was deleted */
	ck_assert_uint_gt(in->use.packets, 402);
	ck_assert_uint_gt(out->replay.oseq, 904);
}
END_TEST

/* No room for the new one: all is as it was. */
START_TEST(refused)
{
	xfrm_world.refuse_add_to = ENOBUFS;
	xfrm_world.refuse_dst = AWAY.addr;
	ck_assert_int_eq(move(G, AWAY, true), ENOBUFS);
	ck_assert_uint_eq(xfrm_world.n_sas, 2);
	ck_assert_uint_eq(one(IN, HOME, G)->replay.seq, 500);
	ck_assert_uint_eq(one(OUT, G, HOME)->replay.oseq, 900);
	policies_are(G, HOME);
}
END_TEST

/* What has moved is known by its new names at once, before the kernel's news are read. */
START_TEST(and_moves_on)
{
	ck_assert_int_eq(move(G2, AWAY, true), 0);
	ck_assert_int_eq(kernel_move(NULL, kernel_names_group(names, REQID), (struct kernel_ends){ G2, AWAY },
	                     (struct kernel_ends){ G2, HOME }, true), 0);
	went_on(one(IN, HOME, G2), one(OUT, G2, HOME));
	policies_are(G2, HOME);
}
END_TEST

START_TEST(nothing_to_move)
{
	ck_assert_int_eq(kernel_move(NULL, kernel_names_group(names, REQID), (struct kernel_ends){ G, AWAY },
	                     (struct kernel_ends){ G, HOME }, true), ESRCH);
	ck_assert_uint_eq(xfrm_world.adds + xfrm_world.deletes, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kernel_move");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, peer_moves);
	tcase_add_test(all, port_changes);
	tcase_add_test(all, we_move);
	tcase_add_test(all, migrate_is_not_asked_for);
	tcase_add_test(all, migrate_fails);
	tcase_add_test(all, under_way);
	tcase_add_test(all, refused);
	tcase_add_test(all, and_moves_on);
	tcase_add_test(all, nothing_to_move);
	suite_add_tcase(s, all);
	return run_suite(s);
}
