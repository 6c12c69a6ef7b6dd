/* packet, checksum, mss, siphash, token_bucket: what the stages stand on. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "checksum.h"
#include "mss.h"
#include "packet.h"
#include "run_suite.h"
#include "siphash.h"
#include "token_bucket.h"
#include "wire.h"

#define SRC IP(198, 51, 100, 1)
#define DST IP(203, 0, 113, 8)

START_TEST(checksum_of_rfc_1071)
{
	/* RFC 1071 3, the numerical example: the sum is ddf2. */
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(checksum(example, sizeof(example)), 0xffff & ~0xddf2);
	ck_assert_uint_eq(checksum(example, 7), 0xffff & ~(0xddf2 - 0xf7));
	ck_assert_uint_eq(checksum(example, 0), 0xffff);
}
END_TEST

START_TEST(checksum_adjusted_as_rfc_1624_says)
{
	/* RFC 1624 4: dd2f and 5555 to 3285 gives 0000, where RFC 1141 gave ffff. */
	ck_assert_uint_eq(checksum_adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
	for (unsigned i = 0; i < 65536; i += 13) {
		uint8_t bytes[6] = { 0x12, 0x34, (uint8_t)(i >> 8), (uint8_t)i, 0x56, 0x78 };
		uint16_t before = checksum(bytes, 6);

		wire_put16(bytes + 2, (uint16_t)(i * 7));
		ck_assert_uint_eq(checksum_adjust(before, (uint16_t)i, (uint16_t)(i * 7)), checksum(bytes, 6));
	}
}
END_TEST

START_TEST(fields_are_read)
{
	const struct test_packet want = { .src = SRC, .dst = DST, .proto = UDP, .tos = 0x2e, .ttl = 7, .id = 0xabcd, .df = true,
		                          .options = 12, .sport = 1, .dport = 2, .data = 5 };
	uint8_t bytes[200];
	struct packet p;
	size_t len = test_packet_build(&want, bytes);

	ck_assert(packet_parse(&p, bytes, len + 50)); /* what follows is padding */
	ck_assert_uint_eq(p.len, len);
	ck_assert_uint_eq(p.src, SRC);
	ck_assert_uint_eq(p.dst, DST);
	ck_assert_uint_eq(p.proto, 17);
	ck_assert_uint_eq(p.ttl, 7);
	ck_assert_uint_eq(p.tos, 0x2e);
	ck_assert_uint_eq(p.id, 0xabcd);
	ck_assert(p.dont_fragment && !p.more_fragments && !p.quoted);
	ck_assert_uint_eq(p.payload, 32);
	ck_assert_uint_eq(p.payload_len, 13);
	ck_assert(packet_is_first(&p) && !packet_is_fragment(&p));
}
END_TEST

/* Every length and every first byte: what is taken is inside what was given. */
START_TEST(lengths_hold_together)
{
	const struct test_packet udp = { .src = SRC, .dst = DST, .proto = UDP, .data = 40 };
	uint8_t bytes[200];
	struct packet p;
	size_t len = test_packet_build(&udp, bytes);

	for (unsigned first = 0; first < 256; first++) {
		for (unsigned total = 0; total < 100; total++) {
			bytes[0] = (uint8_t)first;
			wire_put16(bytes + 2, (uint16_t)total);
			wire_put16(bytes + 10, 0);
			if ((first & 15) >= 5)
				wire_put16(bytes + 10, checksum(bytes, (first & 15) * 4));
			bool good = packet_parse(&p, bytes, len);
			bool may = first >> 4 == 4 && (first & 15) >= 5 && (first & 15) * 4 <= total && total <= len;

			ck_assert_int_eq(good, may);
			if (good)
				ck_assert_uint_eq(p.payload + p.payload_len, total);
			if (packet_parse_quoted(&p, bytes, 30))
				ck_assert_uint_le(p.payload + p.payload_len, 30);
		}
	}
}
END_TEST

START_TEST(header_bytes_change_with_the_checksum)
{
	const struct test_packet udp = { .src = SRC, .dst = DST, .proto = UDP, .data = 4 };
	uint8_t bytes[100];
	struct packet p;
	size_t len = test_packet_build(&udp, bytes);

	ck_assert(packet_parse(&p, bytes, len));
	for (unsigned i = 0; i < 256; i++) {
		packet_set_tos(&p, (uint8_t)i);
		packet_set_ttl(&p, (uint8_t)(255 - i));
		ck_assert(packet_parse(&p, bytes, len));
		ck_assert_uint_eq(p.tos, i);
		ck_assert_uint_eq(p.ttl, 255 - i);
	}
}
END_TEST

static void
clamp(const struct test_packet *syn, uint8_t *bytes, uint16_t mtu)
{
	struct packet p;
	size_t len = test_packet_build(syn, bytes);

	ck_assert(packet_parse(&p, bytes, len));
	mss_clamp(&p, mtu);
}

START_TEST(mss_options_that_do_not_hold_together)
{
	struct test_packet syn = { .src = SRC, .dst = DST, .proto = TCP, .syn = true, .mss = 1460 };
	uint8_t bytes[100], before[100];

	/* option length 0, 1, 3, 5, 255; data offset 0, 4, 15; no SYN */
	static const struct { uint8_t at, value; } bent[] = {
		{ 41, 0 }, { 41, 1 }, { 41, 3 }, { 41, 5 }, { 41, 255 }, { 32, 0x00 }, { 32, 0x40 }, { 32, 0xf0 }, { 33, 0x10 },
	};
	for (size_t i = 0; i < sizeof(bent) / sizeof(bent[0]); i++) {
		syn.break_at = bent[i].at;
		syn.break_to = bent[i].value;
		test_packet_build(&syn, before);
		clamp(&syn, bytes, 1000);
		ck_assert_mem_eq(bytes, before, 44);
	}
	syn.break_at = 7; /* a later fragment: what stands there is no TCP header */
	syn.break_to = 1;
	test_packet_build(&syn, before);
	clamp(&syn, bytes, 1000);
	ck_assert_mem_eq(bytes, before, 44);
	syn.break_at = syn.break_to = 0;
	clamp(&syn, bytes, 39);
	ck_assert_uint_eq(wire_get16(bytes + 42), 1460);
	clamp(&syn, bytes, 1000);
	ck_assert_uint_eq(wire_get16(bytes + 42), 960);
}
END_TEST

START_TEST(siphash_of_the_paper)
{
	/* Aumasson and Bernstein, Appendix A: key 00..0f, message 00..0e. */
	const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t message[15];

	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	ck_assert_uint_eq(siphash(&key, message, sizeof(message)), 0xa129ca6149be45e5);
}
END_TEST

START_TEST(tokens)
{
	struct token_bucket bucket = { 0 };
	unsigned n = 0;

	while (token_bucket_take(&bucket, 5, 100000))
		n++;
	ck_assert_uint_eq(n, 5);
	ck_assert(!token_bucket_take(&bucket, 5, 100199));
	ck_assert(token_bucket_take(&bucket, 5, 100200));
	ck_assert(!token_bucket_take(&bucket, 5, 100200));
	for (n = 0; token_bucket_take(&bucket, 5, 900000); n++)
		continue;
	ck_assert_uint_eq(n, 5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packet");
	TCase *tc = tcase_create("packet");

	tcase_add_test(tc, checksum_of_rfc_1071);
	tcase_add_test(tc, checksum_adjusted_as_rfc_1624_says);
	tcase_add_test(tc, fields_are_read);
	tcase_add_test(tc, lengths_hold_together);
	tcase_add_test(tc, header_bytes_change_with_the_checksum);
	tcase_add_test(tc, mss_options_that_do_not_hold_together);
	tcase_add_test(tc, siphash_of_the_paper);
	tcase_add_test(tc, tokens);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
