/* The checked reader and writer at every end. Spaces are allocations of their exact size, for the sanitizers. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "run_suite.h"

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

START_TEST(test_read_in_order)
{
	struct rbuf r;
	uint8_t copy[2];

	rbuf_init(&r, bytes, sizeof(bytes));
	ck_assert_uint_eq(rbuf_left(&r), 15);
	ck_assert_uint_eq(rbuf_u8(&r), 0x01);
	ck_assert_uint_eq(rbuf_u16(&r), 0x0203);
	ck_assert_uint_eq(rbuf_u32(&r), 0x04050607);
	rbuf_copy(&r, copy, 2);
	ck_assert(copy[0] == 8 && copy[1] == 9);
	ck_assert_ptr_eq(rbuf_take(&r, 3), bytes + 9);
	ck_assert_uint_eq(rbuf_left(&r), 3);
	ck_assert_ptr_eq(rbuf_take(&r, 0), bytes + 12);
	ck_assert_ptr_eq(rbuf_take(&r, 3), bytes + 12);
	ck_assert(!r.bad && rbuf_left(&r) == 0);
	ck_assert_ptr_nonnull(rbuf_take(&r, 0));
	ck_assert(!r.bad);
	rbuf_init(&r, bytes, 8);
	ck_assert_uint_eq(rbuf_u64(&r), 0x0102030405060708);
	ck_assert(!r.bad);
}
END_TEST

static uint64_t
read_width(struct rbuf *r, int width)
{
	switch (width) {
	case 1:
		return rbuf_u8(r);
	case 2:
		return rbuf_u16(r);
	case 4:
		return rbuf_u32(r);
	default:
		return rbuf_u64(r);
	}
}

/* One byte too few: nothing is read, and nothing ever after, even what would fit. */
START_TEST(test_read_past_the_end)
{
	static const int widths[] = { 1, 2, 4, 8 };

	for (size_t i = 0; i < 4; i++) {
		size_t len = (size_t)widths[i] - 1;
		uint8_t *exact = malloc(len > 0 ? len : 1);
		struct rbuf r;

		memset(exact, 0xff, len);
		rbuf_init(&r, exact, len);
		ck_assert_uint_eq(read_width(&r, widths[i]), 0);
		ck_assert(r.bad);
		ck_assert_uint_eq(rbuf_left(&r), 0);
		ck_assert_uint_eq(rbuf_u8(&r), 0);
		ck_assert_ptr_null(rbuf_take(&r, 0));
		free(exact);
	}
}
END_TEST

START_TEST(test_copy_and_take_past_the_end)
{
	uint8_t dst[4] = { 9, 9, 9, 9 };
	struct rbuf r;

	rbuf_init(&r, bytes, 3);
	rbuf_copy(&r, dst, 4);
	ck_assert(r.bad && dst[0] == 0 && dst[3] == 0);
	rbuf_init(&r, bytes, 3);
	ck_assert_ptr_null(rbuf_take(&r, SIZE_MAX));
	ck_assert(r.bad);
}
END_TEST

START_TEST(test_sub)
{
	struct rbuf r, sub;

	rbuf_init(&r, bytes, 6);
	rbuf_u8(&r);
	sub = rbuf_sub(&r, 3);
	ck_assert_uint_eq(rbuf_left(&sub), 3);
	ck_assert_uint_eq(rbuf_u32(&sub), 0); /* cannot see behind its own end */
	ck_assert(sub.bad && !r.bad);
	ck_assert_uint_eq(rbuf_u16(&r), 0x0506);
	sub = rbuf_sub(&r, 0);
	ck_assert(!sub.bad && rbuf_left(&sub) == 0);
	sub = rbuf_sub(&r, 1);
	ck_assert(sub.bad && r.bad && rbuf_left(&sub) == 0);
}
END_TEST

START_TEST(test_write)
{
	static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xab };
	uint8_t space[16];
	struct wbuf w;

	wbuf_init(&w, space, sizeof(space));
	wbuf_u8(&w, 1);
	wbuf_u16(&w, 0);
	wbuf_u32(&w, 0x04050607);
	wbuf_u64(&w, 0x08090a0b0c0d0e0f);
	wbuf_bytes(&w, NULL, 0);
	wbuf_bytes(&w, "\xab", 1);
	wbuf_patch_u16(&w, 1, 0x0203);
	ck_assert(!w.full && w.len == 16);
	ck_assert_mem_eq(space, expected, 16);
}
END_TEST

/* Full stays full: nothing smaller slips in behind what did not fit. */
START_TEST(test_write_past_the_end)
{
	uint8_t *space = malloc(3);
	struct wbuf w;

	memset(space, 0x55, 3);
	wbuf_init(&w, space, 3);
	wbuf_u16(&w, 0x0102);
	wbuf_u16(&w, 0x0304);
	ck_assert(w.full && w.len == 2 && space[2] == 0x55);
	wbuf_u8(&w, 9);
	ck_assert(w.len == 2 && space[2] == 0x55);

	wbuf_init(&w, space, 3);
	wbuf_bytes(&w, bytes, 4);
	ck_assert(w.full && w.len == 0);
	wbuf_init(&w, space, 0);
	wbuf_u8(&w, 1);
	ck_assert(w.full);
	free(space);
}
END_TEST

START_TEST(test_patch)
{
	uint8_t space[8] = { 0 };
	struct wbuf w;

	wbuf_init(&w, space, sizeof(space));
	wbuf_u32(&w, 0);
	wbuf_patch_u16(&w, 2, 0xabcd);
	ck_assert(!w.full && space[2] == 0xab && space[3] == 0xcd && w.len == 4);
	wbuf_patch_u16(&w, 3, 0xffff); /* one byte of it has not been written */
	ck_assert(w.full && space[3] == 0xcd && space[4] == 0);
	wbuf_init(&w, space, sizeof(space));
	wbuf_patch_u16(&w, 0, 1);
	ck_assert(w.full);
	wbuf_init(&w, space, sizeof(space));
	wbuf_patch_u16(&w, SIZE_MAX, 1);
	ck_assert(w.full);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, test_read_in_order);
	tcase_add_test(tc, test_read_past_the_end);
	tcase_add_test(tc, test_copy_and_take_past_the_end);
	tcase_add_test(tc, test_sub);
	tcase_add_test(tc, test_write);
	tcase_add_test(tc, test_write_past_the_end);
	tcase_add_test(tc, test_patch);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
