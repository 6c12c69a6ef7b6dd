/* Addresses, prefixes, ranges: text forms at their edges, and splitting a range against a naive twin. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "addr.h"
#include "run_suite.h"

#define COUNT(a) (sizeof(a) / sizeof(a[0]))
#define A(a, b, c, d) ((ip4_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

START_TEST(test_ip4)
{
	static const char *const bad[] = { "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4",
		"1.2.3.4/32", "01.2.3.4", "0x1.2.3.4", "1..3.4", "1.2.3.", "a.b.c.d", "::1", "1.2.3.4\n" };
	char text[IP4_STRLEN];
	ip4_t addr = 42;

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!ip4_parse(bad[i], &addr) && addr == 42, "\"%s\" was taken", bad[i]);
	ck_assert(ip4_parse("203.0.113.8", &addr));
	ck_assert_uint_eq(addr, A(203, 0, 113, 8));
	ck_assert_str_eq(ip4_str(addr, text), "203.0.113.8");
	ck_assert(ip4_parse("0.0.0.0", &addr) && addr == 0);
	ck_assert(ip4_parse("255.255.255.255", &addr) && addr == UINT32_MAX);
	ck_assert_str_eq(ip4_str(addr, text), "255.255.255.255");
}
END_TEST

START_TEST(test_mask)
{
	ck_assert_uint_eq(ip4_mask(0), 0);
	ck_assert_uint_eq(ip4_mask(1), 0x80000000);
	ck_assert_uint_eq(ip4_mask(24), 0xffffff00);
	ck_assert_uint_eq(ip4_mask(32), 0xffffffff);
}
END_TEST

START_TEST(test_prefix)
{
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.0/8 ",
		"10.0.0.1/8", "/8", "10/8", "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0/8x", "1000.000.000.000.000/8",
		"10.0.0.0/99999999999999999999" };
	struct ip4_prefix p = { 1, 2 };
	char text[IP4_PREFIX_STRLEN];

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!ip4_prefix_parse(bad[i], &p) && p.addr == 1 && p.len == 2, "\"%s\" was taken", bad[i]);
	ck_assert(ip4_prefix_parse("10.0.0.0/8", &p));
	ck_assert_str_eq(ip4_prefix_str(p, text), "10.0.0.0/8");
	ck_assert(ip4_prefix_has(p, A(10, 255, 255, 255)) && ip4_prefix_has(p, A(10, 0, 0, 0)));
	ck_assert(!ip4_prefix_has(p, A(11, 0, 0, 0)) && !ip4_prefix_has(p, A(9, 255, 255, 255)));
	ck_assert(ip4_prefix_parse("255.255.255.255", &p) && p.len == 32);
	ck_assert_str_eq(ip4_prefix_str(p, text), "255.255.255.255/32");
	ck_assert(ip4_prefix_parse("0.0.0.0/0", &p) && p.len == 0 && p.addr == 0);
	ck_assert(ip4_prefix_has(p, 0) && ip4_prefix_has(p, UINT32_MAX));
}
END_TEST

START_TEST(test_range)
{
	static const char *const bad[] = { "", "-", "10.0.0.1-", "-10.0.0.1", "10.0.0.2-10.0.0.1", "10.0.0.0/8-10.0.0.1",
		"10.0.0.1-10.0.0.0/8", "10.0.0.1 - 10.0.0.2", "10.0.0.1/8", "10.0.0.1-10.0.0.2-10.0.0.3" };
	struct ip4_range r = { 1, 2 };

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!ip4_range_parse(bad[i], &r) && r.first == 1 && r.last == 2, "\"%s\" was taken", bad[i]);
	ck_assert(ip4_range_parse("203.0.113.8/29", &r));
	ck_assert(r.first == A(203, 0, 113, 8) && r.last == A(203, 0, 113, 15));
	ck_assert(ip4_range_parse("203.0.113.20-203.0.113.30", &r));
	ck_assert(r.first == A(203, 0, 113, 20) && r.last == A(203, 0, 113, 30));
	ck_assert(ip4_range_parse("203.0.113.9", &r) && r.first == r.last);
	ck_assert(ip4_range_parse("203.0.113.9-203.0.113.9", &r) && r.first == r.last);
	ck_assert(ip4_range_parse("0.0.0.0/0", &r) && r.first == 0 && r.last == UINT32_MAX);
}
END_TEST

START_TEST(test_port_range)
{
	static const char *const bad[] = { "", "0", "0-5", "65536", "1-65536", "2-1", "-", "1-", "-1", "1-2-3", "+1", " 1",
		"1 ", "1,2", "http", "99999999999999999999", "10000000000000000000000000000000-2" };
	struct port_range r = { 1, 2 };

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!port_range_parse(bad[i], &r) && r.first == 1 && r.last == 2, "\"%s\" was taken", bad[i]);
	ck_assert(port_range_parse("500", &r) && r.first == 500 && r.last == 500);
	ck_assert(port_range_parse("1024-65535", &r) && r.first == 1024 && r.last == 65535);
	ck_assert(port_range_parse("1-1", &r) && r.first == 1 && r.last == 1);
}
END_TEST

START_TEST(test_spi_range)
{
	static const char *const bad[] = { "", "0xff", "255", "0x", "0x0x100", "0xg", "0x100000000", "0x200-0x100", "0xff-0x100",
		"100h", "-0x100", "0X100" };
	struct spi_range r = { 1, 2 };

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!spi_range_parse(bad[i], &r) && r.first == 1 && r.last == 2, "\"%s\" was taken", bad[i]);
	ck_assert(spi_range_parse("0x10000000-0xdfffffff", &r) && r.first == 0x10000000 && r.last == 0xdfffffff);
	ck_assert(spi_range_parse("0x100-0xFFFFFFFF", &r) && r.first == 256 && r.last == UINT32_MAX);
	ck_assert(spi_range_parse("256-4294967295", &r) && r.first == 256 && r.last == UINT32_MAX);
	ck_assert(spi_range_parse("010000", &r) && r.first == 10000); /* no octal */
}
END_TEST

