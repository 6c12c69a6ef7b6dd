/* What rsipctl trace and replay say of packets: over all cases of dataplane/cases.h what the relay does, by a table
 * that has come through JSON; then what is theirs alone. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/cases.h"
#include "../dataplane/site_document.h"
#include "explain.h"
#include "filter.h"
#include "lease_source.h"
#include "log.h"
#include "packet_line.h"
#include "run_suite.h"

static struct lease_view *view;
static int64_t now;

static void
setup(void)
{
	log_init("check", LOG_TO_NONE, LOG_LVL_ERROR, false);
	view = site_view();
	now = 1000000;
}

static void
teardown(void)
{
	lease_view_free(view);
}

static struct explained
see_merged(const struct test_packet *p, size_t link_mtu)
{
	static uint8_t space[70000];
	size_t len = test_packet_build(p, space);
	const struct sighting s = { .ip = space, .captured = len, .len = len, .link_mtu = link_mtu, .now = now };
	struct explained x;

	explain(view, &s, &x);
	ck_assert_msg(x.why[0] != '\0', "nothing is said");
	return x;
}

static struct explained
see(const struct test_packet *p)
{
	return see_merged(p, 0);
}

/* ---- the cases ---- */

static enum fate
fate_of(enum verdict_action action)
{
	switch (action) {
	case VERDICT_HOST:
		return FATE_HOST;
	case VERDICT_PUBLIC:
		return FATE_PUBLIC;
	case VERDICT_STACK:
		return FATE_STACK;
	case VERDICT_ANSWERED:
		return FATE_ANSWERED;
	case VERDICT_HELD:
		return FATE_HELD;
	default:
		return FATE_DROPPED;
	}
}

START_TEST(a_case)
{
	const struct dp_case *c = &cases[_i];
	struct explained x;

	for (size_t i = 0; i < COUNT(c->before) && c->before[i].packet.proto != 0; i++) {
		now += c->before[i].later_s * 1000;
		see(&c->before[i].packet);
	}
	x = see(&c->packet);
	if (x.seen == SEEN_ELSEWHERE && x.fate == FATE_NONE) { /* the kernel routes no such packet to the relay */
		ck_assert_msg(c->then == VERDICT_DROP, "%s: passes by", c->what);
		return;
	}
	ck_assert_msg(x.fate == fate_of(c->then), "%s: %s (%s)", c->what, explain_fate_name(x.fate), x.why);
	if (c->then == VERDICT_DROP)
		ck_assert_msg(x.reason == c->reason, "%s: %s, not %s", c->what, dp_drop_name(x.reason), dp_drop_name(c->reason));
	if (c->then == VERDICT_HOST)
		ck_assert_msg(x.host == c->to, "%s: to 0x%08x", c->what, x.host);
}
END_TEST

/* ---- sentences and sides ---- */

static const struct test_packet to_x1 = { .src = Y, .dst = A, .proto = UDP, .sport = 9, .dport = 1030 };

#define SAYS(x, text) ck_assert_msg(strstr((x).why, text) != NULL, "\"%s\" is not in \"%s\"", text, (x).why)

START_TEST(a_packet_is_told_with_its_lease)
{
	struct explained x = see(&to_x1);

	ck_assert_int_eq(x.seen, SEEN_FROM_PUBLIC);
	ck_assert_uint_eq(x.bind_id, 1);
	ck_assert_uint_eq(x.client_id, X1 & 0xff); /* of the host: it has one registration */
	ck_assert_str_eq(x.why, "binding 1 of 10.0.0.11 leases port 1030 of 203.0.113.8");
}
END_TEST

START_TEST(what_has_been_sent_is_told_with_its_lease)
{
	const struct test_packet in_tunnel = { .tunnel = 4, .outer_src = GW, .outer_dst = X1, .src = Y, .dst = A, .proto = UDP,
		                               .sport = 9, .dport = 1030 };
	const struct test_packet out = { .src = A, .dst = Y, .proto = TCP, .sport = 2050, .dport = 80 };
	const struct test_packet own = { .src = A, .dst = Y, .proto = ICMP, .icmp_type = 0 };
	const struct test_packet error = { .src = A, .dst = Y, .proto = ICMP, .icmp_type = 3, .quotes = &to_x1 };
	struct explained x = see(&in_tunnel);

	ck_assert_int_eq(x.seen, SEEN_TO_HOST);
	ck_assert_int_eq(x.fate, FATE_SENT);
	ck_assert_uint_eq(x.bind_id, 1);
	x = see(&out);
	ck_assert_int_eq(x.seen, SEEN_TO_PUBLIC);
	ck_assert_uint_eq(x.bind_id, 3);
	x = see(&own);
	ck_assert_uint_eq(x.bind_id, 0);
	SAYS(x, "the gateway's own");
	x = see(&error);
	ck_assert_uint_eq(x.bind_id, 1);
	SAYS(x, "an error about a flow of its own");
}
END_TEST

