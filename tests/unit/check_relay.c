/* The stages of the relay over the cases of dataplane/cases.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/cases.h"
#include "engine.h"
#include "fragment_hold.h"
#include "log.h"
#include "run_suite.h"

/* Each packet in memory of its exact size, so that sanitizers see what is read behind it. */
static uint8_t *
build_exact(const struct test_packet *p, size_t *len)
{
	static uint8_t space[70000];
	uint8_t *exact;

	*len = test_packet_build(p, space);
	exact = malloc(*len > 0 ? *len : 1);
	ck_assert_ptr_nonnull(exact);
	return memcpy(exact, space, *len);
}

static uint8_t *
run(struct engine *e, enum direction direction, const struct test_packet *p, struct verdict *v)
{
	size_t len;
	uint8_t *bytes = build_exact(p, &len);

	if (direction == IN)
		engine_inbound(e, bytes, len, v);
	else
		engine_outbound(e, bytes, len, v);
	return bytes;
}

/* What engine_expire has counted in the case that runs. */
static struct dp_counters expired;

static void
run_before(struct engine *e, const struct dp_step *steps, size_t n)
{
	struct verdict v, released;

	for (size_t i = 0; i < n && steps[i].packet.proto != 0; i++) {
		e->now += steps[i].later_s * 1000;
		engine_expire(e, &expired);
		free(run(e, steps[i].direction, &steps[i].packet, &v));
		while (engine_next_released(e, &released))
			;
	}
}

static void
check_bytes(const struct dp_case *c, const char *which, const uint8_t *bytes, size_t len, const struct test_packet *want)
{
	static uint8_t space[70000];
	struct test_packet unpadded = *want;
	size_t want_len;

	unpadded.pad = 0;
	want_len = test_packet_build_inner(&unpadded, space);

	ck_assert_msg(len == want_len, "%s: %s has %zu bytes, not %zu", c->what, which, len, want_len);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(bytes[i] == space[i], "%s: %s differs at byte %zu: 0x%02x, not 0x%02x", c->what, which, i,
		              bytes[i], space[i]);
}

static const struct dp_bind *
lease_of(ip4_t host)
{
	for (size_t i = 0; i < COUNT(site_bindings); i++) {
		if (site_bindings[i].lease.host_addr == host)
			return &site_bindings[i].lease;
	}
	ck_abort_msg("the site has no such host");
}

static void
check_tunnel(const struct dp_case *c, const struct test_packet *p, ip4_t to, const struct verdict *v)
{
	const struct tunnel_header *t = &v->tunnel;

	ck_assert_msg(t->dst == to, "%s: goes to 0x%08x, not 0x%08x", c->what, t->dst, to);
	ck_assert_msg(t->src == GW, "%s: comes from 0x%08x", c->what, t->src);
	ck_assert_msg(t->kind.type == lease_of(to)->tunnel, "%s: by tunnel type %u", c->what, t->kind.type);
	ck_assert_msg(t->kind.gre_key == demux_terms(v->binding)->gre_key, "%s: with key %u", c->what, t->kind.gre_key);
	ck_assert_msg(t->tos == p->tos, "%s: outer TOS 0x%02x", c->what, t->tos);
	ck_assert_msg(t->df == p->df, "%s: outer DF %d", c->what, t->df);
}

static void
check_verdict(const struct dp_case *c, const struct verdict *v)
{
	ck_assert_msg(v->action == c->then, "%s: action %d, not %d (reason %s)", c->what, v->action, c->then,
	              dp_drop_name(v->reason));
	if (v->action == VERDICT_DROP)
		ck_assert_msg(v->reason == c->reason, "%s: dropped for %s, not %s", c->what, dp_drop_name(v->reason),
		              dp_drop_name(c->reason));
	else if (v->action != VERDICT_ANSWERED && v->action != VERDICT_HELD)
		check_bytes(c, "the packet", v->bytes, v->len, c->becomes != NULL ? c->becomes : &c->packet);
	if (v->action == VERDICT_HOST)
		check_tunnel(c, &c->packet, c->to, v);
	ck_assert_msg(v->violation.error == c->error, "%s: error %u reported, not %u", c->what, v->violation.error, c->error);
	ck_assert_msg((v->answer != NULL) == (c->answer != NULL), "%s: %s answer", c->what, v->answer != NULL ? "an" : "no");
	if (v->answer != NULL)
		check_bytes(c, "the answer", v->answer, v->answer_len, c->answer);
}

