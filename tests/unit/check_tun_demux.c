/* Which device an inbound packet is for, and which ports are the ephemeral ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "icmp.h"
#include "packet.h"
#include "ports.h"
#include "run_suite.h"
#include "tun_demux.h"
#include "wire.h"

#define OURS 0xcb007108u  /* 203.0.113.8 */
#define OTHER 0xcb007109u /* 203.0.113.9 */
#define PEER 0xc6336407u

static struct tun_demux *demux;
static uint8_t bytes[128];

static void
setup(void)
{
	demux = tun_demux_new();
	tun_demux_claim(demux, OURS, (struct port_range){ 0, 0 }, 0);
	tun_demux_claim(demux, OURS, (struct port_range){ 2000, 2007 }, 1);
	tun_demux_claim(demux, OURS, (struct port_range){ 65535, 65535 }, 2);
}

static void
teardown(void)
{
	tun_demux_free(demux);
}

/* Writes an IPv4 packet with this payload at `at`; returns its length. */
static size_t
ip4(uint8_t *at, uint8_t proto, ip4_t src, ip4_t dst, uint16_t fragment, const uint8_t *payload, size_t len)
{
	memset(at, 0, IPV4_HEADER_LEN);
	at[0] = 0x45;
	wire_put16(at + 2, (uint16_t)(IPV4_HEADER_LEN + len));
	wire_put16(at + 6, fragment);
	at[IPV4_TTL] = 64;
	at[IPV4_PROTO] = proto;
	wire_put32(at + IPV4_SRC, src);
	wire_put32(at + IPV4_DST, dst);
	wire_put16(at + IPV4_CHECKSUM, checksum(at, IPV4_HEADER_LEN));
	memmove(at + IPV4_HEADER_LEN, payload, len);
	return IPV4_HEADER_LEN + len;
}

static int
inbound(uint8_t proto, ip4_t dst, uint16_t fragment, const uint8_t *payload, size_t len)
{
	struct packet p;

	ck_assert(packet_parse(&p, bytes, ip4(bytes, proto, PEER, dst, fragment, payload, len)));
	return tun_demux_inbound(demux, &p);
}

static int
by_port(uint8_t proto, uint16_t dport)
{
	uint8_t payload[8] = { 0, 80, (uint8_t)(dport >> 8), (uint8_t)dport };

	return inbound(proto, OURS, 0, payload, sizeof(payload));
}

START_TEST(ports_of_all_transports)
{
	static const uint8_t protos[] = { IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_DCCP, IP_PROTO_UDPLITE };

	for (size_t i = 0; i < sizeof(protos); i++) {
		ck_assert_int_eq(by_port(protos[i], 1999), 0);
		ck_assert_int_eq(by_port(protos[i], 2000), 1);
		ck_assert_int_eq(by_port(protos[i], 2007), 1);
		ck_assert_int_eq(by_port(protos[i], 2008), 0);
		ck_assert_int_eq(by_port(protos[i], 65535), 2);
		ck_assert_int_eq(by_port(protos[i], 0), 0);
	}
	ck_assert_int_eq(by_port(IP_PROTO_ESP, 2000), 0); /* not a port there */
	tun_demux_release(demux, 1);
	ck_assert_int_eq(by_port(IP_PROTO_TCP, 2000), 0);
	ck_assert_int_eq(by_port(IP_PROTO_TCP, 65535), 2);
}
END_TEST

START_TEST(not_ours)
{
	static const uint8_t payload[8] = { 0, 80, 0x07, 0xd0 };

	ck_assert_int_eq(inbound(IP_PROTO_TCP, OTHER, 0, payload, 8), TUN_DEMUX_NONE);
	ck_assert_int_eq(inbound(IP_PROTO_TCP, OURS, 0, payload, 3), TUN_DEMUX_NONE); /* cut within the ports */
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, payload, 3), TUN_DEMUX_NONE);
}
END_TEST

START_TEST(fragments)
{
	static const uint8_t payload[8] = { 0, 80, 0x07, 0xd0 };

	ck_assert_int_eq(inbound(IP_PROTO_UDP, OURS, 0x2000, payload, 8), 1);             /* the first */
	ck_assert_int_eq(inbound(IP_PROTO_UDP, OURS, 1, payload, 8), TUN_DEMUX_ALL);      /* a later one */
	ck_assert_int_eq(inbound(IP_PROTO_UDP, OTHER, 1, payload, 8), TUN_DEMUX_NONE);
}
END_TEST

