/* A host and what goes wrong: the network, a gateway that acts of its own accord, garbage. As in check_agent.c. */
#include <check.h>
#include <string.h>

#include "agent_suite.h"
#include "clock.h"

/* ---- loss, duplication, lateness over UDP ---- */

START_TEST(loss)
{
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	world_wait(&w, 12);
	host_silent(&w);
	world_wait(&w, 1);
	host(&w, "REGISTER_REQUEST counter=1");
	world_wait(&w, 25);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "2"));
	world_wait(&w, 13);
	host(&w, ASK_APPS("1", "2"));
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* Both copies of a request are answered, or the network doubles an answer: the second one answers nothing. */
START_TEST(duplicates)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	w.counter = 2;
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	w.counter = 1;
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_uint_eq(w.n_sent, 3);
	ck_assert_str_eq(w.sent[2], "QUERY_REQUEST client_id=1 counter=3");
}
END_TEST

/* Seven attempts, then back to unregistered; the same bytes again with backoff; a late answer still counts. */
START_TEST(silent_gateway)
{
	world_run(&w);
	world_wait(&w, 1588);
	ck_assert_uint_eq(w.n_sent, 7);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	world_wait(&w, 700); /* the first pause is at least 750 ms long, and at most 1250 */
	ck_assert_uint_eq(w.n_sent, 7);
	world_wait(&w, 551);
	ck_assert_uint_ge(w.n_sent, 8);
	ck_assert_str_eq(w.sent[7], "REGISTER_REQUEST counter=1");
	world_wait(&w, 1588);
	ck_assert_uint_eq(w.n_sent, 14);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	w.n_seen = 14;
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "2"));
}
END_TEST

/* A lease's renewal goes unanswered until the lease ends; nothing of the past is left when the gateway is back. */
START_TEST(gateway_away_for_long)
{
	world_settle(&w);
	w.n_seen = w.n_sent = 0;
	for (int i = 0; i < 60; i++) { /* the gateway went right after: the QUERY over UDP notices */
		world_wait(&w, 100000);
		w.n_sent = 0;
	}
	ck_assert_uint_eq(leases_held(&w), 0);
	/* Pauses are random: it may or may not be asking at this instant. */
	ck_assert_int_eq(strncmp(agent_state_name(w.agent), "registered", 10), 0);
	for (int i = 0; i < 30; i++) {
		world_wait(&w, 100000);
		w.n_sent = 0;
	}
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered"); /* two hours are over */
	ck_assert_int_eq(w.closes, 1);
	agent_up(w.agent, 0x0a00000b);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 2, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("2", "2"));
}
END_TEST

/* ---- the gateway acts of its own accord ---- */

START_TEST(async_free)
{
	world_settle(&w);
	w.async = true;
	gw_freed(&w, 1);
	w.async = false;
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_str_eq(agent_state_name(w.agent), "registered");
	host_silent(&w);
	world_wait(&w, 1000);
	host(&w, ASK_SAME_APPS("1", "4"));
}
END_TEST

START_TEST(async_free_while_pending)
{
	world_settle(&w);
	agent_down(w.agent, "test");
	agent_up(w.agent, 0x0a00000b);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=4");
	w.async = true;
	gw_freed(&w, 1);
	w.async = false;
	ck_assert_str_eq(agent_state_name(w.agent), "extension-pending");
	gw_error(&w, RSIP_BAD_BIND_ID, 1);
	ck_assert_str_eq(agent_state_name(w.agent), "registered");
	ck_assert_uint_eq(leases_held(&w), 0);
}
END_TEST

START_TEST(async_de_register)
{
	world_settle(&w);
	w.async = true;
	gw_de_registered(&w, 4); /* "a client ID that has no meaning to the host" (10.2.1) */
	ck_assert_uint_eq(leases_held(&w), 1);
	gw_de_registered(&w, 1);
	w.async = false;
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	host_silent(&w);
	world_wait(&w, 1250);
	host(&w, "REGISTER_REQUEST counter=4");
	gw_registered(&w, 2, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("2", "5"));
}
END_TEST

