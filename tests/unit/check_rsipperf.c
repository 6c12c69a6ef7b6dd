/* rsipperf: quantiles, options, and hosts that believe what the gateway says. */
#include "config.h"

#include <check.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "message.h"
#include "perf_options.h"
#include "run_suite.h"
#include "swarm.h"
#include "tally.h"

START_TEST(quantiles)
{
	static struct histogram h;

	ck_assert_uint_eq(histogram_at(&h, 0.5), 0);
	for (uint64_t us = 1; us <= 100000; us++)
		histogram_add(&h, us);
	ck_assert_uint_eq(h.n, 100000);
	for (int percent = 1; percent <= 100; percent++) {
		uint64_t exact = (uint64_t)percent * 1000, got = histogram_at(&h, percent / 100.0);
		ck_assert_uint_ge(got, exact);
		ck_assert_uint_le(got, exact + exact / 60);
	}
	ck_assert_uint_eq(histogram_at(&h, 1), 100000);
	histogram_add(&h, UINT64_MAX / 2); /* beyond the last bucket */
	ck_assert_uint_eq(histogram_at(&h, 1), UINT64_MAX / 2);
}
END_TEST

START_TEST(merged_quantiles)
{
	static struct histogram a, b;

	histogram_add(&a, 5);
	histogram_add(&b, 50);
	histogram_add(&b, 60);
	histogram_merge(&a, &b);
	ck_assert_uint_eq(a.n, 3);
	ck_assert_uint_eq(histogram_at(&a, 0.33), 5);
	ck_assert_uint_eq(histogram_at(&a, 0.5), 50);
	ck_assert_uint_eq(histogram_at(&a, 1), 60);
}
END_TEST

static enum options_verdict
read_args(struct plan *plan, const char *args)
{
	static char name[] = "rsipperf", text[200];
	char *argv[20] = { name };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", args);
	for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " "))
		argv[argc++] = at;
	optind = 0;
	return options_read(argc, argv, plan);
}

START_TEST(options)
{
	struct plan plan;

	ck_assert_int_eq(read_args(&plan, "10.0.0.1"), OPTIONS_RUN);
	ck_assert_uint_eq(plan.gateway, 0x0a000001);
	ck_assert_uint_eq(plan.window, 256);
	ck_assert_int_eq(read_args(&plan, "-n 10 -t -w 0 -x query=3,register=1 -d 0.5 10.0.0.1"), OPTIONS_RUN);
	ck_assert_uint_eq(plan.window, 10);
	ck_assert(plan.tcp && plan.weight[OP_QUERY] == 3 && plan.weight[OP_REGISTER] == 1 && plan.weight[OP_ASSIGN] == 0);
	ck_assert_int_eq(plan.duration_us, 500000);
}
END_TEST

START_TEST(wrong_options)
{
	static const char *const wrong[] = {
		"", "10.0.0.1 10.0.0.2", "gateway.example", "-n 0 10.0.0.1", "-n -1 10.0.0.1", "-n 1x 10.0.0.1",
		"-x assign 10.0.0.1", "-x assign= 10.0.0.1", "-x deregister=1 10.0.0.1", "-x assign=0 10.0.0.1",
		"-m l2tp 10.0.0.1", "-r -1 10.0.0.1", "-d nan 10.0.0.1", "-f 300.0.0.1 10.0.0.1", "--ports 256 10.0.0.1",
		"-f 255.255.255.255 -n 2 10.0.0.1", "--tries 0 10.0.0.1", "--nonsense 10.0.0.1", "--at-once 2 10.0.0.1",
		"-t --at-once 0 10.0.0.1",
	};
	struct plan plan;

	ck_assert_int_eq(read_args(&plan, wrong[_i]), OPTIONS_WRONG);
}
END_TEST

/* --- one host, and a gateway that is this test --- */

static struct plan plan;
static struct swarm swarm;
static struct tally *tally;
static struct rsip_message request, response;
static unsigned n_sent, n_idle;

static void
on_send(void *arg, uint32_t host, const void *bytes, size_t len)
{
	(void)arg;
	ck_assert_uint_eq(host, 0);
	ck_assert_int_eq(message_decode(&request, bytes, len), RSIP_OK);
	n_sent++;
}

static void
on_idle(void *arg, uint32_t host)
{
	(void)arg;
	(void)host;
	n_idle++;
}

static const struct swarm_events events = { .send = on_send, .idle = on_idle };