START_TEST(cookies_are_told_by_how_they_are_held)
{
	const struct test_packet block = { IKE_OUT(X1, Y, 500), .carries = UDP_IKE, .ci = OWN_BLOCK };
	const struct test_packet claimed = { IKE_OUT(X2, Y, 500), .carries = UDP_IKE, .ci = FOUND };
	const struct test_packet heard = { IKE_IN(Z, 500), .carries = UDP_IKE, .ci = PEERS };
	const struct test_packet sole = { IKE_IN(ROUTER, 500), .carries = UDP_IKE, .ci = OTHER };
	const struct test_packet spoke = { IKE_OUT(X1, ROUTER, 500), .carries = UDP_IKE, .ci = OWN_BLOCK };
	struct explained x = see(&block);

	SAYS(x, "leases the block of IKE cookie 0x1111000000abcdef");
	x = see(&claimed);
	SAYS(x, "has claimed IKE cookie 0x7777777777777777");
	x = see(&heard);
	SAYS(x, "listens for IKE from 198.51.100.7");
	see(&spoke);
	x = see(&sole);
	SAYS(x, "speaks IKE with 192.0.2.33");
}
END_TEST

START_TEST(another_hosts_port_names_its_owner)
{
	const struct test_packet p = { FROM(X1), .src = A, .dst = Y, .proto = UDP, .sport = 2050, .dport = 9 };
	struct explained x = see(&p);

	ck_assert_str_eq(x.why, "10.0.0.11 does not lease port 2050 of 203.0.113.8: 10.0.0.12 does, with binding 3");
}
END_TEST

/* Receive offload merges segments; what is too big then is not too big when it is cut up again. */
START_TEST(a_merged_packet_is_not_too_big)
{
	const struct test_packet p = { .src = Y, .dst = A, .proto = TCP, .sport = 80, .dport = 1030, .df = true, .data = 9000 };
	struct explained x = see(&p);

	ck_assert_int_eq(x.reason, DP_DROP_TOO_BIG);
	SAYS(x, "1500");
	x = see_merged(&p, 1500);
	ck_assert_int_eq(x.fate, FATE_HOST);
	ck_assert_uint_eq(x.bind_id, 1);
}
END_TEST

/* A capture of the first bytes is as good as one of all. */
START_TEST(a_packet_cut_by_the_capture_is_read)
{
	const struct test_packet p = { .src = Y, .dst = A, .proto = UDP, .sport = 9, .dport = 1030, .data = 900 };
	uint8_t bytes[1000];
	size_t len = test_packet_build(&p, bytes);
	const struct sighting s = { .ip = bytes, .captured = 96, .len = len, .now = now };
	struct explained x;

	explain(view, &s, &x);
	ck_assert_int_eq(x.fate, FATE_HOST);
}
END_TEST

/* ---- the table ---- */

static const char *
load_error(const char *text)
{
	static char error[CTL_ERROR_LEN];
	json_t *document = json_loads(text, 0, NULL);
	bool loaded;

	ck_assert_ptr_nonnull(document);
	error[0] = '\0';
	loaded = lease_document_load(document, view, now, error);
	json_decref(document);
	return loaded ? NULL : error;
}

#define BINDING "\"bind_id\":7,\"client_id\":8,\"host\":\"10.0.0.9\",\"method\":\"rsap-ip\",\"tunnel\":\"ip-ip\",\"spis\":[]," \
                "\"cookie\":null,\"remote\":null,\"ports\":[[1030,1031]]"