/* 10.4: our packets are refused. If it is a lease of ours that the gateway does not know, find out, but not often. */
START_TEST(async_error)
{
	world_settle(&w);
	world_wait(&w, 40000);
	w.async = true;
	gw_error(&w, RSIP_LOCAL_ADDRPORT_UNALLOWED, 1);
	w.async = false;
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=4");
	gw_extended(&w, 1, 3600);
	w.async = true;
	gw_error(&w, RSIP_LOCAL_ADDRPORT_UNALLOWED, 1);
	gw_error(&w, RSIP_REMOTE_ADDR_UNALLOWED, 1);
	host_silent(&w);
	gw_error(&w, RSIP_REGISTER_FIRST, 0);
	w.async = false;
	host(&w, "DE-REGISTER_REQUEST client_id=1 counter=5");
}
END_TEST

/* An unasked ERROR_RESPONSE is not taken for the answer to what is under way. */
START_TEST(async_error_while_pending)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = w.n_sent;
	w.async = true;
	gw_error(&w, RSIP_REMOTE_ADDR_UNALLOWED, 1);
	w.async = false;
	host_silent(&w);
	ck_assert_str_eq(agent_state_name(w.agent), "assignment-pending");
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* A gateway that counts nothing over TCP is understood too. */
START_TEST(no_counters)
{
	w.counts = false;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	gw_local(&w, "10.0.0.0/8");
	ck_assert_uint_eq(leases_held(&w), 1);
	gw_freed(&w, 1);
	ck_assert_uint_eq(leases_held(&w), 0);
}
END_TEST

/* ---- transport over TCP ---- */

START_TEST(connection_lost)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	ck_assert_str_eq(agent_state_name(w.agent), "assignment-pending");
	agent_down(w.agent, "connection closed");
	ck_assert_str_eq(agent_state_name(w.agent), "registered");
	ck_assert(!agent_online(w.agent));
	w.n_seen = w.n_sent;
	world_wait(&w, 749);
	ck_assert_int_eq(w.opens, 1);
	world_wait(&w, 501);
	ck_assert_int_eq(w.opens, 2);
	agent_up(w.agent, 0x0a00000b);
	host(&w, ASK_APPS("1", "1")); /* the registration outlives the connection */
}
END_TEST

START_TEST(gateway_unreachable)
{
	world_begin(&w);
	agent_run(w.agent);
	ck_assert_int_eq(w.opens, 1);
	agent_down(w.agent, "Connection refused");
	world_wait(&w, 1250);
	ck_assert_int_eq(w.opens, 2);
	agent_down(w.agent, "Connection refused");
	world_wait(&w, 1499);
	ck_assert_int_eq(w.opens, 2);
	world_wait(&w, 1001);
	ck_assert_int_eq(w.opens, 3);
	host_silent(&w);
	agent_stop(w.agent);
	ck_assert(w.stopped);
}
END_TEST

START_TEST(silent_connection)
{
	world_run(&w);
	world_wait(&w, 14999);
	ck_assert_int_eq(w.closes, 0);
	world_wait(&w, 1);
	ck_assert_int_eq(w.closes, 1);
	ck_assert(!agent_online(w.agent));
	world_wait(&w, 1250);
	ck_assert_int_eq(w.opens, 2);
}
END_TEST

START_TEST(own_address_changes)
{
	world_settle(&w);
	agent_down(w.agent, "test");
	agent_up(w.agent, 0x0a00000c); /* the gateway knows hosts by their address */
	ck_assert_uint_eq(leases_held(&w), 0);
	host(&w, "REGISTER_REQUEST counter=4");
}
END_TEST

/* ---- the machine sleeps: no timer runs meanwhile ---- */

static void
sleep_and_wake(int64_t ms)
{
	w.now += ms;
	clock_set(w.now, 0);
	agent_woken(w.agent);
}