/* The fragments that had waited for the packet, in the order in which they had come; and no others. */
static void
check_released(const struct dp_case *c, struct engine *e)
{
	struct verdict v;
	size_t i = 0;

	for (; i < COUNT(c->released) && c->released[i].packet.proto != 0; i++) {
		const struct dp_released *want = &c->released[i];

		ck_assert_msg(engine_next_released(e, &v), "%s: %zu released", c->what, i);
		ck_assert_msg(v.action == want->then, "%s: action %d of what waited, not %d", c->what, v.action, want->then);
		if (v.action == VERDICT_DROP)
			ck_assert_msg(v.reason == want->reason, "%s: what waited dropped for %s", c->what, dp_drop_name(v.reason));
		else
			check_bytes(c, "what waited", v.bytes, v.len, &want->packet);
		if (v.action == VERDICT_HOST)
			check_tunnel(c, &want->packet, want->to, &v);
	}
	ck_assert_msg(!engine_next_released(e, &v), "%s: more released than %zu", c->what, i);
}

START_TEST(a_case)
{
	const struct dp_case *c = &cases[_i];
	struct engine e;
	struct verdict v;
	uint8_t *bytes;

	site_up(&e);
	run_before(&e, c->before, COUNT(c->before));
	bytes = run(&e, c->direction, &c->packet, &v);
	check_verdict(c, &v);
	check_released(c, &e);
	free(bytes);
	demux_free(e.demux);
	printf("PASS: %s\n", c->what);
}
END_TEST

/* Every case with each of its bytes cut off, one after the other: nothing is read that is not there. */
START_TEST(a_case_cut_short)
{
	const struct dp_case *c = &cases[_i];
	struct engine e;
	struct verdict v;
	size_t len;
	uint8_t *bytes = build_exact(&c->packet, &len);

	site_up(&e);
	run_before(&e, c->before, COUNT(c->before));
	for (size_t cut = 0; cut + c->packet.pad < len && cut < 200; cut++) {
		uint8_t *part = malloc(cut > 0 ? cut : 1);

		memcpy(part, bytes, cut);
		if (c->direction == IN)
			engine_inbound(&e, part, cut, &v);
		else
			engine_outbound(&e, part, cut, &v);
		ck_assert_int_eq(v.action, VERDICT_DROP);
		free(part);
	}
	free(bytes);
	demux_free(e.demux);
}
END_TEST

START_TEST(verdicts_are_counted)
{
	struct dp_counters counters = { 0 };
	struct verdict v = { .action = VERDICT_HOST, .len = 100 };

	verdict_count(&v, &counters);
	v.hairpin = true;
	verdict_count(&v, &counters);
	ck_assert_uint_eq(counters.in_packets, 2);
	ck_assert_uint_eq(counters.in_bytes, 200);
	ck_assert_uint_eq(counters.out_packets, 1);
	v = (struct verdict){ .action = VERDICT_DROP, .reason = DP_DROP_TOO_BIG, .answer = (const uint8_t *)"" };
	verdict_count(&v, &counters);
	ck_assert_uint_eq(counters.drops[DP_DROP_TOO_BIG], 1);
	ck_assert_uint_eq(counters.answered, 1);
	v = (struct verdict){ .action = VERDICT_PUBLIC, .len = 7, .claims = 2 };
	verdict_count(&v, &counters);
	ck_assert_uint_eq(counters.out_bytes, 107);
	ck_assert_uint_eq(counters.claims, 2);
	v.action = VERDICT_STACK;
	verdict_count(&v, &counters);
	ck_assert_uint_eq(counters.to_stack, 1);
}
END_TEST

/* RFC 3102 4.2.1: on an address that another gateway leases to us and to others, what is none of our hosts' may be one of
 * theirs; what is ours comes back at once. */