START_TEST(test_ip4_port)
{
	static const char *const bad[] = { "", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:0", "127.0.0.1:65536",
		"127.0.0.1:80-90", "127.0.0.1:80:90", "localhost:80", "127.0.0.1: 80", "[::1]:80" };
	ip4_t addr = 1;
	uint16_t port = 2;

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!ip4_port_parse(bad[i], &addr, &port) && addr == 1 && port == 2, "\"%s\" was taken", bad[i]);
	ck_assert(ip4_port_parse("127.0.0.1:9455", &addr, &port) && addr == A(127, 0, 0, 1) && port == 9455);
}
END_TEST

/* The pieces of a range follow each other without a gap, and none could be one bit wider. */
static void
check_split(ip4_t first, ip4_t last)
{
	struct ip4_range rest = { first, last };

	for (;;) {
		struct ip4_prefix p = ip4_range_first_prefix(rest);
		ip4_t end = p.addr | ~ip4_mask(p.len);

		ck_assert_uint_eq(p.addr, rest.first);
		ck_assert((p.addr & ~ip4_mask(p.len)) == 0 && end <= last);
		if (p.len > 0) {
			ip4_t wider = ip4_mask((uint8_t)(p.len - 1));
			ck_assert((p.addr & ~wider) != 0 || (p.addr | ~wider) > last);
		}
		if (end == last)
			return;
		rest.first = end + 1;
	}
}

START_TEST(test_range_split)
{
	check_split(0, UINT32_MAX);
	check_split(1, UINT32_MAX);
	check_split(0, UINT32_MAX - 1);
	check_split(UINT32_MAX, UINT32_MAX);
	check_split(A(203, 0, 113, 20), A(203, 0, 113, 30));
	srandom(1);
	for (int i = 0; i < 10000; i++) {
		ip4_t a = (ip4_t)random() << 8 ^ (ip4_t)random(), b = i % 2 == 0 ? a + (ip4_t)random() % 1000 : (ip4_t)random() * 2;
		if (a <= b)
			check_split(a, b);
		else
			check_split(b, a);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_add_test(tc, test_ip4);
	tcase_add_test(tc, test_mask);
	tcase_add_test(tc, test_prefix);
	tcase_add_test(tc, test_range);
	tcase_add_test(tc, test_port_range);
	tcase_add_test(tc, test_spi_range);
	tcase_add_test(tc, test_ip4_port);
	tcase_add_test(tc, test_range_split);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
