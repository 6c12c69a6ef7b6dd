/* ICMP errors about packets in tunnels (RFC 2003 4) on the gateway of dataplane/site.h: whom they concern, and what the
 * sender of the inner packet is told. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/site.h"
#include "checksum.h"
#include "engine.h"
#include "log.h"
#include "run_suite.h"
#include "wire.h"

#define ANY_ROUTER IP(10, 0, 0, 77)

struct tunnel_case {
	const char *what;
	uint8_t type, code;
	uint16_t mtu;
	struct test_packet outer; /* as we sent it, with its tunnel */
	uint16_t cut;             /* bytes that the router did not quote */
	ip4_t to;                 /* default: the source of outer */
	bool bad_checksum;
	bool concerns;         /* a tunnel of ours */
	uint8_t told_code;     /* of destination unreachable; 0: nothing is told */
	uint16_t told_mtu;
};

#define IPIP_TO(host) .tunnel = 4, .outer_src = GW, .outer_dst = (host)
#define GRE_TO(host) .tunnel = 47, .outer_src = GW, .outer_dst = (host)
#define TO_X1 { IPIP_TO(X1), .src = Y, .dst = A, .proto = UDP, .sport = 53, .dport = 1024, .data = 64 }
#define HOST_UNREACHABLE .concerns = true, .told_code = 1
#define NOT_TOLD .concerns = true

static const struct tunnel_case cases[] = {
	{ "network unreachable", 3, 0, 0, TO_X1, HOST_UNREACHABLE },
	{ "host unreachable", 3, 1, 0, TO_X1, HOST_UNREACHABLE },
	{ "protocol unreachable", 3, 2, 0, TO_X1, HOST_UNREACHABLE },
	{ "port unreachable MUST NOT be relayed", 3, 3, 0, TO_X1, NOT_TOLD },
	{ "too big MUST be relayed, less the tunnel header", 3, 4, 1300, TO_X1, .concerns = true, .told_code = 4, .told_mtu = 1280 },
	{ "too big, from a router that says no MTU", 3, 4, 0, TO_X1, NOT_TOLD },
	{ "too big, for any link", 3, 4, 67, TO_X1, NOT_TOLD },
	{ "source route failed MUST NOT be relayed", 3, 5, 0, TO_X1, NOT_TOLD },
	{ "prohibited", 3, 13, 0, TO_X1, HOST_UNREACHABLE },
	{ "time exceeded MUST be told as host unreachable", 11, 0, 0, TO_X1, HOST_UNREACHABLE },
	{ "fragments of the outer packet lost", 11, 1, 0, TO_X1, NOT_TOLD },
	{ "source quench", 4, 0, 0, TO_X1, NOT_TOLD },
	{ "redirect MUST NOT be relayed", 5, 1, 0, TO_X1, NOT_TOLD },
	{ "parameter problem", 12, 0, 0, TO_X1, NOT_TOLD },

	{ "a GRE tunnel: four bytes more", 3, 4, 1300, { GRE_TO(X4), .src = Y, .dst = A, .proto = TCP, .sport = 80, .dport = 4096 },
	  .concerns = true, .told_code = 4, .told_mtu = 1276 },
	{ "ESP inside", 3, 4, 1300, { IPIP_TO(X1), .src = Y, .dst = A, .proto = ESP, .spi = 0x10000001, .data = 80 },
	  .concerns = true, .told_code = 4, .told_mtu = 1280 },
	{ "AH inside", 3, 1, 0, { IPIP_TO(X2), .src = Y, .dst = A, .proto = AH, .spi = 0x20000001, .data = 80 }, HOST_UNREACHABLE },
	{ "IKE inside", 3, 1, 0, { IPIP_TO(X1), .src = Y, .dst = A, .proto = UDP, .sport = 500, .dport = 500, .carries = UDP_IKE,
	  .ci = X1_BLOCK | 1 }, HOST_UNREACHABLE },
	{ "a whole address inside", 3, 1, 0, { IPIP_TO(X3), .src = Y, .dst = W, .proto = OSPF, .data = 80 }, HOST_UNREACHABLE },
	{ "no error about an error", 3, 1, 0, { IPIP_TO(X3), .src = Y, .dst = W, .proto = ICMP, .icmp_type = 3, .data = 80 },
	  NOT_TOLD },
	{ "nor about a later fragment", 3, 1, 0, { IPIP_TO(X3), .src = Y, .dst = W, .proto = UDP, .offset = 1480, .data = 80 },
	  NOT_TOLD },
	{ "the least that is of use is quoted", 3, 1, 0, TO_X1, .cut = 64, .concerns = true, .told_code = 1 },
	{ "a byte less", 3, 1, 0, TO_X1, .cut = 65, NOT_TOLD },
	{ "a byte less, of a protocol that nobody knows", 3, 1, 0, { IPIP_TO(X3), .src = Y, .dst = W, .proto = OSPF, .data = 80 },
	  .cut = 73, NOT_TOLD },
	{ "the eight bytes that a router must quote", 3, 1, 0, TO_X1, .cut = 84, NOT_TOLD },

	{ "the inner packet is another host's", 3, 1, 0, { IPIP_TO(X2), .src = Y, .dst = A, .proto = UDP, .dport = 1024 }, NOT_TOLD },
	{ "the inner packet is nobody's", 3, 1, 0, { IPIP_TO(X1), .src = Y, .dst = A, .proto = UDP, .dport = 9999 }, NOT_TOLD },
	{ "the inner packet is not to us", 3, 1, 0, { IPIP_TO(X1), .src = Y, .dst = Z, .proto = UDP, .dport = 1024 }, NOT_TOLD },
	{ "through a tunnel of another type", 3, 1, 0, { GRE_TO(X1), .src = Y, .dst = A, .proto = UDP, .dport = 1024 }, NOT_TOLD },
	{ "from another end of the tunnel", 3, 1, 0, { .tunnel = 4, .outer_src = OWN, .outer_dst = X1, .src = Y, .dst = A,
	  .proto = UDP, .dport = 1024 }, NOT_TOLD },
	{ "to somebody else than the sender of the outer packet", 3, 1, 0, TO_X1, .to = OWN },
	{ "to no host of ours", 3, 1, 0, { IPIP_TO(STRANGER), .src = Y, .dst = A, .proto = UDP, .dport = 1024 }, .to = GW },
	{ "about no tunnel", 3, 1, 0, { .src = GW, .dst = X1, .proto = UDP, .dport = 1024, .data = 64 }, .to = GW },
	{ "with a wrong checksum", 3, 1, 0, TO_X1, .bad_checksum = true },
};

