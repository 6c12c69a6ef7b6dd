/* The short way of packets: which frames the rings take, and what is written where the kernel no longer does it. */
#include "config.h"

#include <check.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "checksum.h"
#include "packet.h"
#include "ring_filter.h"
#include "rsip_proto.h"
#include "run_suite.h"
#include "tunnel_header.h"
#include "unsummed.h"
#include "wire.h"

#define HOST IP(10, 0, 0, 11)
#define GATEWAY IP(10, 0, 0, 1)
#define GATEWAY2 IP(10, 1, 0, 1)
#define PEER IP(203, 0, 113, 200)
#define FRAME_MAX 1514
#define ETHER 14
#define TAKEN 7
#define LEFT 9

/* ---- classic BPF, as far as the filters use it ---- */

struct frame {
	uint8_t bytes[2048];
	uint32_t len, type; /* type: PACKET_HOST, ... */
	bool tagged;
};

static bool
load(const struct frame *f, const struct sock_filter *i, uint32_t *a)
{
	if (BPF_MODE(i->code) == BPF_LEN)
		*a = f->len;
	else if (i->k == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE))
		*a = f->type;
	else if (i->k == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT))
		*a = f->tagged;
	else if (i->k + 4 > f->len)
		return false;
	else
		*a = BPF_SIZE(i->code) == BPF_W ? wire_get32(f->bytes + i->k) :
		     BPF_SIZE(i->code) == BPF_H ? wire_get16(f->bytes + i->k) : f->bytes[i->k];
	return true;
}

static bool
holds(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == k;
	case BPF_JGT: return a > k;
	case BPF_JGE: return a >= k;
	case BPF_JSET: return (a & k) != 0;
	default: ck_abort_msg("code %u", code);
	}
}

static uint32_t
run(const struct ring_filter *filter, const struct frame *f)
{
	uint32_t a = 0;

	for (size_t at = 0; at < filter->len; at++) {
		const struct sock_filter *i = &filter->code[at];

		if (BPF_CLASS(i->code) == BPF_RET)
			return i->k;
		if (BPF_CLASS(i->code) == BPF_LD && !load(f, i, &a))
			return 0;
		if (BPF_CLASS(i->code) == BPF_JMP)
			at += BPF_OP(i->code) == BPF_JA ? i->k : holds(i->code, a, i->k) ? i->jt : i->jf;
	}
	ck_abort_msg("the filter has no end");
}

/* ---- which frames ---- */

static const struct ip4_range pools[] = {
	{ IP(198, 51, 100, 0), IP(198, 51, 100, 15) }, { IP(203, 0, 113, 1), IP(203, 0, 113, 1) },
	{ IP(203, 0, 113, 8), IP(203, 0, 113, 9) },    { IP(203, 0, 113, 64), IP(203, 0, 113, 79) },
};
static const ip4_t own[] = { IP(203, 0, 113, 1) }, gateways[] = { GATEWAY, GATEWAY2 };
static const struct ring_filter_site site = { pools, 4, own, 1, gateways, 2 };

static struct frame
frame_of(const struct test_packet *from)
{
	struct frame f = { .type = PACKET_HOST };

	wire_put16(f.bytes + 12, 0x0800);
	f.len = (uint32_t)(ETHER + test_packet_build(from, f.bytes + ETHER));
	return f;
}

static uint32_t
public(const struct frame *f)
{
	static struct ring_filter filter;

	ck_assert(ring_filter_public(&filter, &site, FRAME_MAX, TAKEN, LEFT));
	return run(&filter, f);
}

START_TEST(pool_addresses_are_taken)
{
	for (ip4_t dst = IP(198, 51, 99, 250); dst < IP(198, 51, 100, 20); dst++) {
		struct frame f = frame_of(&(struct test_packet){ .src = PEER, .dst = dst, .proto = UDP });
		ck_assert_uint_eq(public(&f), dst >= pools[0].first && dst <= pools[0].last ? TAKEN : LEFT);
	}
	for (ip4_t dst = IP(203, 0, 113, 0); dst < IP(203, 0, 113, 90); dst++) {
		struct frame f = frame_of(&(struct test_packet){ .src = PEER, .dst = dst, .proto = UDP });
		unsigned last = dst & 255;
		ck_assert_uint_eq(public(&f), (last >= 8 && last <= 9) || (last >= 64 && last <= 79) ? TAKEN : LEFT);
	}
}
END_TEST