/* Errors go to whom the packet that they are about came from: the other way round than packets from peers. */
START_TEST(icmp_errors)
{
	static const uint8_t types[] = { ICMP_TYPE_UNREACHABLE, ICMP_TYPE_TIME_EXCEEDED, ICMP_TYPE_PARAMETER };
	uint8_t sent[8] = { 0x07, 0xd1, 0, 80 }, error[64] = { 0 };
	size_t len = ip4(error + ICMP_HEADER_LEN, IP_PROTO_UDP, OURS, PEER, 0, sent, sizeof(sent));

	for (size_t i = 0; i < sizeof(types); i++) {
		error[0] = types[i];
		ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + len), 1);
	}
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + IPV4_HEADER_LEN + 3), TUN_DEMUX_NONE);
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + 10), TUN_DEMUX_NONE);
	ip4(error + ICMP_HEADER_LEN, IP_PROTO_UDP, OTHER, PEER, 0, sent, sizeof(sent));
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + len), TUN_DEMUX_NONE);
	ip4(error + ICMP_HEADER_LEN, IP_PROTO_ESP, OURS, PEER, 0, sent, sizeof(sent));
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + len), 0);
}
END_TEST

START_TEST(echo)
{
	uint8_t request[8] = { ICMP_TYPE_ECHO, 0, 0, 0, 0x12, 0x34 }, reply[8] = { ICMP_TYPE_ECHO_REPLY, 0, 0, 0, 0x12, 0x34 };
	uint8_t error[64] = { ICMP_TYPE_TIME_EXCEEDED };
	struct packet p;
	size_t len;

	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, reply, 8), 0);
	ck_assert(packet_parse(&p, bytes, ip4(bytes, IP_PROTO_ICMP, OURS, PEER, 0, request, 8)));
	tun_demux_outbound(demux, &p, 3);
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, reply, 8), 3);
	len = ip4(error + ICMP_HEADER_LEN, IP_PROTO_ICMP, OURS, PEER, 0, request, 8);
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, error, ICMP_HEADER_LEN + len), 3); /* traceroute */
	tun_demux_release(demux, 3);
	ck_assert_int_eq(inbound(IP_PROTO_ICMP, OURS, 0, reply, 8), 0);
}
END_TEST

/* ---- ephemeral ports ---- */

static const struct {
	struct port_range leased[4];
	size_t n;
	uint16_t floor;
	const char *before, *range, *reserved;
} confined[] = {
	{ { { 40000, 40063 } }, 1, 1024, "", "40000 40063", "" },
	{ { { 40000, 40000 } }, 1, 1024, "", "40000 40000", "" },
	{ { { 65535, 65535 }, { 1024, 1024 } }, 2, 1024, "", "1024 65535", "1025-65534" },
	{ { { 50000, 50007 }, { 40000, 40007 }, { 45000, 45007 } }, 3, 1024, "8080,9000-9001", "40000 50007",
	  "8080,9000-9001,40008-44999,45008-49999" },
	{ { { 40008, 40015 }, { 40000, 40007 } }, 2, 1024, "", "40000 40015", "" },       /* they touch */
	{ { { 1000, 1031 }, { 500, 507 } }, 2, 1024, "", "1024 1031", "" },               /* the kernel's floor */
	{ { { 40000, 40063 }, { 40010, 40020 } }, 2, 1024, "", "40000 40063", "" },       /* one within the other */
};

START_TEST(confinement)
{
	static struct ports_setting setting;

	ck_assert(ports_confine(&setting, confined[_i].leased, confined[_i].n, confined[_i].floor, confined[_i].before));
	ck_assert_str_eq(setting.range, confined[_i].range);
	ck_assert_str_eq(setting.reserved, confined[_i].reserved);
}
END_TEST

START_TEST(no_confinement)
{
	static struct ports_setting setting;
	static struct port_range many[600];

	ck_assert(!ports_confine(&setting, many, 0, 1024, ""));
	many[0] = (struct port_range){ 100, 200 };
	ck_assert(!ports_confine(&setting, many, 1, 1024, ""));
	for (unsigned i = 0; i < 600; i++)
		many[i] = (struct port_range){ (uint16_t)(20000 + 2 * i), (uint16_t)(20000 + 2 * i) };
	ck_assert(!ports_confine(&setting, many, 600, 1024, "")); /* more gaps than a setting can list */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tun_demux");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ports_of_all_transports);
	tcase_add_test(tc, not_ours);
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, icmp_errors);
	tcase_add_test(tc, echo);
	tcase_add_loop_test(tc, confinement, 0, sizeof(confined) / sizeof(confined[0]));
	tcase_add_test(tc, no_confinement);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
