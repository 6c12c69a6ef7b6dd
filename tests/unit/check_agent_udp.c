/* The host's side of RFC 3103 10.1 and 10.2: counters, repetitions, and what a host does when the gateway and it do not
 * agree any more. The network and the clock are the test's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent_impl.h"
#include "agent_world.h"
#include "run_suite.h"

#define ASK_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=any local_ports=any(4) remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter
#define ASK_SAME_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=203.0.113.8 local_ports=1234-1237 remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter

static struct world w;

static void
setup(void)
{
	world_init(&w, true);
}

static void
teardown(void)
{
	world_end(&w);
}

/* ---- RFC 3103 5, 10.1 ---- */

/* "a binary exponential backoff scheme with an initial duration of 12.5 ms, and a maximum of six retries": the waits
 * are 12.5, 25, 50, 100, 200, 400 and 800 ms, rounded up to whole milliseconds from the first attempt on. */
START_TEST(seven_attempts_of_the_same_bytes)
{
	static const int64_t at[] = { 0, 13, 38, 88, 188, 388, 788 };

	world_run(&w);
	int64_t start = w.now;
	for (unsigned i = 1; i < 7; i++) {
		world_wait(&w, start + at[i] - 1 - w.now);
		ck_assert_uint_eq(w.n_sent, i);
		world_wait(&w, 1);
		ck_assert_uint_eq(w.n_sent, i + 1);
		ck_assert(w.repeated);
	}
	world_wait(&w, start + 1587 - w.now);
	ck_assert_str_eq(agent_state_name(w.agent), "registration-pending");
	world_wait(&w, 1);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered"); /* Appendix D: "7th timeout" */
	ck_assert_uint_eq(w.n_sent, 7);
}
END_TEST

/* "will not increment its message counter value to n+1 until it receives a message from the RSIP gateway with a message
 * counter value of n" */
START_TEST(counter_waits_for_its_answer)
{
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	w.counter = 2; /* an answer to something that was never asked */
	gw_registered(&w, 9, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host_silent(&w);
	ck_assert_str_eq(agent_state_name(w.agent), "registration-pending");
	world_wait(&w, 60000); /* given up, taken up again, always the same request */
	for (unsigned i = 0; i < w.n_sent; i++)
		ck_assert_str_eq(w.sent[i], "REGISTER_REQUEST counter=1");
	ck_assert(w.repeated);
	ck_assert_uint_gt(w.n_sent, 14);
	w.n_seen = w.n_sent;
	w.counter = 1;
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "2"));
}
END_TEST

START_TEST(counter_wraps_to_1)
{
	world_begin(&w);
	agent_run(w.agent);
	w.agent->counter = UINT32_MAX - 1;
	agent_up(w.agent, 0x0a00000b);
	host(&w, "REGISTER_REQUEST counter=4294967295");
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "1"));
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	host(&w, "QUERY_REQUEST client_id=1 counter=2");
}
END_TEST

/* Of two copies of an answer the second comes behind the next request. */
START_TEST(reordered_answers)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(w.n_sent, 3);
	w.counter = 2;
	gw_error(&w, RSIP_LOCAL_ADDRPORT_UNAVAILABLE, 1); /* to the ASSIGN, which has been answered */
	w.counter = 1;
	gw_error(&w, RSIP_ALREADY_REGISTERED, 5);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned-query-pending");
	w.counter = 3;
	gw_local(&w, "10.0.0.0/8");
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
	ck_assert_uint_eq(w.n_sent, 3);
}
END_TEST

/* DE-REGISTER_RESPONSE unasked, while an ASSIGN is under way, whose answer comes behind it. */
START_TEST(async_de_register_crosses_an_assign)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	ck_assert_str_eq(agent_state_name(w.agent), "assignment-pending");
	w.async = true;
	gw_de_registered(&w, 1);
	w.async = false;
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	ck_assert_int_eq(w.closes, 1); /* a session of its own for the next registration */
}
END_TEST

/* ---- 10.2.2: a gateway that has lost the registration ---- */

/* It is asked, and believed when it says so in answer. What was held is asked for by name, over a session of its own. */
START_TEST(a_call_of_the_gateway)
{
	world_settle(&w);
	world_wait(&w, 5000);
	w.n_seen = w.n_sent;
	gw_calls(&w, RSIP_REGISTER_FIRST);
	host(&w, "QUERY_REQUEST client_id=1 counter=4");
	ck_assert_uint_eq(leases_held(&w), 1);
	gw_error(&w, RSIP_REGISTER_FIRST, 0);
	ck_assert_int_eq(w.closes, 1);
	agent_up(w.agent, 0x0a00000b);
	host(&w, "DE-REGISTER_REQUEST client_id=1 counter=1");
	gw_error(&w, RSIP_REGISTER_FIRST, 0);
	host(&w, "REGISTER_REQUEST counter=2");
	gw_registered(&w, 7, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("7", "3"));
}
END_TEST

/* Anybody can send to that port. */
START_TEST(a_call_of_somebody_else)
{
	world_settle(&w);
	world_wait(&w, 5000);
	w.n_seen = w.n_sent;
	gw_calls(&w, RSIP_BAD_CLIENT_ID); /* no call */
	host_silent(&w);
	gw_calls(&w, RSIP_REGISTER_FIRST);
	host(&w, "QUERY_REQUEST client_id=1 counter=4");
	gw_local(&w, "10.0.0.0/8");
	ck_assert_uint_eq(leases_held(&w), 1);
	for (int i = 0; i < 100; i++) { /* one of them may be true; the others, so soon, ask nothing */
		gw_calls(&w, RSIP_REGISTER_FIRST);
		world_wait(&w, 5);
	}
	host_silent(&w);
	world_wait(&w, 600);
	gw_calls(&w, RSIP_REGISTER_FIRST);
	host(&w, "QUERY_REQUEST client_id=1 counter=5");
}
END_TEST