/* All is over. What was held is asked for again, in a session anew: the old one may be dead without a sign. */
START_TEST(long_sleep)
{
	world_settle(&w);
	sleep_and_wake(3 * 7200 * 1000);
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_int_eq(w.closes, 1);
	ck_assert_int_eq(w.opens, 2);
	host_silent(&w);
	agent_up(w.agent, 0x0a00000b);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 2, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("2", "2"));
	gw_ports(&w, 7, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* The leases' time is not over, but the gateway may have lost them. */
START_TEST(short_sleep)
{
	world_settle(&w);
	sleep_and_wake(60 * 1000);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_int_eq(w.opens, 2);
	agent_up(w.agent, 0x0a00000b);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=1");
	gw_extended(&w, 1, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* Asleep in the middle of a request, or of a pause after failures. */
START_TEST(sleep_with_the_gateway_away)
{
	world_run(&w);
	sleep_and_wake(3600 * 1000);
	ck_assert_int_eq(w.opens, 2);
	agent_down(w.agent, "test");
	sleep_and_wake(3600 * 1000);
	ck_assert_int_eq(w.opens, 3);
	agent_up(w.agent, 0x0a00000b);
	ck_assert_str_eq(w.sent[w.n_sent - 1], "REGISTER_REQUEST counter=1");
}
END_TEST

/* As where the clock of a virtual machine is set over and over again. */
START_TEST(waking_often)
{
	world_settle(&w);
	sleep_and_wake(1);
	ck_assert_int_eq(w.opens, 2);
	agent_up(w.agent, 0x0a00000b);
	for (int i = 0; i < 100; i++)
		sleep_and_wake(1);
	ck_assert_int_eq(w.opens, 2);
}
END_TEST

/* ---- hostile input ---- */

/* "MUST silently discard the message" (9.1.3): garbage, every truncation and every bit flip of a real answer, and
 * requests. Whatever gets through by chance is a well-formed answer; the agent must only survive. */
START_TEST(garbage)
{
	static const uint8_t answer[] = {
		0x01, 0x09, 0x00, 0x3d, 0x04, 0x00, 0x04, 0, 0, 0, 1, 0x05, 0x00, 0x04, 0, 0, 0, 1, /* client ID, bind ID */
		0x01, 0x00, 0x05, 0x01, 203, 0, 113, 8, 0x02, 0x00, 0x03, 0x04, 0x04, 0xd2,         /* local */
		0x01, 0x00, 0x01, 0x01, 0x02, 0x00, 0x01, 0x01,                                     /* remote: don't care */
		0x03, 0x00, 0x04, 0, 0, 0x0e, 0x10, 0x06, 0x00, 0x01, 0x01, 0x0b, 0x00, 0x04, 0, 0, 0, 2,
	};
	uint8_t bytes[sizeof(answer)];

	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	for (size_t len = 0; len < sizeof(answer); len++)
		gw_bytes(&w, answer, len);
	ck_assert_uint_eq(leases_held(&w), 0);
	gw_bytes(&w, "\x01\x02\x00\x0b\x0b\x00\x04\x00\x00\x00\x02", 11); /* a request */
	ck_assert_str_eq(agent_state_name(w.agent), "assignment-pending");
	for (size_t bit = 0; bit < 8 * sizeof(answer); bit++) {
		memcpy(bytes, answer, sizeof(answer));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		gw_bytes(&w, bytes, sizeof(bytes));
		w.n_sent = 0;
	}
}
END_TEST

int
main(void)
{
	const TTest *const udp_tests[] = {
		loss, duplicates, silent_gateway, gateway_away_for_long, garbage, async_error_while_pending,
		long_sleep, short_sleep, sleep_with_the_gateway_away, waking_often, NULL
	};
	const TTest *const tcp_tests[] = {
		async_free, async_free_while_pending, async_de_register, async_error, no_counters, connection_lost,
		gateway_unreachable, silent_connection, own_address_changes, long_sleep, short_sleep,
		sleep_with_the_gateway_away, waking_often, garbage, NULL
	};

	return agent_suite_run("agent_faults", udp_tests, tcp_tests);
}