static void
setup_with(const char *args)
{
	ck_assert_int_eq(read_args(&plan, args), OPTIONS_RUN);
	swarm_init(&swarm, &plan, &events, NULL);
	tally = swarm.tally = tally_new("test", 0);
	n_sent = n_idle = 0;
}

static void
setup(void)
{
	setup_with("-n 1 -b 2 --tries 3 10.0.0.1");
}

static void
setup_three_at_once(void)
{
	setup_with("-n 1 -b 5 -t --at-once 3 10.0.0.1");
}

static void
teardown(void)
{
	swarm_free(&swarm);
	free(tally);
}

static void
answer(int64_t now_us)
{
	uint8_t bytes[200];
	size_t len;

	response.has_counter = request.has_counter;
	response.counter = request.counter;
	len = message_encode(&response, bytes, sizeof(bytes));
	ck_assert_uint_gt(len, 0);
	swarm_received(&swarm, 0, bytes, len, now_us);
}

static void
answer_error(enum rsip_error error, int64_t now_us)
{
	message_init(&response, RSIP_ERROR_RESPONSE);
	response.error = (uint16_t)error;
	answer(now_us);
}

static void
let_register(void)
{
	swarm_begin(&swarm, 0, OP_REGISTER, 0, 0);
	ck_assert_int_eq(request.type, RSIP_REGISTER_REQUEST);
	message_init(&response, RSIP_REGISTER_RESPONSE);
	response.has_client_id = response.has_lease_time = response.has_flow_policy = true;
	response.client_id = 77;
	response.lease_time = 60;
	response.local_flow = RSIP_LOCAL_MACRO;
	response.remote_flow = RSIP_REMOTE_NONE;
	answer(300);
}

START_TEST(a_host_registers)
{
	let_register();
	ck_assert(swarm.hosts[0].registered && swarm.n_registered == 1 && swarm.hosts[0].client_id == 77);
	ck_assert_uint_eq(tally->op[OP_REGISTER].granted, 1);
	ck_assert_uint_eq(tally->op[OP_REGISTER].waited.max, 300);
	ck_assert_uint_eq(n_idle, 1);
	swarm_begin(&swarm, 0, OP_QUERY, 0, 1000);
	ck_assert_uint_eq(request.client_id, 77);
	answer_error(RSIP_REGISTER_FIRST, 1100);
	ck_assert(!swarm.hosts[0].registered && swarm.hosts[0].failed);
	ck_assert_uint_eq(tally->op[OP_QUERY].refused, 1);
	ck_assert_uint_eq(tally->error[RSIP_REGISTER_FIRST], 1);
}
END_TEST

/* RFC 3103 5: after 12.5 ms, then after twice as long each time; the same bytes; then it is given up. */
START_TEST(a_request_is_repeated)
{
	static struct rsip_message first;

	swarm_begin(&swarm, 0, OP_REGISTER, 0, 0);
	first.counter = request.counter;
	swarm_tick(&swarm, 12499);
	ck_assert_uint_eq(n_sent, 1);
	swarm_tick(&swarm, 12500);
	ck_assert_uint_eq(n_sent, 2);
	ck_assert_uint_eq(request.counter, first.counter);
	swarm_tick(&swarm, 12500 + 24999);
	ck_assert_uint_eq(n_sent, 2);
	swarm_tick(&swarm, 12500 + 25000);
	ck_assert_uint_eq(n_sent, 3);
	swarm_tick(&swarm, 12500 + 25000 + 50000);
	ck_assert_uint_eq(n_sent, 3);
	ck_assert_uint_eq(tally->op[OP_REGISTER].lost, 1);
	ck_assert_uint_eq(tally->op[OP_REGISTER].repeats, 2);
	ck_assert(n_idle == 1 && swarm.waiting == 0);
	answer_error(RSIP_UNKNOWN_ERROR, 200000); /* too late: nobody waits for it */
	ck_assert_uint_eq(tally->unasked, 1);
	ck_assert_uint_eq(tally->op[OP_REGISTER].refused, 0);
}
END_TEST

START_TEST(what_is_no_message)
{
	swarm_begin(&swarm, 0, OP_REGISTER, 0, 0);
	swarm_received(&swarm, 0, (const uint8_t *)"\x01\x03\x00\x02", 4, 10);
	ck_assert_uint_eq(tally->unread, 1);
	ck_assert_uint_eq(swarm.waiting, 1);
	swarm_broken(&swarm, 0);
	ck_assert_uint_eq(tally->op[OP_REGISTER].lost, 1);
}
END_TEST