/* Each of them has one thing that the kernel must see to. */
START_TEST(the_rest_is_left)
{
	const struct test_packet plain = { .src = PEER, .dst = IP(203, 0, 113, 8), .proto = UDP };
	struct frame f = frame_of(&plain);

	ck_assert_uint_eq(public(&f), TAKEN);
	f.type = PACKET_OTHERHOST;
	ck_assert_uint_eq(public(&f), LEFT);
	f = frame_of(&plain);
	f.tagged = true;
	ck_assert_uint_eq(public(&f), LEFT);
	f = frame_of(&plain);
	f.len = FRAME_MAX + 1;
	ck_assert_uint_eq(public(&f), LEFT);
	static const struct { size_t at; uint8_t value; } changes[] = {
		{ 12, 0x86 }, { 14, 0x46 }, { 14, 0x65 }, { 20, 0x20 }, { 21, 0x01 }, { 22, 0 }, { 22, 1 }, { 23, 132 },
		{ 26, 0 }, { 26, 127 }, { 26, 224 }, { 26, 255 },
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		f = frame_of(&plain);
		f.bytes[changes[i].at] = changes[i].value;
		ck_assert_msg(public(&f) == LEFT, "byte %zu set to %u", changes[i].at, changes[i].value);
	}
}
END_TEST

/* The kernel takes a packet that says it comes from the machine itself for a lie, and drops it. */
START_TEST(what_pretends_to_be_from_us_is_left)
{
	struct frame f = frame_of(&(struct test_packet){ .src = own[0], .dst = IP(203, 0, 113, 8), .proto = UDP });

	ck_assert_uint_eq(public(&f), LEFT);
	f = frame_of(&(struct test_packet){ .src = own[0] + 1, .dst = IP(203, 0, 113, 8), .proto = UDP });
	ck_assert_uint_eq(public(&f), TAKEN);
}
END_TEST

START_TEST(tunnels_are_taken)
{
	static const struct { ip4_t dst; uint8_t proto; uint32_t verdict; } cases[] = {
		{ GATEWAY, IP_PROTO_IPIP, TAKEN },
		{ GATEWAY2, IP_PROTO_GRE, TAKEN },
		{ GATEWAY, UDP, LEFT },
		{ IP(10, 0, 0, 2), IP_PROTO_IPIP, LEFT },
	};
	static struct ring_filter filter;

	ck_assert(ring_filter_private(&filter, &site, FRAME_MAX, TAKEN, LEFT));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = frame_of(&(struct test_packet){ .src = HOST, .dst = cases[i].dst, .proto = cases[i].proto });
		ck_assert_uint_eq(run(&filter, &f), cases[i].verdict);
	}
}
END_TEST

START_TEST(more_pools_than_fit)
{
	static struct ip4_range many[RING_FILTER_MAX];
	static struct ring_filter filter;

	for (uint32_t i = 0; i < RING_FILTER_MAX; i++)
		many[i] = (struct ip4_range){ 0x0a000000 + 4 * i, 0x0a000001 + 4 * i };
	struct ring_filter_site large = { .pools = many, .n_pools = 500 };
	ck_assert(ring_filter_public(&filter, &large, FRAME_MAX, TAKEN, LEFT));
	for (uint32_t i = 0; i < 500; i++) {
		struct frame f = frame_of(&(struct test_packet){ .src = PEER, .dst = many[i].last, .proto = UDP });
		ck_assert_uint_eq(run(&filter, &f), TAKEN);
		f = frame_of(&(struct test_packet){ .src = PEER, .dst = many[i].last + 1, .proto = UDP });
		ck_assert_uint_eq(run(&filter, &f), LEFT);
	}
	large.n_pools = RING_FILTER_MAX;
	ck_assert(!ring_filter_public(&filter, &large, FRAME_MAX, TAKEN, LEFT));
}
END_TEST