START_TEST(an_upstream_address_has_other_hosts)
{
	const struct test_packet theirs = { FROM(X1), .src = A, .dst = A, .proto = UDP, .sport = 1024, .dport = 60000 };
	const struct test_packet ours = { FROM(X1), .src = A, .dst = A, .proto = UDP, .sport = 1024, .dport = 2048 };
	struct engine e;
	struct verdict v;
	uint8_t *bytes;

	site_up(&e);
	free(run(&e, OUT, &theirs, &v));
	ck_assert_int_eq(v.action, VERDICT_DROP);
	((struct dp_pool *)(uintptr_t)demux_pool(e.demux, A))->upstream = true;
	bytes = run(&e, OUT, &theirs, &v);
	ck_assert_int_eq(v.action, VERDICT_PUBLIC);
	ck_assert(!v.hairpin);
	ck_assert_uint_eq(v.host->addr, X1);
	ck_assert_uint_eq(v.binding->lease.bind_id, 1);
	ck_assert_uint_eq(v.bytes[IPV4_TTL], 64); /* the kernel counts the hop */
	free(bytes);
	free(run(&e, OUT, &ours, &v));
	ck_assert_int_eq(v.action, VERDICT_HOST);
	ck_assert_uint_eq(v.tunnel.dst, X2);
	demux_free(e.demux);
}
END_TEST

/* A host's IKE to another host's leased port, both on the gateway's own address: one packet, out and in. */
START_TEST(a_hairpin_learns_and_counts_twice)
{
	const struct test_packet ike = { FROM(X2), .src = OWN, .dst = OWN, .proto = UDP, .sport = 500, .dport = 1024,
		                         .carries = UDP_IKE, .ci = FOUND, .ike_flags = FLAG_I };
	struct dp_counters counters = { 0 };
	struct engine e;
	struct verdict v;

	site_up(&e);
	free(run(&e, OUT, &ike, &v));
	ck_assert_int_eq(v.action, VERDICT_HOST);
	ck_assert_uint_eq(v.tunnel.dst, X1);
	verdict_count(&v, &counters);
	ck_assert_uint_eq(counters.claims, 1);
	ck_assert_uint_eq(counters.in_packets, 1);
	ck_assert_uint_eq(counters.out_packets, 1);
	demux_free(e.demux);
}
END_TEST

/* Nothing is learned from who has the address for itself. */
START_TEST(a_whole_address_teaches_nothing)
{
	const struct test_packet ping = { FROM(X3), .src = W, .dst = Y, .proto = ICMP, .icmp_type = 8 };
	struct engine e;
	struct verdict v;

	site_up(&e);
	free(run(&e, OUT, &ping, &v));
	ck_assert_int_eq(v.action, VERDICT_PUBLIC);
	ck_assert_uint_eq(learner_count(&v.host->learner, LEARNED_ICMP_ID), 0);
	demux_free(e.demux);
}
END_TEST

START_TEST(errors_are_limited)
{
	const struct test_packet big = { .src = Y, .dst = A, .proto = UDP, .dport = 1024, .df = true, .data = 1453 };
	struct engine e;
	struct verdict v;
	unsigned answers = 0;

	site_up(&e);
	for (int i = 0; i < 5000; i++) {
		free(run(&e, IN, &big, &v));
		answers += v.answer != NULL;
	}
	ck_assert_uint_ge(answers, 900);
	ck_assert_uint_le(answers, 1100);
	demux_free(e.demux);
}
END_TEST

START_TEST(pings_are_limited)
{
	const struct test_packet ping = { .src = Y, .dst = A, .proto = ICMP, .icmp_type = 8, .data = 56 };
	struct engine e;
	struct verdict v;
	unsigned answers = 0;

	site_up(&e);
	for (int i = 0; i < 5000; i++) {
		free(run(&e, IN, &ping, &v));
		answers += v.action == VERDICT_ANSWERED;
		if (v.action != VERDICT_ANSWERED)
			ck_assert_int_eq(v.reason, DP_DROP_ICMP_RATE);
	}
	ck_assert_uint_ge(answers, 900);
	ck_assert_uint_le(answers, 1100);
	e.now += 1000;
	free(run(&e, IN, &ping, &v));
	ck_assert_int_eq(v.action, VERDICT_ANSWERED);
	demux_free(e.demux);
}
END_TEST

