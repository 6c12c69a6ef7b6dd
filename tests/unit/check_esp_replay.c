/* The replay window against a model that simply remembers every number that it accepted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "esp_replay.h"
#include "run_suite.h"

#define STEPS 20000
#define MODEL_SPAN (1u << 17) /* of numbers behind `base` */

/* Remembers all, forgets nothing. */
struct model {
	uint64_t base, highest;
	uint32_t window;
	uint8_t seen[MODEL_SPAN];
};

static struct model model;
static uint64_t random_state;

static uint64_t
random_number(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 20) % below;
}

static bool
model_fresh(uint64_t sequence)
{
	return sequence > model.base && sequence - model.base < MODEL_SPAN && sequence + model.window > model.highest &&
	       !model.seen[sequence - model.base];
}

static void
model_accept(uint64_t sequence)
{
	model.seen[sequence - model.base] = 1;
	if (sequence > model.highest)
		model.highest = sequence;
}

/* A number around the window's right end: mostly in it, often at its edges, sometimes far ahead. */
static uint64_t
next_number(void)
{
	uint64_t left = model.highest >= model.window ? model.highest - model.window : 0;

	switch (random_number(8)) {
	case 0: return left + random_number(4);
	case 1: return model.highest + random_number(3);
	case 2: return model.highest + random_number(200);
	case 3: return random_number(300) == 0 ? model.highest + random_number(9000) : model.highest + 1;
	case 4: return left > 70 ? left - random_number(70) : left + 1;
	default: return left + 1 + random_number(model.window);
	}
}

/* Both see the same packets; ESN gets only the low half, as on the wire. */
static void
compare(uint32_t window, bool esn, uint64_t base)
{
	struct replay r;
	unsigned accepted = 0;

	memset(&model, 0, sizeof(model));
	model.base = base;
	model.highest = base;
	model.window = window;
	replay_init(&r, window, esn, base);
	for (unsigned i = 0; i < STEPS && model.highest - base < MODEL_SPAN - 10000; i++) {
		uint64_t sequence = next_number(), read;

		if (sequence <= base || (!esn && sequence > UINT32_MAX))
			continue;
		read = replay_sequence(&r, (uint32_t)sequence);
		if (!esn || sequence + window > model.highest)
			ck_assert_uint_eq(read, sequence);
		if (read != sequence) /* left of the window, ESN takes it for one of the next turn, which the ICV refutes */
			continue;
		ck_assert_msg(replay_fresh(&r, sequence) == model_fresh(sequence), "window %u, highest %llu, number %llu", window,
		    (unsigned long long)model.highest, (unsigned long long)sequence);
		if (!model_fresh(sequence))
			continue;
		ck_assert_int_eq(replay_accept(&r, sequence), sequence > model.highest);
		model_accept(sequence);
		accepted++;
	}
	ck_assert_uint_gt(accepted, 1000);
}

START_TEST(agrees_with_the_model)
{
	static const uint32_t windows[] = { 64, 65, 100, 127, 128, 256, 1000, 1024, 2048, 4095, 4096 };
	static const uint64_t bases[] = { 0, 63, 4096, 0xffff0000 - 20000 };

	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		for (size_t j = 0; j < sizeof(bases) / sizeof(bases[0]); j++) {
			random_state = i * 10 + j;
			compare(windows[i], false, bases[j]);
			compare(windows[i], true, bases[j]);
		}
	}
}
END_TEST

/* The low half wraps while the window spans both halves of the numbers. */
START_TEST(esn_wraps)
{
	static const uint32_t windows[] = { 64, 100, 1024, 4096 };
	static const uint64_t turns[] = { 1, 2, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		for (size_t j = 0; j < sizeof(turns) / sizeof(turns[0]); j++) {
			random_state = i * 10 + j;
			compare(windows[i], true, (turns[j] << 32) - 5000);
			compare(windows[i], true, (turns[j] << 32) - 10);
		}
	}
}
END_TEST

START_TEST(edges)
{
	struct replay r;

	replay_init(&r, 64, false, 0);
	ck_assert(!replay_fresh(&r, 0));
	ck_assert(replay_fresh(&r, 1));
	ck_assert(replay_accept(&r, 64));
	ck_assert(replay_fresh(&r, 1));
	ck_assert(!replay_accept(&r, 1));
	ck_assert(!replay_fresh(&r, 1));
	ck_assert(replay_accept(&r, 66));
	ck_assert(!replay_fresh(&r, 2)); /* left of it now */
	ck_assert(replay_fresh(&r, 3));
	ck_assert(replay_accept(&r, 0xffffffff)); /* the last one without ESN */
	ck_assert(!replay_fresh(&r, 0xffffffff));
	ck_assert(replay_fresh(&r, 0xffffffff - 63));
	ck_assert(!replay_fresh(&r, 0xffffffff - 64));
}
END_TEST

/* Numbers before 0 and beyond 2^64 - 1: no such packets. */
START_TEST(esn_has_ends)
{
	struct replay r;

	replay_init(&r, 64, true, 0);
	ck_assert_uint_eq(replay_sequence(&r, 0xfffffff0), 0);
	ck_assert_uint_eq(replay_sequence(&r, 1), 1);
	replay_init(&r, 64, true, UINT64_MAX - 1);
	ck_assert_uint_eq(replay_sequence(&r, 5), 0);
	ck_assert_uint_eq(replay_sequence(&r, 0xffffffff), UINT64_MAX);
	ck_assert(replay_accept(&r, UINT64_MAX));
	ck_assert(!replay_fresh(&r, UINT64_MAX));
}
END_TEST

/* An SA that is taken up again: nothing of what it may have received is taken twice. */
START_TEST(taken_up_again)
{
	struct replay r;

	for (uint64_t highest = 1; highest < 200; highest++) {
		replay_init(&r, 128, true, highest);
		for (uint64_t sequence = 0; sequence <= highest; sequence++)
			ck_assert(!replay_fresh(&r, sequence));
		for (uint64_t sequence = highest + 1; sequence < highest + 140; sequence++) {
			ck_assert(replay_fresh(&r, sequence));
			ck_assert(replay_accept(&r, sequence));
			ck_assert(!replay_fresh(&r, sequence));
			ck_assert(replay_fresh(&r, sequence + 1));
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_replay");
	TCase *tc = tcase_create("window");

	tcase_add_test(tc, agrees_with_the_model);
	tcase_add_test(tc, esn_wraps);
	tcase_add_test(tc, edges);
	tcase_add_test(tc, esn_has_ends);
	tcase_add_test(tc, taken_up_again);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
