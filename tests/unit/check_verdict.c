/* Who sent the newest packet: what may be told, and what must not. OWN is where the SA points, FORGER makes up headers. */
#include <check.h>
#include <stdlib.h>

#include "adoption/verdict.h"
#include "run_suite.h"

#define OWN ((struct sa_end){ 0xc0000201, 4500 })
#define MOVED ((struct sa_end){ 0xcb007105, 1024 })
#define FORGER ((struct sa_end){ 0xc6336463, 4500 })

static struct verdict verdict;
static struct sa_end source;

/* The capture stands, and the kernel has received up to 100. */
static void
setup(void)
{
	verdict_begin(&verdict);
	verdict_highest(&verdict, 100);
	ck_assert(!verdict_judge(&verdict, 100, OWN, &source));
}

static bool
judge(uint64_t h)
{
	verdict_highest(&verdict, h);
	return verdict_judge(&verdict, h, OWN, &source);
}

START_TEST(who_moved)
{
	verdict_mapping(&verdict, MOVED);
	verdict_header(&verdict, MOVED, 101);
	ck_assert(judge(101));
	ck_assert(sa_end_equal(source, MOVED));
}
END_TEST

/* H did not rise: the packet was late, and the source that it came from says nothing. */
START_TEST(late_packet)
{
	verdict_mapping(&verdict, FORGER);
	verdict_header(&verdict, FORGER, 90);
	ck_assert(!judge(100));
}
END_TEST

/* A late authentic packet, for its mapping, and the number of the peer's next packet in a forged header beside it. */
START_TEST(late_packet_and_forged_header)
{
	verdict_mapping(&verdict, FORGER);
	verdict_header(&verdict, FORGER, 90);
	verdict_header(&verdict, FORGER, 101);
	ck_assert(!judge(100));
	verdict_header(&verdict, OWN, 101);
	ck_assert(!judge(101));
	verdict_header(&verdict, OWN, 102);
	ck_assert(judge(102));
	ck_assert(sa_end_equal(source, OWN));
}
END_TEST

/* The peer's own newest packet again, once its number was judged and its header is forgotten: the copy stands alone. */
START_TEST(newest_sent_again)
{
	verdict_mapping(&verdict, FORGER);
	verdict_header(&verdict, FORGER, 90);
	verdict_header(&verdict, OWN, 101);
	ck_assert(judge(101));
	ck_assert(sa_end_equal(source, OWN));
	verdict_header(&verdict, FORGER, 101);
	ck_assert(!judge(101));
	verdict_header(&verdict, FORGER, 102);
	verdict_header(&verdict, OWN, 102);
	ck_assert(!judge(102));
	verdict_header(&verdict, FORGER, 102);
	ck_assert(!judge(102));
	verdict_header(&verdict, OWN, 103);
	ck_assert(judge(103));
	ck_assert(sa_end_equal(source, OWN));
}
END_TEST

/* Forged before the capture, so that the peer's own header of that number is not in it. */
START_TEST(before_the_capture)
{
	verdict_begin(&verdict);
	verdict_mapping(&verdict, FORGER);
	verdict_header(&verdict, FORGER, 101);
	verdict_highest(&verdict, 101);
	ck_assert(!verdict_judge(&verdict, 101, OWN, &source));
}
END_TEST

START_TEST(headers_alone_are_nothing)
{
	verdict_header(&verdict, FORGER, 101);
	ck_assert(!judge(101));
}
END_TEST

/* Forged headers without any authentic packet do not keep a move from being seen. */
START_TEST(forger_cannot_hide_a_move)
{
	verdict_mapping(&verdict, MOVED);
	verdict_header(&verdict, FORGER, 101);
	verdict_header(&verdict, MOVED, 101);
	ck_assert(judge(101));
	ck_assert(sa_end_equal(source, MOVED));
}
END_TEST

START_TEST(after_a_loss)
{
	verdict_mapping(&verdict, FORGER);
	verdict_header(&verdict, FORGER, 105);
	verdict_highest(&verdict, 104);
	verdict_lost(&verdict);
	ck_assert(!verdict_judge(&verdict, 104, OWN, &source));
	verdict_header(&verdict, FORGER, 105);
	ck_assert(!judge(105));
	verdict_header(&verdict, OWN, 106);
	ck_assert(judge(106));
	ck_assert(sa_end_equal(source, OWN));
}
END_TEST

/* None is dropped for another one: the forger would push out the peer's header. */
START_TEST(full)
{
	for (uint32_t i = 0; i < VERDICT_HEADERS; i++)
		ck_assert(verdict_header(&verdict, FORGER, 200 + i));
	ck_assert(!verdict_header(&verdict, OWN, 101));
}
END_TEST

START_TEST(round_the_end_of_32_bits)
{
	const uint64_t end = UINT64_C(0x1ffffffff);

	verdict_begin(&verdict);
	verdict_highest(&verdict, end - 1);
	verdict_judge(&verdict, end - 1, OWN, &source);
	verdict_mapping(&verdict, MOVED);
	verdict_header(&verdict, OWN, (uint32_t)end);
	verdict_header(&verdict, MOVED, (uint32_t)(end + 1));
	ck_assert(judge(end));
	ck_assert(sa_end_equal(source, OWN));
	ck_assert(judge(end + 1));
	ck_assert(sa_end_equal(source, MOVED));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("verdict");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, who_moved);
	tcase_add_test(all, late_packet);
	tcase_add_test(all, late_packet_and_forged_header);
	tcase_add_test(all, newest_sent_again);
	tcase_add_test(all, before_the_capture);
	tcase_add_test(all, headers_alone_are_nothing);
	tcase_add_test(all, forger_cannot_hide_a_move);
	tcase_add_test(all, after_a_loss);
	tcase_add_test(all, full);
	tcase_add_test(all, round_the_end_of_32_bits);
	suite_add_tcase(s, all);
	return run_suite(s);
}