START_TEST(bindings_alone_make_a_table)
{
	struct explained x;

	ck_assert_ptr_null(load_error("[{" BINDING ",\"address\":\"203.0.113.8\"}]"));
	x = see(&to_x1);
	ck_assert_uint_eq(x.bind_id, 7);
	ck_assert_uint_eq(x.host, IP(10, 0, 0, 9));
	/* Without the gateway's address it is the host's that tells the side. */
	x = see(&(const struct test_packet){ .tunnel = 4, .outer_src = IP(10, 0, 0, 9), .outer_dst = GW, .src = A, .dst = Y,
	                                     .proto = UDP, .sport = 1031, .dport = 9 });
	ck_assert_int_eq(x.seen, SEEN_FROM_HOST);
	ck_assert_int_eq(x.fate, FATE_PUBLIC);
}
END_TEST

START_TEST(claims_are_part_of_it)
{
	const struct test_packet ike = { IKE_IN(Y, 500), .carries = UDP_IKE, .ci = FOUND };
	struct explained x;

	ck_assert_ptr_null(load_error("[{\"bind_id\":7,\"client_id\":8,\"host\":\"10.0.0.9\",\"method\":\"rsipsec\",\"tunnel\":"
	                              "\"ip-ip\",\"address\":\"203.0.113.8\",\"ports\":[],\"spis\":[[\"0x10000000\",\"0x1000000f\"]],"
	                              "\"max_claims\":4,\"claims\":[{\"cookie\":\"0x7777777777777777\",\"peer\":\"203.0.113.200\"}]}]"));
	x = see(&ike);
	ck_assert_uint_eq(x.bind_id, 7);
	SAYS(x, "has claimed");
}
END_TEST

START_TEST(a_bad_table_is_refused)
{
	static const char *const bad[] = {
		"{}", "{\"data_plane\":{},\"bindings\":[]}", "{\"data_plane\":{\"pools\":[]}}",
		"{\"data_plane\":{\"pools\":[{}]},\"bindings\":[]}",
		"{\"data_plane\":{\"pools\":[],\"listen\":[7]},\"bindings\":[]}",
		"[7]", "[{}]", "[{" BINDING "}]", "[{" BINDING ",\"address\":\"203.0.113.256\"}]",
		"[{" BINDING ",\"address\":\"203.0.113.8\",\"claims\":[{}]}]",
		"[{" BINDING ",\"address\":\"203.0.113.8\",\"method\":\"rsipsec\"}]", /* with no SPI */
		"[{" BINDING ",\"address\":\"203.0.113.8\",\"ports\":[[0,9]]}]",
		"[{" BINDING ",\"address\":\"203.0.113.8\",\"ports\":[[9,65536]]}]",
		"[{" BINDING ",\"address\":\"203.0.113.8\",\"spis\":[[\"1\",\"2\"]]}]",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *error = load_error(bad[i]);

		ck_assert_msg(error != NULL && error[0] != '\0', "%s is taken", bad[i]);
	}
}
END_TEST

/* What the tables have learned outlives a load that says the same. */
START_TEST(loading_again_keeps_what_was_learned)
{
	const struct test_packet ask = { FROM(X1), .src = A, .dst = Y, .proto = ICMP, .icmp_type = 8, .icmp_id = 77 };
	const struct test_packet answer = { .src = Y, .dst = A, .proto = ICMP, .icmp_type = 0, .icmp_id = 77 };
	json_t *document = site_document();
	char error[CTL_ERROR_LEN];

	see(&ask);
	ck_assert(lease_document_load(document, view, now, error));
	ck_assert_int_eq(see(&answer).fate, FATE_HOST);
	json_array_clear(json_object_get(document, "bindings"));
	ck_assert(lease_document_load(document, view, now, error));
	ck_assert_int_eq(see(&answer).fate, FATE_DROPPED);
	json_decref(document);
}
END_TEST

/* ---- filters and lines ---- */