/* ---- what is written ---- */

START_TEST(outer_headers)
{
	struct tunnel_header header = { .src = GATEWAY, .dst = HOST, .kind.type = RSIP_TUNNEL_IP_IP, .tos = 0xb8,
		                        .df = true };
	uint8_t bytes[64] = { 0 };
	struct packet p;

	ck_assert_uint_eq(tunnel_header_len(&header), 20);
	tunnel_header_write(&header, 40, 0x1234, bytes);
	ck_assert(packet_parse(&p, bytes, 60));
	ck_assert_uint_eq(p.len, 60);
	ck_assert(p.src == GATEWAY && p.dst == HOST && p.proto == IP_PROTO_IPIP && p.ttl == 64 && p.tos == 0xb8);
	ck_assert(p.dont_fragment && p.id == 0);
	header.kind.type = RSIP_TUNNEL_GRE;
	header.df = false;
	ck_assert_uint_eq(tunnel_header_len(&header), 24);
	tunnel_header_write(&header, 40, 0x1234, bytes);
	ck_assert(packet_parse(&p, bytes, 64));
	ck_assert(p.len == 64 && p.proto == IP_PROTO_GRE && !p.dont_fragment && p.id == 0x1234);
	ck_assert_uint_eq(wire_get32(bytes + 20), 0x0800);
}
END_TEST

START_TEST(a_hop)
{
	uint8_t bytes[100];
	struct packet p;
	size_t len = test_packet_build(&(struct test_packet){ .src = HOST, .dst = PEER, .proto = UDP, .ttl = 255 }, bytes);

	for (unsigned ttl = 254; ttl > 0; ttl--) {
		packet_hop(bytes);
		ck_assert(packet_parse(&p, bytes, len));
		ck_assert_uint_eq(p.ttl, ttl);
	}
}
END_TEST

/* What the sender leaves in the field is the sum of the pseudo header. */
static void
check_completed(uint8_t proto, size_t at)
{
	uint8_t bytes[128] = { 0 }, pseudo[12 + 41];
	size_t len = 20 + 41;

	bytes[0] = 0x45;
	wire_put16(bytes + 2, (uint16_t)len);
	bytes[IPV4_TTL] = 64;
	bytes[IPV4_PROTO] = proto;
	wire_put32(bytes + IPV4_SRC, HOST);
	wire_put32(bytes + IPV4_DST, PEER);
	wire_put16(bytes + IPV4_CHECKSUM, checksum(bytes, 20));
	for (size_t i = 0; i < 41; i++)
		bytes[20 + i] = (uint8_t)(i * 7);
	unsummed_complete(bytes, len);
	ck_assert_uint_ne(wire_get16(bytes + 20 + at), 0);
	memcpy(pseudo, bytes + IPV4_SRC, 8);
	wire_put16(pseudo + 8, proto);
	wire_put16(pseudo + 10, 41);
	memcpy(pseudo + 12, bytes + 20, 41);
	ck_assert_uint_eq(checksum(pseudo, sizeof(pseudo)), 0);
}

START_TEST(checksums_left_to_the_device)
{
	check_completed(IP_PROTO_UDP, 6);
	check_completed(IP_PROTO_TCP, 16);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("frames");
	TCase *tc = tcase_create("frames");

	tcase_add_test(tc, pool_addresses_are_taken);
	tcase_add_test(tc, the_rest_is_left);
	tcase_add_test(tc, what_pretends_to_be_from_us_is_left);
	tcase_add_test(tc, tunnels_are_taken);
	tcase_add_test(tc, more_pools_than_fit);
	tcase_add_test(tc, outer_headers);
	tcase_add_test(tc, a_hop);
	tcase_add_test(tc, checksums_left_to_the_device);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
