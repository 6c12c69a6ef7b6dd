/* classify: packets to demultiplexing fields, both ways round. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "classify.h"
#include "run_suite.h"

#define PEER IP(198, 51, 100, 1)
#define LOCAL IP(203, 0, 113, 8)

static const struct dp_pool pool = { .ike_ports = { 500, 4500, 7000 }, .n_ike_ports = 3 };

#define IN(...) { .src = PEER, .dst = LOCAL, __VA_ARGS__ }
#define OUT(...) { .src = LOCAL, .dst = PEER, __VA_ARGS__ }
#define KEY(how, number, ...) \
	{ .kind = DEMUX_##how, .proto = (number), .local_addr = LOCAL, .peer_addr = PEER, __VA_ARGS__ }
#define PORTS(local, peer) .local_port = (local), .peer_port = (peer)
#define IKE(i, r) .initiator_cookie = (i), .responder_cookie = (r)

static const struct {
	const char *what;
	enum local_side side;
	struct test_packet packet;
	struct demux_key key;
} cases[] = {
	{ "TCP in", LOCAL_IS_DST, IN(.proto = TCP, .sport = 80, .dport = 1024), KEY(PORT, TCP, PORTS(1024, 80)) },
	{ "TCP out", LOCAL_IS_SRC, OUT(.proto = TCP, .sport = 1024, .dport = 80), KEY(PORT, TCP, PORTS(1024, 80)) },
	{ "UDP, ports at their ends", LOCAL_IS_DST, IN(.proto = UDP, .sport = 65535), KEY(PORT, UDP, PORTS(0, 65535)) },
	{ "SCTP", LOCAL_IS_SRC, OUT(.proto = SCTP, .sport = 7, .dport = 8), KEY(PORT, SCTP, PORTS(7, 8)) },
	{ "DCCP", LOCAL_IS_SRC, OUT(.proto = DCCP, .sport = 7, .dport = 8), KEY(PORT, DCCP, PORTS(7, 8)) },
	{ "UDP-Lite", LOCAL_IS_SRC, OUT(.proto = UDPLITE, .sport = 7, .dport = 8), KEY(PORT, UDPLITE, PORTS(7, 8)) },
	{ "the peer's shared port does not matter", LOCAL_IS_DST, IN(.proto = UDP, .sport = 500, .dport = 1024, .data = 40),
	  KEY(PORT, UDP, PORTS(1024, 500)) },
	{ "ESP in", LOCAL_IS_DST, IN(.proto = ESP, .spi = 0x01020304), KEY(LOCAL_SPI, ESP, .spi = 0x01020304) },
	{ "ESP out", LOCAL_IS_SRC, OUT(.proto = ESP, .spi = 0xffffffff), KEY(PEER_SPI, ESP, .spi = 0xffffffff) },
	{ "AH in", LOCAL_IS_DST, IN(.proto = AH, .spi = 0x01020304), KEY(LOCAL_SPI, AH, .spi = 0x01020304) },
	{ "IKEv2 from the initiator", LOCAL_IS_DST, IN(.proto = UDP, .sport = 9, .dport = 500, .carries = UDP_IKE, .ci = 5, .cr = 6,
	  .ike_flags = 0x08), KEY(IKE, UDP, PORTS(500, 9), IKE(5, 6), .ike_sender = IKE_SENDER_INITIATOR) },
	{ "IKEv2 from the responder", LOCAL_IS_SRC, OUT(.proto = UDP, .sport = 500, .dport = 9, .carries = UDP_IKE, .ci = 5, .cr = 6,
	  .ike_flags = 0x20), KEY(IKE, UDP, PORTS(500, 9), IKE(5, 6), .ike_sender = IKE_SENDER_RESPONDER) },
	{ "IKEv1", LOCAL_IS_DST, IN(.proto = UDP, .sport = 500, .dport = 500, .carries = UDP_IKE, .ci = ~0ull, .ike_version = 0x10,
	  .ike_flags = 0x08), KEY(IKE, UDP, PORTS(500, 500), IKE(~0ull, 0)) },
	{ "IKE on 4500", LOCAL_IS_DST, IN(.proto = UDP, .sport = 9, .dport = 4500, .carries = UDP_MARKED_IKE, .ci = 5),
	  KEY(IKE, UDP, PORTS(4500, 9), IKE(5, 0), .ike_sender = IKE_SENDER_RESPONDER) },
	{ "IKE on another shared port", LOCAL_IS_DST, IN(.proto = UDP, .sport = 9, .dport = 7000, .carries = UDP_MARKED_IKE, .ci = 5),
	  KEY(IKE, UDP, PORTS(7000, 9), IKE(5, 0), .ike_sender = IKE_SENDER_RESPONDER) },
	{ "ESP in UDP, in", LOCAL_IS_DST, IN(.proto = UDP, .sport = 9, .dport = 4500, .carries = UDP_ESP, .spi = 77),
	  KEY(LOCAL_SPI, ESP, PORTS(4500, 9), .spi = 77) },
	{ "ESP in UDP, out", LOCAL_IS_SRC, OUT(.proto = UDP, .sport = 4500, .dport = 9, .carries = UDP_ESP, .spi = 77),
	  KEY(PEER_SPI, ESP, PORTS(4500, 9), .spi = 77) },
	{ "keepalive", LOCAL_IS_DST, IN(.proto = UDP, .sport = 9, .dport = 4500, .carries = UDP_KEEPALIVE),
	  KEY(KEEPALIVE, UDP, PORTS(4500, 9)) },
	{ "echo request", LOCAL_IS_SRC, OUT(.proto = ICMP, .icmp_type = 8, .icmp_id = 5), KEY(ICMP_REQUEST, ICMP, .icmp_type = 8,
	  .icmp_id = 5) },
	{ "echo reply", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 0, .icmp_id = 5), KEY(ICMP_REPLY, ICMP, .icmp_type = 8,
	  .icmp_id = 5) },
	{ "timestamp reply", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 14), KEY(ICMP_REPLY, ICMP, .icmp_type = 13) },
	{ "address mask reply", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 18), KEY(ICMP_REPLY, ICMP, .icmp_type = 17) },
	{ "unreachable", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 3), KEY(ICMP_ERROR, ICMP) },
	{ "source quench", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 4), KEY(OTHER, ICMP) },
	{ "router advertisement", LOCAL_IS_DST, IN(.proto = ICMP, .icmp_type = 9), KEY(OTHER, ICMP) },
	{ "OSPF", LOCAL_IS_DST, IN(.proto = OSPF), KEY(OTHER, OSPF) },
	{ "a later fragment", LOCAL_IS_DST, IN(.proto = TCP, .offset = 8, .data = 4), KEY(OTHER, TCP) },
};

static bool
parse(struct packet *p, const struct test_packet *from, uint8_t *bytes)
{
	return packet_parse(p, bytes, test_packet_build(from, bytes));
}

START_TEST(a_case)
{
	static uint8_t bytes[65536];
	struct demux_key key, *want = (struct demux_key *)&cases[_i].key;
	struct packet p;

	ck_assert(parse(&p, &cases[_i].packet, bytes));
	ck_assert_msg(classify(&p, cases[_i].side, &pool, &key), "%s", cases[_i].what);
	if (want->kind == DEMUX_OTHER || want->kind == DEMUX_ICMP_ERROR)
		key.icmp_id = 0;
	ck_assert_msg(memcmp(&key, want, sizeof(key)) == 0, "%s: kind %u, not %u, or another field", cases[_i].what, key.kind,
	              want->kind);
}
END_TEST

START_TEST(no_shared_ports_no_ike)
{
	const struct test_packet ike = IN(.proto = UDP, .sport = 500, .dport = 500, .carries = UDP_IKE, .ci = 5);
	uint8_t bytes[200];
	struct demux_key key;
	struct packet p;

	ck_assert(parse(&p, &ike, bytes));
	ck_assert(classify(&p, LOCAL_IS_DST, NULL, &key));
	ck_assert_int_eq(key.kind, DEMUX_PORT);
	ck_assert_uint_eq(key.local_port, 500);
}
END_TEST

/* The shortest payload of each protocol, whole and quoted. */
START_TEST(shortest)
{
	static const struct { uint8_t proto; uint16_t whole; } least[] = {
		{ TCP, 20 }, { UDP, 8 }, { SCTP, 12 }, { DCCP, 12 }, { UDPLITE, 8 }, { ESP, 8 }, { AH, 12 }, { ICMP, 8 }, { OSPF, 0 },
	};
	uint8_t bytes[200] = { 0 };
	struct demux_key key;

	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
		for (uint16_t len = 0; len < 30; len++) {
			struct packet p = { .bytes = bytes, .len = 20u + len, .proto = least[i].proto, .payload = 20, .payload_len = len };

			bytes[25] = (uint8_t)len; /* UDP's length field */
			ck_assert_int_eq(classify(&p, LOCAL_IS_DST, &pool, &key), len >= least[i].whole);
			p.quoted = true;
			ck_assert_int_eq(classify(&p, LOCAL_IS_DST, &pool, &key), least[i].whole == 0 || len >= 8);
		}
	}
}
END_TEST

/* A quoted IKE packet of every length: cookies from the 16th byte of it on, never half of one. */
START_TEST(quoted_ike)
{
	const struct test_packet ike = OUT(.proto = UDP, .sport = 4500, .dport = 9, .carries = UDP_MARKED_IKE, .ci = 5, .cr = 6);
	uint8_t bytes[200];
	struct demux_key key;
	struct packet p;
	size_t len = test_packet_build(&ike, bytes);

	for (size_t cut = 28; cut <= len; cut++) {
		ck_assert(packet_parse_quoted(&p, bytes, cut));
		ck_assert(classify(&p, LOCAL_IS_SRC, &pool, &key));
		ck_assert_int_eq(key.kind, DEMUX_IKE);
		ck_assert_uint_eq(key.initiator_cookie, cut >= 48 ? 5 : 0);
		ck_assert_uint_eq(key.responder_cookie, cut >= 48 ? 6 : 0);
		ck_assert_uint_eq(key.local_port, 4500);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("classify");
	TCase *tc = tcase_create("classify");

	tcase_add_loop_test(tc, a_case, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tc, no_shared_ports_no_ike);
	tcase_add_test(tc, shortest);
	tcase_add_test(tc, quoted_ike);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