START_TEST(filters)
{
	const struct test_packet esp = { .src = Y, .dst = A, .proto = ESP, .spi = 0x10000003 };
	const struct test_packet ike = { IKE_IN(Y, 500), .carries = UDP_IKE, .ci = OWN_BLOCK };
	const struct explained udp = see(&to_x1), sa = see(&esp), negotiation = see(&ike);
	struct filter f = { 0 };

	ck_assert(filter_matches(&f, &udp));
	f.host = X1;
	ck_assert(filter_matches(&f, &udp));
	f.host = X2;
	ck_assert(!filter_matches(&f, &udp));
	f = (struct filter){ .peer = Y, .address = A };
	ck_assert(filter_matches(&f, &udp));
	f.peer = Z;
	ck_assert(!filter_matches(&f, &udp));
	f = (struct filter){ 0 };
	ck_assert(filter_read_port(&f, "1000-1030") && filter_matches(&f, &udp) && !filter_matches(&f, &sa));
	ck_assert(filter_read_port(&f, "9") && filter_matches(&f, &udp));
	ck_assert(filter_read_port(&f, "10") && !filter_matches(&f, &udp));
	f = (struct filter){ 0 };
	ck_assert(filter_read_spi(&f, "0x10000000-0x1000000f") && filter_matches(&f, &sa) && !filter_matches(&f, &udp));
	ck_assert(filter_read_spi(&f, "0x10000004") && !filter_matches(&f, &sa));
	f = (struct filter){ 0 };
	ck_assert(filter_read_cookie(&f, "0x1111000000000000/16") && filter_matches(&f, &negotiation));
	ck_assert(!filter_matches(&f, &sa));
	ck_assert(filter_read_cookie(&f, "0x1111000000000000") && !filter_matches(&f, &negotiation));
	f = (struct filter){ .dropped = true };
	ck_assert(!filter_matches(&f, &udp));
}
END_TEST

START_TEST(bad_filters_are_refused)
{
	static const char *const spis[] = { "", "x", "-1", "0x100000000", "5-4", "5-", "5-6-7", "5 " };
	static const char *const cookies[] = { "", "x", "0x1/0", "0x1/65", "0x1/", "0x10000000000000000", "1-2" };
	struct filter f = { 0 };

	for (size_t i = 0; i < COUNT(spis); i++)
		ck_assert_msg(!filter_read_spi(&f, spis[i]), "\"%s\" is an SPI", spis[i]);
	for (size_t i = 0; i < COUNT(cookies); i++)
		ck_assert_msg(!filter_read_cookie(&f, cookies[i]), "\"%s\" is a cookie", cookies[i]);
	ck_assert(!f.has_spi && f.cookie_mask == 0);
}
END_TEST

START_TEST(lines)
{
	const struct test_packet out = { FROM(X1), .src = A, .dst = Y, .proto = TCP, .sport = 1024, .dport = 80 };
	const struct timeval time = { 1700000000, 250000 };
	struct explained x = see(&out);
	char *text, *at;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	json_t *line;

	packet_line_text(file, &time, "lan0", &x);
	fclose(file);
	at = strstr(text, ".250000 lan0 from 10.0.0.11: ip-ip tcp 203.0.113.8:1024 > 203.0.113.200:80 40 bytes: goes out: "
	                  "binding 1 of 10.0.0.11 leases port 1024 of 203.0.113.8\n");
	ck_assert_msg(at == text + 8, "%s", text);
	free(text);
	line = packet_line_json(&time, NULL, &x);
	ck_assert(json_is_null(json_object_get(line, "interface")));
	ck_assert_str_eq(json_string_value(json_object_get(line, "fate")), "public");
	ck_assert_int_eq(json_integer_value(json_object_get(line, "bind_id")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "src_port")), 1024);
	json_decref(line);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explain");
	TCase *tc = tcase_create("explain");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_case, 0, COUNT(cases));
	tcase_add_test(tc, a_packet_is_told_with_its_lease);
	tcase_add_test(tc, what_has_been_sent_is_told_with_its_lease);
	tcase_add_test(tc, cookies_are_told_by_how_they_are_held);
	tcase_add_test(tc, another_hosts_port_names_its_owner);
	tcase_add_test(tc, a_merged_packet_is_not_too_big);
	tcase_add_test(tc, a_packet_cut_by_the_capture_is_read);
	tcase_add_test(tc, bindings_alone_make_a_table);
	tcase_add_test(tc, claims_are_part_of_it);
	tcase_add_test(tc, a_bad_table_is_refused);
	tcase_add_test(tc, loading_again_keeps_what_was_learned);
	tcase_add_test(tc, filters);
	tcase_add_test(tc, bad_filters_are_refused);
	tcase_add_test(tc, lines);
	return run_suite(suite);
}