/* ---- 9.7.3, 9.9.3: "If the host detects an error or otherwise does not "understand" the gateway's response, it SHOULD
 * send a FREE_REQUEST with the bind ID" ---- */

static const struct unusable {
	const char *addr;
	uint16_t first;
	uint8_t number;
	uint32_t lease_s;
	uint8_t tunnel_told;
	uint32_t key_told;
} unusable[] = {
	{ "203.0.113.8", 1234, 3, 3600, 0, 0 },               /* fewer ports than asked for */
	{ "203.0.113.8", 1234, 5, 3600, 0, 0 },               /* more */
	{ "203.0.113.8", 1234, 4, 0, 0, 0 },                  /* a lease of no time */
	{ "203.0.113.8", 1234, 4, 3600, RSIP_TUNNEL_GRE, 0 }, /* another tunnel */
	{ "203.0.113.8", 1234, 4, 3600, 0, 7 },           /* a GRE key that was not asked for */
	{ "0.0.0.0", 1234, 4, 3600, 0, 0 },                   /* no address */
};

START_TEST(unusable_grants_are_freed)
{
	const struct unusable *u = &unusable[_i];

	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = 2;
	w.tunnel_told = u->tunnel_told;
	w.key_told = u->key_told;
	gw_ports(&w, 77, u->addr, u->first, u->number, u->lease_s);
	ck_assert_uint_eq(leases_held(&w), 0);
	host(&w, "FREE_REQUEST client_id=1 bind_id=77 counter=3");
}
END_TEST

/* ---- 9.10.3, 9.12.3 ---- */

/* "make it explicitly expire by sending an appropriate FREE_RESPONSE message" */
START_TEST(extend_is_answered_by_free)
{
	world_settle(&w);
	world_live(&w, 1799999);
	world_wait(&w, 1);
	ck_assert_ptr_nonnull(strstr(w.sent[0], "EXTEND_REQUEST client_id=1 bind_id=1 counter="));
	w.n_sent = 0;
	gw_freed(&w, 1);
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_uint_eq(w.n_sent, 1); /* at once; the values that it had, if the gateway still gives them */
	ck_assert_ptr_nonnull(strstr(w.sent[0], "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=203.0.113.8 "
	                                        "local_ports=1234-1237"));
}
END_TEST

/* "the host SHOULD make an effort to resynchronize": whether its other bindings are there it finds out by EXTEND, and
 * those that are not it asks for again. */
START_TEST(free_is_refused)
{
	struct conf_lease like = { .name = (char *)(uintptr_t)"command", .method = RSIP_METHOD_RSAP_IP, .ports = 8 };
	int owner;

	world_settle(&w);
	world_wait(&w, 30000);
	agent_want(w.agent, &like, &owner);
	gw_ports(&w, 2, "203.0.113.8", 2000, 8, 3600);
	agent_unwant(w.agent, &owner);
	w.n_seen = 4;
	host(&w, "FREE_REQUEST client_id=1 bind_id=2 counter=5");
	gw_error(&w, RSIP_BAD_BIND_ID, 1);
	ck_assert(!agent_holds(w.agent, &owner));
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=6");
	gw_error(&w, RSIP_BAD_BIND_ID, 1);
	host(&w, ASK_SAME_APPS("1", "7"));
	gw_ports(&w, 3, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* ---- 9.16.3 ---- */

static void
want_to_listen_to_a_peer(void)
{
	w.leases[0].ports = 1;
	w.leases[0].listen = true;
	w.leases[0].port = 2050;
	w.leases[0].remote = 0x26c44906;
	w.leases[0].remote_port = 20;
	world_run(&w);
	w.n_seen = 1;
}

/* "If no remote flow policy is being used, the host MUST fill both the remote address and ports parameters with
 * "don't care" values", whatever its config names; else it MUST name them. */
START_TEST(listen_without_remote_policy)
{
	want_to_listen_to_a_peer();
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, "LISTEN_REQUEST client_id=1 local_address=any local_ports=2050 remote_address=any remote_ports=any "
	         "tunnels=ip-ip counter=2");
}
END_TEST

START_TEST(listen_under_remote_policy)
{
	want_to_listen_to_a_peer();
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_MICRO);
	host(&w, "LISTEN_REQUEST client_id=1 local_address=any local_ports=2050 remote_address=38.196.73.6 remote_ports=20 "
	         "tunnels=ip-ip counter=2");
}
END_TEST

/* ---- 6: what is over by the host's own clock is over ---- */

START_TEST(lease_runs_out)
{
	w.leases[0].lease_s = 60;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 60);
	gw_local(&w, NULL);
	world_wait(&w, 59999); /* the gateway answers no EXTEND */
	ck_assert_uint_eq(leases_held(&w), 1);
	world_wait(&w, 1);
	ck_assert_uint_eq(leases_held(&w), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { seven_attempts_of_the_same_bytes, counter_waits_for_its_answer, counter_wraps_to_1,
		reordered_answers, async_de_register_crosses_an_assign, a_call_of_the_gateway, a_call_of_somebody_else, extend_is_answered_by_free, free_is_refused,
		listen_without_remote_policy, listen_under_remote_policy, lease_runs_out };
	Suite *suite = suite_create("agent_udp");
	TCase *tc = tcase_create("udp");

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, unusable_grants_are_freed, 0, sizeof(unusable) / sizeof(unusable[0]));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
