/* encap: tunnel headers off, and what goes into those put on. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "demux_binding.h"
#include "encap.h"
#include "rsip_proto.h"
#include "run_suite.h"
#include "tunnel_header.h"

#define HOST IP(10, 0, 0, 11)
#define GATEWAY IP(10, 0, 0, 1)

/* RFC 6040 figure 4; rows: inner Not-ECT, ECT(1), ECT(0), CE as they are numbered; columns: outer likewise. 9 =
 * drop. */
static const uint8_t figure_4[4][4] = {
	{ 0, 0, 0, 9 },
	{ 1, 1, 1, 3 },
	{ 2, 1, 2, 3 },
	{ 3, 3, 3, 3 },
};

START_TEST(ecn_of_rfc_6040)
{
	uint8_t bytes[100];
	struct packet p;

	for (unsigned dscp = 0; dscp < 64; dscp += 21) {
		for (unsigned inner = 0; inner < 4; inner++) {
			for (unsigned outer = 0; outer < 4; outer++) {
				const struct test_packet from = { .src = 1, .dst = 2, .proto = UDP, .tos = (uint8_t)(dscp << 2 | inner) };

				ck_assert(packet_parse(&p, bytes, test_packet_build(&from, bytes)));
				ck_assert_int_eq(encap_take_ecn((uint8_t)(0xfc | outer), &p), figure_4[inner][outer] != 9);
				ck_assert(packet_parse(&p, bytes, p.len)); /* the checksum went along */
				ck_assert_uint_eq(p.tos, dscp << 2 | (figure_4[inner][outer] == 9 ? inner : figure_4[inner][outer]));
			}
		}
	}
}
END_TEST

static enum encap_fault
strip(const struct test_packet *from, size_t *inner_at, size_t *inner_len)
{
	static uint8_t bytes[2000];
	struct packet outer;
	uint8_t *inner = bytes;
	enum encap_fault fault;

	ck_assert(packet_parse(&outer, bytes, test_packet_build(from, bytes)));
	fault = encap_strip(&outer, &inner, inner_len);
	*inner_at = (size_t)(inner - bytes);
	return fault;
}

START_TEST(headers_off)
{
	struct test_packet p = { .tunnel = 4, .outer_src = HOST, .outer_dst = GATEWAY, .src = 1, .dst = 2, .proto = UDP, .data = 3 };
	size_t at, len;

	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_OK);
	ck_assert_uint_eq(at, 20);
	ck_assert_uint_eq(len, 31);
	p.tunnel = 47;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_OK);
	ck_assert_uint_eq(at, 24);
	p.gre_flags = 0x8000;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_OK);
	ck_assert_uint_eq(at, 28);
	ck_assert_uint_eq(len, 31);
	p.tunnel = 0;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_UNKNOWN);
}
END_TEST

/* RFC 2784 2.3: bits 1-5 and the version must be zero, bits 6-12 are ignored. */
START_TEST(gre_bits)
{
	struct test_packet p = { .tunnel = 47, .outer_src = HOST, .outer_dst = GATEWAY, .src = 1, .dst = 2, .proto = UDP };
	size_t at, len;

	for (unsigned bit = 0; bit < 15; bit++) {
		p.gre_flags = (uint16_t)(1u << bit);
		ck_assert_int_eq(strip(&p, &at, &len), bit >= 3 && bit <= 9 ? ENCAP_OK : ENCAP_UNKNOWN);
	}
}
END_TEST

START_TEST(gre_too_short)
{
	uint8_t bytes[100];
	struct test_packet p = { .tunnel = 47, .outer_src = HOST, .outer_dst = GATEWAY, .gre_flags = 0x8000, .proto = UDP };
	struct packet outer;
	uint8_t *inner;
	size_t len;

	ck_assert(packet_parse(&outer, bytes, test_packet_build(&p, bytes)));
	for (outer.payload_len = 0; outer.payload_len < 8; outer.payload_len++)
		ck_assert_int_eq(encap_strip(&outer, &inner, &len), ENCAP_MALFORMED);
}
END_TEST

START_TEST(headers_on)
{
	struct demux_host host = { .addr = HOST };
	struct demux_binding b = { .host = &host, .lease = { .tunnel = RSIP_TUNNEL_GRE } };
	const struct packet inner = { .tos = 0xbb, .dont_fragment = true };
	struct tunnel_header h = tunnel_header_to(&b, &inner, GATEWAY);

	ck_assert_uint_eq(h.src, GATEWAY);
	ck_assert_uint_eq(h.dst, HOST);
	ck_assert_uint_eq(h.kind.type, RSIP_TUNNEL_GRE);
	ck_assert_uint_eq(h.tos, 0xbb);
	ck_assert(h.df);
	b.lease.gateway_addr = IP(10, 1, 0, 1);
	ck_assert_uint_eq(tunnel_header_to(&b, &inner, GATEWAY).src, IP(10, 1, 0, 1));
	ck_assert_uint_eq(encap_mtu(1500, (struct tunnel_kind){ RSIP_TUNNEL_IP_IP, 0 }), 1480);
	ck_assert_uint_eq(encap_mtu(1500, (struct tunnel_kind){ RSIP_TUNNEL_GRE, 0 }), 1476);
	ck_assert_mem_eq(encap_gre_header, "\0\0\x08\0", 4);
}
END_TEST

/* RFC 2890 2: the key stands behind the checksum; 0 is none of ours, and a sequence number was not agreed on. */
START_TEST(gre_key)
{
	struct test_packet p = { .tunnel = 47, .outer_src = HOST, .outer_dst = GATEWAY, .gre_flags = 0x2000,
		                 .gre_key = 0x80004711, .src = 1, .dst = 2, .proto = UDP, .data = 3 };
	uint8_t bytes[100], header[GRE_HEADER_MAX], *inner;
	struct packet outer;
	size_t at, len;

	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_OK);
	ck_assert_uint_eq(at, 28);
	ck_assert_uint_eq(len, 31);
	p.gre_flags = 0xa000;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_OK);
	ck_assert_uint_eq(at, 32);
	ck_assert(packet_parse(&outer, bytes, test_packet_build(&p, bytes)));
	ck_assert_uint_eq(encap_kind(&outer).gre_key, 0x80004711);
	p.gre_flags = 0x3000;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_UNKNOWN);
	p.gre_flags = 0x2000;
	ck_assert(packet_parse(&outer, bytes, test_packet_build(&p, bytes)));
	for (outer.payload_len = 0; outer.payload_len < 8; outer.payload_len++) {
		ck_assert_int_eq(encap_strip(&outer, &inner, &len), ENCAP_MALFORMED);
		ck_assert_uint_eq(encap_kind(&outer).gre_key, 0);
	}
	p.gre_key = 0;
	ck_assert_int_eq(strip(&p, &at, &len), ENCAP_UNKNOWN);
	ck_assert_uint_eq(encap_write((struct tunnel_kind){ RSIP_TUNNEL_GRE, 0x80004711 }, header), 8);
	ck_assert_mem_eq(header, "\x20\0\x08\0\x80\0\x47\x11", 8);
	ck_assert_uint_eq(encap_mtu(1500, (struct tunnel_kind){ RSIP_TUNNEL_GRE, 1 }), 1472);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("encap");
	TCase *tc = tcase_create("encap");

	tcase_add_test(tc, ecn_of_rfc_6040);
	tcase_add_test(tc, headers_off);
	tcase_add_test(tc, gre_bits);
	tcase_add_test(tc, gre_too_short);
	tcase_add_test(tc, headers_on);
	tcase_add_test(tc, gre_key);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