static void
answer_grant(uint32_t bind_id, int64_t now_us)
{
	message_init(&response, RSIP_ASSIGN_RESPONSE_RSAP_IP);
	response.has_client_id = response.has_bind_id = response.has_lease_time = true;
	response.client_id = 77;
	response.bind_id = bind_id;
	response.lease_time = 60;
	response.n_tunnels = 1;
	response.tunnels[0] = RSIP_TUNNEL_IP_IP;
	response.local_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .ip4 = 0x64400001 };
	response.local_ports = (struct rsip_ports){ .form = RSIP_LIST_RANGE, .number = 8, .port = { 1024 } };
	response.remote_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = true };
	response.remote_ports = (struct rsip_ports){ .form = RSIP_LIST_DONT_CARE, .number = 1 };
	answer(now_us);
}

static void
answer_freed(uint32_t bind_id, int64_t now_us)
{
	message_init(&response, RSIP_FREE_RESPONSE);
	response.has_client_id = response.has_bind_id = true;
	response.client_id = 77;
	response.bind_id = bind_id;
	answer(now_us);
}

/* Without counters: answers are those of the requests in their order, what the gateway sends unasked is told by its 0. */
START_TEST(several_at_once)
{
	let_register();
	n_sent = n_idle = 0;
	ck_assert_uint_eq(swarm_begin(&swarm, 0, OP_ASSIGN, 0, 1000), 3);
	ck_assert(n_sent == 3 && swarm.waiting == 3 && !request.has_counter);
	answer_grant(11, 1100);
	answer_error(RSIP_LOCAL_ADDR_UNAVAILABLE, 1200);
	ck_assert(n_idle == 0 && swarm.waiting == 1);
	request.has_counter = true;
	request.counter = 0;
	answer_grant(12, 1300);
	ck_assert(tally->unasked == 1 && swarm.waiting == 1);
	request.has_counter = false;
	answer_grant(12, 1400);
	ck_assert(n_idle == 1 && swarm.waiting == 0 && swarm.hosts[0].failed && swarm.hosts[0].n_bindings == 2);
	ck_assert(tally->op[OP_ASSIGN].granted == 2 && tally->op[OP_ASSIGN].refused == 1 && tally->op[OP_ASSIGN].sent == 3);
}
END_TEST

START_TEST(as_many_at_once_as_it_holds)
{
	let_register();
	for (uint32_t id = 11; id <= 12; id++) {
		swarm_begin(&swarm, 0, OP_ASSIGN, 0, 1000);
		for (uint32_t i = 0; i < 2 && swarm.hosts[0].attempts > 0; i++)
			answer_grant(10 * id + i, 1000);
		while (swarm.hosts[0].attempts > 0)
			answer_error(RSIP_LOCAL_ADDR_UNAVAILABLE, 1000);
	}
	ck_assert_uint_eq(swarm.hosts[0].n_bindings, 4);
	ck_assert_uint_eq(swarm_begin(&swarm, 0, OP_ASSIGN, 0, 2000), 1);
	answer_error(RSIP_LOCAL_ADDR_UNAVAILABLE, 2000);
	ck_assert_uint_eq(swarm_begin(&swarm, 0, OP_FREE, 2, 2000), 3);
	ck_assert_uint_eq(request.bind_id, 110); /* round to the first */
	answer_freed(120, 2100);
	answer_freed(121, 2100);
	answer_freed(110, 2100);
	ck_assert(swarm.hosts[0].n_bindings == 1 && swarm.bind_ids[0] == 111);
	ck_assert_uint_eq(swarm_begin(&swarm, 0, OP_EXTEND, 0, 3000), 1);
	ck_assert_uint_eq(request.bind_id, 111);
	swarm_broken(&swarm, 0);
	ck_assert(tally->op[OP_EXTEND].lost == 1 && swarm.waiting == 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rsipperf");
	TCase *tc = tcase_create("figures"), *hosts = tcase_create("hosts"), *at_once = tcase_create("several at once");

	tcase_add_test(tc, quantiles);
	tcase_add_test(tc, merged_quantiles);
	tcase_add_test(tc, options);
	tcase_add_loop_test(tc, wrong_options, 0, 20);
	tcase_add_checked_fixture(hosts, setup, teardown);
	tcase_add_test(hosts, a_host_registers);
	tcase_add_test(hosts, a_request_is_repeated);
	tcase_add_test(hosts, what_is_no_message);
	tcase_add_checked_fixture(at_once, setup_three_at_once, teardown);
	tcase_add_test(at_once, several_at_once);
	tcase_add_test(at_once, as_many_at_once_as_it_holds);
	suite_add_tcase(s, at_once);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, hosts);
	return run_suite(s);
}
