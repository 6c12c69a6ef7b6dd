/* Fragments that wait for their first one: order, time, and what a flood can and cannot do. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "fragment_hold.h"
#include "log.h"
#include "run_suite.h"

#define HERE IP(203, 0, 113, 8)
#define PEER IP(203, 0, 113, 200)

static struct fragment_hold *hold;
static uint8_t bytes[70000];

static void
setup(void)
{
	hold = fragment_hold_new();
}

static void
teardown(void)
{
	fragment_hold_free(hold);
}

static struct fragment_key
key_of(ip4_t peer, uint16_t id)
{
	return (struct fragment_key){
		.packet = { .kind = LEARNED_FRAGMENT_IN, .local_addr = HERE, .peer_addr = peer, .value = (uint64_t)UDP << 16 | id },
	};
}

static struct fragment_key
add_from(ip4_t peer, uint16_t id, uint16_t offset, uint16_t data, bool spare, int64_t now)
{
	const struct test_packet build = { .src = peer, .dst = HERE, .proto = UDP, .id = id, .offset = offset, .data = data };
	struct fragment_key key = key_of(peer, id);
	struct packet p;

	ck_assert(packet_parse(&p, bytes, test_packet_build(&build, bytes)));
	fragment_hold_add(hold, &key, &p, (struct tunnel_kind){ 0 }, spare, now);
	ck_assert_uint_le(fragment_hold_bytes(hold), FRAGMENT_HOLD_BYTES);
	return key;
}

static unsigned
take_all(const struct fragment_key *key)
{
	struct held_fragment *held;
	unsigned n = 0;

	fragment_hold_release(hold, key);
	while ((held = fragment_hold_next(hold)) != NULL) {
		free(held);
		n++;
	}
	return n;
}

START_TEST(in_the_order_in_which_they_came)
{
	static const uint16_t offsets[] = { 2960, 1480, 4440 };
	struct fragment_key key = key_of(PEER, 7);

	for (size_t i = 0; i < 3; i++)
		add_from(PEER, 7, offsets[i], 80, false, 0);
	add_from(PEER, 8, 8, 80, false, 0);
	fragment_hold_release(hold, &key);
	for (size_t i = 0; i < 3; i++) {
		struct held_fragment *held = fragment_hold_next(hold);
		struct packet p;

		ck_assert_ptr_nonnull(held);
		ck_assert(packet_parse(&p, held->bytes, held->len));
		ck_assert_uint_eq(p.fragment_offset, offsets[i]);
		ck_assert_uint_eq(p.id, 7);
		free(held);
	}
	ck_assert_ptr_null(fragment_hold_next(hold));
}
END_TEST

START_TEST(each_field_of_the_key_counts)
{
	const struct fragment_key key = add_from(PEER, 7, 8, 80, false, 0);
	struct fragment_key others[] = { key, key, key, key, key };

	others[0].packet.kind = LEARNED_FRAGMENT_OUT;
	others[1].packet.local_addr++;
	others[2].packet.peer_addr++;
	others[3].packet.value++;
	others[4].host = 1;
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(take_all(&others[i]), 0);
	ck_assert_uint_eq(take_all(&key), 1);
	ck_assert_uint_eq(fragment_hold_bytes(hold), 0);
}
END_TEST

START_TEST(not_for_ever)
{
	struct fragment_key key = add_from(PEER, 7, 8, 80, false, 0);

	add_from(PEER, 7, 88, 80, false, FRAGMENT_HOLD_MS - 1); /* does not prolong it */
	fragment_hold_expire(hold, FRAGMENT_HOLD_MS - 1);
	ck_assert_uint_eq(fragment_hold_take_lost(hold).late, 0);
	fragment_hold_expire(hold, FRAGMENT_HOLD_MS);
	ck_assert_uint_eq(fragment_hold_take_lost(hold).late, 2);
	ck_assert_uint_eq(fragment_hold_take_lost(hold).late, 0);
	ck_assert_uint_eq(take_all(&key), 0);
	ck_assert_uint_eq(fragment_hold_bytes(hold), 0);
}
END_TEST

START_TEST(a_copy_is_no_loss)
{
	struct fragment_key key = add_from(PEER, 7, 8, 80, true, 0);

	fragment_hold_forget(hold, &key);
	ck_assert_uint_eq(take_all(&key), 0);
	add_from(PEER, 8, 8, 80, true, 0);
	fragment_hold_expire(hold, FRAGMENT_HOLD_MS);
	ck_assert_uint_eq(fragment_hold_take_lost(hold).late, 0);
	ck_assert_uint_eq(fragment_hold_bytes(hold), 0);
}
END_TEST

/* Whatever one sender does, what another has waiting stays; unless the secret gives both the same share, which is one
 * case in FRAGMENT_HOLD_SHARES: so there are many others. */
START_TEST(one_sender_floods)
{
	const uint16_t size = _i == 0 ? 8 : 60000; /* many packets, or many bytes */
	unsigned kept = 0;

	for (ip4_t i = 0; i < 40; i++)
		add_from(PEER + 1 + i, 7, 8, 1472, false, 0);
	for (unsigned i = 0; i < 20000; i++)
		add_from(PEER, (uint16_t)i, 8, size, false, 0);
	ck_assert_uint_le(fragment_hold_bytes(hold), FRAGMENT_HOLD_SHARE_BYTES + 40 * 2000);
	ck_assert_uint_ge(fragment_hold_take_lost(hold).flooded, 20000 - FRAGMENT_HOLD_SHARE_PACKETS);
	for (ip4_t i = 0; i < 40; i++) {
		struct fragment_key key = key_of(PEER + 1 + i, 7);

		kept += take_all(&key);
	}
	ck_assert_uint_ge(kept, 36);
}
END_TEST

/* All the fragments of one packet, and again and again. */
START_TEST(one_packet_floods)
{
	for (unsigned i = 0; i < 50000; i++)
		add_from(PEER, 7, (uint16_t)(8 + i % 4000 * 8), 8, false, 0);
	ck_assert_uint_le(fragment_hold_bytes(hold), FRAGMENT_HOLD_SHARE_BYTES);
}
END_TEST

/* From forged addresses: the newest stay, in all the memory that there is. */
START_TEST(everybody_floods)
{
	struct fragment_key last = { 0 };

	for (ip4_t i = 0; i < 30000; i++)
		last = add_from(i, 7, 8, 1400, false, 0);
	ck_assert_uint_ge(fragment_hold_bytes(hold), FRAGMENT_HOLD_BYTES - 2000);
	ck_assert_uint_eq(take_all(&last), 1);
	for (ip4_t i = 29999; i > 29999 - 500; i--) {
		struct fragment_key key = key_of(i, 7);

		ck_assert_uint_eq(take_all(&key), i == 29999 ? 0 : 1);
	}
	fragment_hold_expire(hold, FRAGMENT_HOLD_MS);
	ck_assert_uint_eq(fragment_hold_bytes(hold), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fragment_hold");
	TCase *tc = tcase_create("fragment_hold");

	log_init("check_fragment_hold", LOG_TO_NONE, LOG_LVL_ERROR, false);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, in_the_order_in_which_they_came);
	tcase_add_test(tc, each_field_of_the_key_counts);
	tcase_add_test(tc, not_for_ever);
	tcase_add_test(tc, a_copy_is_no_loss);
	tcase_add_loop_test(tc, one_sender_floods, 0, 2);
	tcase_add_test(tc, one_packet_floods);
	tcase_add_test(tc, everybody_floods);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