static size_t
build(const struct tunnel_case *c, uint8_t *out)
{
	uint8_t *icmp = out + 20;
	size_t quoted = test_packet_build(&c->outer, icmp + 8) - c->cut, len = 28 + quoted;

	memset(out, 0, 28);
	out[0] = 0x45;
	wire_put16(out + 2, (uint16_t)len);
	out[8] = 64;
	out[9] = ICMP;
	wire_put32(out + 12, ANY_ROUTER);
	wire_put32(out + 16, c->to != 0 ? c->to : c->outer.outer_src);
	wire_put16(out + 10, checksum(out, 20));
	icmp[0] = c->type;
	icmp[1] = c->code;
	wire_put16(icmp + 6, c->mtu);
	wire_put16(icmp + 2, (uint16_t)(checksum(icmp, 8 + quoted) ^ (c->bad_checksum ? 1 : 0)));
	return len;
}

static void
check_answer(const struct tunnel_case *c, const struct verdict *v)
{
	static uint8_t inner[2000];
	struct test_packet bare = c->outer;
	struct packet p;

	bare.tunnel = 0;
	test_packet_build(&bare, inner);
	ck_assert_msg(packet_parse(&p, (uint8_t *)v->answer, v->answer_len), "%s: the answer is no packet", c->what);
	ck_assert_msg(p.dst == c->outer.src && p.src == OWN, "%s: goes from 0x%08x to 0x%08x", c->what, p.src, p.dst);
	ck_assert_msg(packet_payload(&p)[0] == 3 && packet_payload(&p)[1] == c->told_code, "%s: says type %u code %u", c->what,
	              packet_payload(&p)[0], packet_payload(&p)[1]);
	ck_assert_msg(wire_get16(packet_payload(&p) + 6) == c->told_mtu, "%s: says MTU %u", c->what,
	              wire_get16(packet_payload(&p) + 6));
	ck_assert_msg(memcmp(packet_payload(&p) + 8, inner, 28) == 0, "%s: quotes another packet", c->what);
	ck_assert(icmp_checksum_good(&p));
}

START_TEST(a_case)
{
	const struct tunnel_case *c = &cases[_i];
	uint8_t space[4000], *exact;
	size_t len = build(c, space);
	struct engine e;
	struct verdict v;
	bool concerns;

	site_up(&e);
	exact = memcpy(malloc(len), space, len); /* so that sanitizers see what is read behind it */
	concerns = engine_tunnel_error(&e, exact, len, &v);
	ck_assert_msg(concerns == c->concerns, "%s: %s", c->what, concerns ? "concerns a tunnel" : "concerns none");
	if (concerns)
		ck_assert_msg(v.host != NULL && v.host->addr == c->outer.outer_dst, "%s: not of that host", c->what);
	ck_assert_msg((v.answer != NULL) == (c->told_code != 0), "%s: %s told", c->what, v.answer != NULL ? "is" : "is not");
	if (v.answer != NULL)
		check_answer(c, &v);
	free(exact);
	demux_free(e.demux);
	printf("PASS: %s\n", c->what);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tunnel_error");
	TCase *tc = tcase_create("tunnel_error");

	log_init("check_tunnel_error", LOG_TO_NONE, LOG_LVL_ERROR, false);
	tcase_add_loop_test(tc, a_case, 0, COUNT(cases));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
