/* icmp: errors made, errors read, queries answered. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "checksum.h"
#include "icmp.h"
#include "run_suite.h"
#include "wire.h"

#define PEER IP(198, 51, 100, 1)
#define LOCAL IP(203, 0, 113, 8)
#define GATEWAY IP(203, 0, 113, 1)

static uint8_t bytes[65536], error[ICMP_ERROR_MAX];

static struct packet
built(struct test_packet from)
{
	struct packet p;

	ck_assert(packet_parse(&p, bytes, test_packet_build(&from, bytes)));
	return p;
}

static size_t
error_about(struct test_packet from)
{
	struct packet about = built(from);

	return icmp_error(error, &about, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, 1480, GATEWAY);
}

START_TEST(an_error_quotes_what_fits)
{
	for (uint16_t data = 0; data < 1600; data++) {
		size_t whole = 28u + data, len = error_about((struct test_packet){ .src = PEER, .dst = LOCAL, .proto = UDP, .data = data });
		struct packet p, quoted;

		ck_assert_uint_eq(len, whole + 28 < 576 ? whole + 28 : 576);
		ck_assert(packet_parse(&p, error, len));
		ck_assert_uint_eq(checksum(error + 20, len - 20), 0);
		ck_assert_uint_eq(p.src, GATEWAY);
		ck_assert_uint_eq(p.dst, PEER);
		ck_assert_uint_eq(wire_get16(error + 26), 1480);
		ck_assert(icmp_quoted(&p, &quoted));
		ck_assert_uint_eq(quoted.src, PEER);
		ck_assert_mem_eq(quoted.bytes, bytes, quoted.len);
	}
}
END_TEST

/* RFC 1812 4.3.2.7 */
START_TEST(no_error_about_these)
{
	static const struct test_packet none[] = {
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 3 },
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 11 },
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 5 },
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 250 },
		{ .src = PEER, .dst = LOCAL, .proto = UDP, .offset = 8, .data = 8 },
		{ .src = 0, .dst = LOCAL, .proto = UDP },
		{ .src = IP(127, 0, 0, 1), .dst = LOCAL, .proto = UDP },
		{ .src = IP(224, 0, 0, 1), .dst = LOCAL, .proto = UDP },
		{ .src = IP(255, 255, 255, 255), .dst = LOCAL, .proto = UDP },
		{ .src = IP(240, 1, 1, 1), .dst = LOCAL, .proto = UDP },
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_uint_eq(error_about(none[i]), 0);
	ck_assert_uint_ne(error_about((struct test_packet){ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 8 }), 0);
	ck_assert_uint_ne(error_about((struct test_packet){ .src = PEER, .dst = LOCAL, .proto = UDP, .mf = true }), 0);
}
END_TEST

START_TEST(an_echo_of_every_size)
{
	for (uint16_t data = 0; data < 200; data++) {
		struct test_packet ask = { .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 8, .icmp_id = 7, .options = 8,
			                   .data = data };
		static uint8_t want[65536];
		struct test_packet answer = { .src = LOCAL, .dst = PEER, .proto = ICMP, .icmp_type = 0, .icmp_id = 7, .data = data };
		struct packet p = built(ask);
		size_t len = test_packet_build(&answer, want);

		ck_assert(icmp_reply(&p, 0));
		ck_assert_uint_eq(p.len, len);
		ck_assert_mem_eq(p.bytes, want, len);
	}
}
END_TEST

START_TEST(a_timestamp)
{
	struct packet p = built((struct test_packet){ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 13, .data = 12 });
	uint32_t originate = wire_get32(bytes + 28);

	ck_assert(icmp_reply(&p, 86399999));
	ck_assert_uint_eq(bytes[20], 14);
	ck_assert_uint_eq(wire_get32(bytes + 28), originate);
	ck_assert_uint_eq(wire_get32(bytes + 32), 86399999);
	ck_assert_uint_eq(wire_get32(bytes + 36), 86399999);
	ck_assert_uint_eq(checksum(bytes + 20, p.len - 20), 0);
}
END_TEST

START_TEST(no_answer_to_these)
{
	static const struct test_packet none[] = {
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 0 },
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 13, .data = 11 }, /* too short for its times */
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 17, .data = 4 },  /* RFC 6918 */
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 8, .mf = true },
		{ .src = IP(255, 255, 255, 255), .dst = LOCAL, .proto = ICMP, .icmp_type = 8 },
		{ .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 8, .data = 9, .break_at = 30, .break_to = 1 },
		{ .src = PEER, .dst = LOCAL, .proto = UDP },
	};
	uint8_t before[200];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct packet p = built(none[i]);

		memcpy(before, bytes, p.len);
		ck_assert(!icmp_reply(&p, 5));
		ck_assert_mem_eq(before, bytes, p.len);
	}
}
END_TEST

START_TEST(quotes_that_are_no_packet)
{
	struct test_packet inner = { .src = LOCAL, .dst = PEER, .proto = UDP };
	struct test_packet outer = { .src = PEER, .dst = LOCAL, .proto = ICMP, .icmp_type = 3, .quotes = &inner };
	struct packet p, quoted;

	for (uint16_t len = 1; len < 20; len++) {
		outer.quote_len = len;
		p = built(outer);
		ck_assert(!icmp_quoted(&p, &quoted));
	}
	outer.quote_len = 20;
	p = built(outer);
	ck_assert(icmp_quoted(&p, &quoted));
	ck_assert_uint_eq(quoted.payload_len, 0);
	inner.options = 8; /* and options that are not all there */
	for (uint16_t len = 20; len < 28; len++) {
		outer.quote_len = len;
		p = built(outer);
		ck_assert(!icmp_quoted(&p, &quoted));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("icmp");
	TCase *tc = tcase_create("icmp");

	tcase_add_test(tc, an_error_quotes_what_fits);
	tcase_add_test(tc, no_error_about_these);
	tcase_add_test(tc, an_echo_of_every_size);
	tcase_add_test(tc, a_timestamp);
	tcase_add_test(tc, no_answer_to_these);
	tcase_add_test(tc, quotes_that_are_no_packet);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