/* A host's ids, and those that it has asked with longest ago go first. */
START_TEST(icmp_ids_are_limited)
{
	struct test_packet ping = { FROM(X1), .src = A, .dst = Y, .proto = ICMP, .icmp_type = 8 };
	struct test_packet reply = { .src = Y, .dst = A, .proto = ICMP };
	struct engine e;
	struct verdict v;

	site_up(&e);
	for (uint16_t id = 0; id < 5000; id++) {
		ping.icmp_id = id;
		free(run(&e, OUT, &ping, &v));
		ck_assert_int_eq(v.action, VERDICT_PUBLIC);
	}
	ck_assert_uint_eq(learner_count(&v.host->learner, LEARNED_ICMP_ID), 256);
	reply.icmp_id = 4999 - 255;
	free(run(&e, IN, &reply, &v));
	ck_assert_int_eq(v.action, VERDICT_HOST);
	reply.icmp_id--;
	free(run(&e, IN, &reply, &v));
	ck_assert_int_eq(v.action, VERDICT_DROP);
	demux_free(e.demux);
}
END_TEST

/* Later fragments alone: each is either waiting still or counted once, by what became of it. */
START_TEST(lost_fragments_are_counted)
{
	struct dp_counters counters = { 0 };
	struct test_packet later = { .src = Y, .dst = A, .proto = UDP, .offset = 1480, .data = 100 };
	struct engine e;
	struct verdict v;

	site_up(&e);
	for (uint16_t id = 0; id < 1000; id++) {
		later.id = id;
		free(run(&e, IN, &later, &v));
		verdict_count(&v, &counters);
	}
	engine_expire(&e, &counters);
	ck_assert_uint_eq(counters.held, 1000);
	ck_assert_uint_eq(counters.drops[DP_DROP_FRAGMENT], 0);
	ck_assert_uint_eq(counters.drops[DP_DROP_FRAGMENT_FLOOD], 1000 - FRAGMENT_HOLD_SHARE_PACKETS);
	e.now += FRAGMENT_HOLD_MS;
	engine_expire(&e, &counters);
	ck_assert_uint_eq(counters.drops[DP_DROP_FRAGMENT], FRAGMENT_HOLD_SHARE_PACKETS);
	demux_free(e.demux);
}
END_TEST

/* The path to a host turns out narrower while its packet is being sent. */
START_TEST(a_path_becomes_narrower)
{
	const struct test_packet packet = { .src = Y, .dst = A, .proto = UDP, .dport = 1024, .df = true, .data = 1400 };
	const struct dp_case c = { .what = "narrower" };
	struct engine e;
	struct verdict v;
	uint8_t *bytes;

	site_up(&e);
	bytes = run(&e, IN, &packet, &v);
	ck_assert_int_eq(v.action, VERDICT_HOST);
	v.host->path_mtu = 1280;
	engine_too_big(&e, &v);
	ck_assert_int_eq(v.action, VERDICT_DROP);
	ck_assert_int_eq(v.reason, DP_DROP_TOO_BIG);
	check_bytes(&c, "the answer", v.answer, v.answer_len,
	            PACKET { .src = OWN, .dst = Y, .proto = ICMP, .icmp_type = 3, .icmp_code = 4, .icmp_mtu = 1260, .tos = 0xc0,
	                     .quote_len = 548, .quotes = &packet });
	free(bytes);
	demux_free(e.demux);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("relay");
	TCase *tc = tcase_create("relay");

	log_init("check_relay", LOG_TO_NONE, LOG_LVL_ERROR, false);
	tcase_add_loop_test(tc, a_case, 0, COUNT(cases));
	tcase_add_loop_test(tc, a_case_cut_short, 0, COUNT(cases));
	tcase_add_test(tc, verdicts_are_counted);
	tcase_add_test(tc, an_upstream_address_has_other_hosts);
	tcase_add_test(tc, a_hairpin_learns_and_counts_twice);
	tcase_add_test(tc, a_whole_address_teaches_nothing);
	tcase_add_test(tc, errors_are_limited);
	tcase_add_test(tc, pings_are_limited);
	tcase_add_test(tc, icmp_ids_are_limited);
	tcase_add_test(tc, lost_fragments_are_counted);
	tcase_add_test(tc, a_path_becomes_narrower);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
