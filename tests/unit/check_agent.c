/* Conversations between a host and a gateway. C --> S is host(), S --> C is gw_*(). */
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_world.h"
#include "growth.h"
#include "ports_used.h"

#define ASK_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=any local_ports=any(4) remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter
#define ASK_SAME_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=203.0.113.8 local_ports=1234-1237 remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter

static struct world w;

static void
setup_udp(void)
{
	world_init(&w, true);
}

static void
setup_tcp(void)
{
	world_init(&w, false);
}

static void
teardown(void)
{
	world_end(&w);
}

/* ---- RFC 3103 Appendix C ---- */

/* 16.1: local macro flow, no remote policy; the gateway frees bind ID 2 of its own accord. */
START_TEST(appendix_c_1)
{
	size_t n;

	w.leases[0].lease_s = 3600;
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 1, 600, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(4) remote_address=any "
	         "remote_ports=any lease_time=3600 tunnels=ip-ip counter=2");
	gw_ports(&w, 1, "149.112.240.156", 1234, 4, 1800);
	host(&w, "QUERY_REQUEST client_id=1 counter=3");
	gw_local(&w, "10.20.60.0/24");
	ck_assert_uint_eq(agent_locals(w.agent, &n)[0].addr, 0x0a143c00);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");

	/* R = max(R, B1): 600 s of registration were prolonged by 1800 s of lease. */
	ck_assert_int_eq(agent_registration(w.agent)->expires, w.now + 1800000);

	/* "The host requests eight more particular ports for use with RSAP-IP with the same address." */
	struct conf_lease more = { .name = (char *)(uintptr_t)"more", .method = RSIP_METHOD_RSAP_IP, .ports = 8,
	                           .port = 1238, .lease_s = 1800 };
	agent_want(w.agent, &more, &more);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=149.112.240.156 local_ports=1238-1245 "
	         "remote_address=any remote_ports=any lease_time=1800 tunnels=ip-ip counter=4");
	gw_ports(&w, 2, "149.112.240.156", 1305, 8, 1800);
	ck_assert_uint_eq(leases_held(&w), 2);

	/* FREE bind ID 1 */
	agent_unwant(w.agent, NULL);
	host(&w, "FREE_REQUEST client_id=1 bind_id=1 counter=5");
	gw_freed(&w, 1);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");

	/* EXTEND bind ID 2 at half life */
	world_live(&w, 899990); /* QUERY is asked again meanwhile: over UDP that is how the gateway is watched */
	ck_assert_uint_eq(w.n_sent, 0);
	world_wait(&w, 10);
	ck_assert_ptr_nonnull(strstr(w.sent[0], "EXTEND_REQUEST client_id=1 bind_id=2 lease_time=1800 counter="));
	gw_extended(&w, 2, 1800);
	gw_local(&w, "10.20.60.0/24");
	ck_assert_int_eq(lease_named(&w, "more")->expires, w.now + 1800000);

	/* "The gateway forces the host to free the resources of bind ID 2." */
	w.async = true;
	gw_freed(&w, 2);
	w.async = false;
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_str_eq(agent_state_name(w.agent), "registered");
	agent_unwant(w.agent, &more);
	ck_assert(!agent_holds(w.agent, &more));

	agent_stop(w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "registered-de-registration-pending");
	gw_de_registered(&w, 1);
	ck_assert(w.stopped);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
}
END_TEST

/* 16.2: micro flows both ways: one port at a time, the peer named; then LISTEN at the same address. */
START_TEST(appendix_c_2)
{
	struct conf_lease *ftp = &w.leases[0];

	ftp->ports = 1;
	ftp->remote = 0x26c44906; /* 38.196.73.6 */
	ftp->remote_port = 21;
	struct conf_lease *data = world_lease(&w, "data", RSIP_METHOD_RSAP_IP);
	data->listen = true;
	data->ports = 1;
	data->port = 2050;
	data->remote = 0x26c44906;
	data->remote_port = 20;
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 5, 600, RSIP_LOCAL_MICRO, RSIP_REMOTE_MICRO);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=5 local_address=any local_ports=any remote_address=38.196.73.6 "
	         "remote_ports=21 tunnels=ip-ip counter=2");
	gw_ports(&w, 1, "149.112.240.156", 2049, 1, 600);
	host(&w, "LISTEN_REQUEST client_id=5 local_address=149.112.240.156 local_ports=2050 remote_address=38.196.73.6 "
	         "remote_ports=20 tunnels=ip-ip counter=3");
	gw_listen(&w, 2, "149.112.240.156", 2050, 600);
	ck_assert(lease_named(&w, "data")->grant.listen);
	host(&w, "QUERY_REQUEST client_id=5 counter=4");
	gw_local(&w, NULL);
	agent_stop(w.agent);
	host(&w, "DE-REGISTER_REQUEST client_id=5 counter=5");
	gw_de_registered(&w, 5);
	ck_assert(w.stopped);
	ck_assert_uint_eq(leases_held(&w), 0);
}
END_TEST

/* 16.3: RSA-IP under remote macro flow. */
START_TEST(appendix_c_3)
{
	w.leases[0] = (struct conf_lease){ .name = (char *)(uintptr_t)"whole", .method = RSIP_METHOD_RSA_IP,
	                                   .remote = 0xcb007107 };
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 3, 600, RSIP_LOCAL_MACRO, RSIP_REMOTE_MACRO);
	host(&w, "ASSIGN_REQUEST_RSA-IP client_id=3 local_address=any remote_address=203.0.113.7 remote_ports=any "
	         "tunnels=ip-ip counter=2");
	gw_whole(&w, 1, "149.112.240.157", 1800);
	ck_assert_uint_eq(lease_named(&w, "whole")->grant.address, 0x9570f09d);
	ck_assert_uint_eq(lease_named(&w, "whole")->grant.n_ports, 0);
}
END_TEST

/* ---- RFC 3104 ---- */

START_TEST(ipsec_on_the_same_address)
{
	struct conf_lease *vpn = world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC);

	vpn->spis = 16;
	vpn->cookie_block = true;
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "2"));
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	host(&w, "ASSIGN_REQUEST_RSIPSEC client_id=1 local_address=203.0.113.8 local_ports=none remote_address=any "
	         "remote_ports=none spis=any(16) tunnels=ip-ip counter=3 cookie=0x0000000000000000/0xffffffff00000000");
	gw_ipsec(&w, 2, "203.0.113.8", 0x12345670, 16, UINT64_C(0xabcdef0100000000));
	const struct grant *g = &lease_named(&w, "vpn")->grant;
	ck_assert_uint_eq(g->n_spis, 1);
	ck_assert_uint_eq(g->spis[0].first, 0x12345670);
	ck_assert_uint_eq(g->spis[0].last, 0x1234567f);
	ck_assert_uint_eq(g->cookie_value, UINT64_C(0xabcdef0100000000));
}
END_TEST

/* All go through one tunnel: the first grant decides on its key. */
START_TEST(gre_key_is_asked_for)
{
	world_lease(&w, "whole", RSIP_METHOD_RSA_IP);
	w.conf.tunnel = RSIP_TUNNEL_GRE;
	w.conf.gre_key = w.key_told = 4711;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = 1;
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(4) remote_address=any "
	         "remote_ports=any tunnels=gre counter=2 gre_key=4711");
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.gre_key, 4711);
	w.key_told = 0; /* another gateway now, which does not speak keys */
	host(&w, "ASSIGN_REQUEST_RSA-IP client_id=1 local_address=any remote_address=any remote_ports=any tunnels=gre "
	         "counter=3 gre_key=4711");
	gw_whole(&w, 2, "203.0.113.64", 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

START_TEST(gre_without_its_key)
{
	world_lease(&w, "whole", RSIP_METHOD_RSA_IP);
	w.conf.tunnel = RSIP_TUNNEL_GRE;
	w.conf.gre_key = 4711;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.gre_key, 0);
	w.n_seen = 2;
	host(&w, "ASSIGN_REQUEST_RSA-IP client_id=1 local_address=any remote_address=any remote_ports=any tunnels=gre "
	         "counter=3");
}
END_TEST

/* RFC 3104 Appendix G, by our extension; this gateway does not know it, nor the other one. */
START_TEST(ike_peer_is_asked_for)
{
	struct conf_lease *vpn = world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC);

	vpn->spis = 16;
	vpn->cookie_block = true;
	vpn->ike_peer = 0xcb0071c8;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	host(&w, "REGISTER_REQUEST counter=1");
	host(&w, ASK_APPS("1", "2"));
	host(&w, "ASSIGN_REQUEST_RSIPSEC client_id=1 local_address=203.0.113.8 local_ports=none remote_address=any "
	         "remote_ports=none spis=any(16) tunnels=ip-ip counter=3 cookie=0x0000000000000000/0xffffffff00000000 "
	         "ike_listener=203.0.113.200");
	gw_ipsec(&w, 2, "203.0.113.8", 0x12345670, 16, 0);
	ck_assert_int_eq(lease_named(&w, "vpn")->state, LEASE_HELD);
	ck_assert_uint_eq(lease_named(&w, "vpn")->grant.cookie_mask, 0);
}
END_TEST

/* The gateway lost everything: DE-REGISTER with the old client ID, whose error is ignored, REGISTER, and the same
 * values again (10.2.2). What cannot be had by name any more is had without. */
START_TEST(gateway_forgets)
{
	struct conf_lease *vpn = world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC);

	vpn->spis = 16;
	vpn->cookie_block = true;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	gw_ipsec(&w, 2, "203.0.113.8", 0x12345670, 16, UINT64_C(0xabcdef0100000000));
	gw_error(&w, RSIP_REGISTER_FIRST, 0); /* to the QUERY */
	w.n_seen = w.n_sent;
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	ck_assert_uint_eq(leases_held(&w), 0);
	ck_assert_int_eq(w.closes, 1); /* a new session of the transport: the counter starts again */
	world_wait(&w, 0);
	ck_assert_int_eq(w.opens, 2);
	agent_up(w.agent, 0x0a00000b);
	host(&w, "DE-REGISTER_REQUEST client_id=1 counter=1");
	gw_error(&w, RSIP_REGISTER_FIRST, 0);
	host(&w, "REGISTER_REQUEST counter=2");
	gw_registered(&w, 7, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("7", "3"));
	gw_error(&w, RSIP_LOCAL_ADDRPORT_INUSE, 7);
	host(&w, ASK_APPS("7", "4"));
	gw_ports(&w, 1, "203.0.113.9", 5000, 4, 3600);
	host(&w, "ASSIGN_REQUEST_RSIPSEC client_id=7 local_address=203.0.113.8 local_ports=none remote_address=any "
	         "remote_ports=none spis=0x12345670-0x1234567f tunnels=ip-ip counter=5 "
	         "cookie=0xabcdef0100000000/0xffffffff00000000");
	gw_error(&w, RSIP_IPSEC_SPI_INUSE, 7);
	host(&w, "ASSIGN_REQUEST_RSIPSEC client_id=7 local_address=203.0.113.9 local_ports=none remote_address=any "
	         "remote_ports=none spis=any(16) tunnels=ip-ip counter=6 cookie=0x0000000000000000/0xffffffff00000000");
	gw_ipsec(&w, 2, "203.0.113.9", 0x22345670, 16, UINT64_C(0xabcdef0200000000));
	ck_assert_uint_eq(leases_held(&w), 2);
}
END_TEST

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

/* ---- renewal ---- */

START_TEST(renewal)
{
	world_settle(&w); /* over TCP: no QUERY for ten minutes */
	world_wait(&w, 599999);
	host_silent(&w);
	world_wait(&w, 1);
	host(&w, "QUERY_REQUEST client_id=1 counter=4");
	gw_local(&w, "10.0.0.0/8");
	world_live(&w, 1199999);
	host_silent(&w);
	world_wait(&w, 1);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=6");
	gw_extended(&w, 1, 3600);
	ck_assert_int_eq(lease_named(&w, "apps")->expires, w.now + 3600000);
	ck_assert_int_ge(agent_registration(w.agent)->expires, w.now + 3600000);
	gw_local(&w, "10.0.0.0/8");
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
}
END_TEST

START_TEST(renewal_refused)
{
	world_settle(&w);
	agent_down(w.agent, "test"); /* reconnecting has every lease verified */
	agent_up(w.agent, 0x0a00000b);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=4");
	gw_error(&w, RSIP_BAD_BIND_ID, 1);
	host(&w, ASK_SAME_APPS("1", "5"));
	gw_ports(&w, 9, "203.0.113.8", 1234, 4, 3600);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.bind_id, 9);
}
END_TEST

/* RFC 3103 9.10.3: the gateway may "let it implicitly expire by doing nothing": over TCP that is no fault of the
 * connection. Tried again at half of what is left. */
START_TEST(renewal_ignored)
{
	world_settle(&w);
	agent_down(w.agent, "test");
	agent_up(w.agent, 0x0a00000b);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=4");
	world_wait(&w, 15000);
	ck_assert_int_eq(w.closes, 0);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
	ck_assert_int_eq(lease_named(&w, "apps")->renew_at, w.now + (3600000 - 15000) / 2);
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

/* ---- registration ---- */

/* 10.2.1: this host has lost its state, the gateway has not. */
START_TEST(already_registered)
{
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_error(&w, RSIP_ALREADY_REGISTERED, 77);
	host(&w, "DE-REGISTER_REQUEST client_id=77 counter=2");
	gw_de_registered(&w, 77);
	host(&w, "REGISTER_REQUEST counter=3");
	gw_registered(&w, 78, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("78", "4"));
}
END_TEST

START_TEST(denied)
{
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_error(&w, RSIP_REGISTRATION_DENIED, 0);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	host_silent(&w);
	world_wait(&w, 1250);
	host(&w, "REGISTER_REQUEST counter=2");
	gw_error(&w, RSIP_ALREADY_REGISTERED, 0); /* and it does not say as whom */
	world_wait(&w, 1499);
	host_silent(&w);
	world_wait(&w, 1001);
	host(&w, "REGISTER_REQUEST counter=3");
}
END_TEST

/* ---- leases ---- */

static struct ports_used used;

/* The host has sockets at n ports from first on, and at those of before where more is said. */
static void
use_ports(unsigned first, unsigned n, bool more)
{
	if (!more)
		memset(&used, 0, sizeof(used));
	for (unsigned i = 0; i < n; i++)
		ports_used_add(&used, (uint16_t)(first + i));
	growth_step(&w.conf, w.agent, &used);
}

/* The next request begins like this, whatever its counter. */
static void
host_asks(const char *begin)
{
	ck_assert_uint_lt(w.n_seen, w.n_sent);
	ck_assert_msg(strncmp(w.sent[w.n_seen], begin, strlen(begin)) == 0, "asked: %s", w.sent[w.n_seen]);
	w.n_seen++;
}

static void
four_ports(void)
{
	w.leases[0].max_ports = 10;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1280, 4, 36000);
	gw_local(&w, NULL);
	w.n_seen = w.n_sent;
}

#define ASK_MORE "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=203.0.113.8 local_ports="

/* RFC 3102 3.1: when ports run out, more are asked for; what has not been used for a while is given back. */
START_TEST(more_ports_when_they_run_out)
{
	four_ports();
	use_ports(1280, 3, false);
	host_silent(&w);
	use_ports(1280, 4, false);
	host_asks(ASK_MORE "any(4) ");
	use_ports(1280, 4, false); /* one request at a time */
	host_silent(&w);
	gw_ports(&w, 2, "203.0.113.8", 2000, 4, 36000);
	use_ports(2000, 1, true);
	host_silent(&w);
	use_ports(2000, 3, true);
	host_asks(ASK_MORE "any(2) "); /* ten in all */
	gw_ports(&w, 3, "203.0.113.8", 3000, 2, 36000);
	use_ports(3000, 2, true);
	host_silent(&w);

	world_live(&w, GROWTH_IDLE_MS - 1);
	use_ports(2000, 4, false); /* for the last time */
	world_live(&w, 1);
	w.n_seen = w.n_sent;
	use_ports(1280, 2, false);
	host_asks("FREE_REQUEST client_id=1 bind_id=3 ");
	gw_freed(&w, 3);
	world_live(&w, GROWTH_IDLE_MS - 2);
	w.n_seen = w.n_sent;
	use_ports(1280, 2, false);
	host_silent(&w);
	world_live(&w, 1);
	w.n_seen = w.n_sent;
	use_ports(1280, 3, false); /* too few would be free without them */
	host_silent(&w);
	use_ports(1280, 2, false);
	host_asks("FREE_REQUEST client_id=1 bind_id=2 ");
	gw_freed(&w, 2);
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

/* A gateway that has no more is asked again, but not when none are needed any more. */
START_TEST(more_ports_refused)
{
	four_ports();
	use_ports(1280, 4, false);
	host_asks(ASK_MORE "any(4) ");
	gw_error(&w, RSIP_LOCAL_ADDRPORT_UNAVAILABLE, 1);
	use_ports(1280, 4, false);
	host_silent(&w); /* no other address: its ports would not be the host's source ports */
	ck_assert_ptr_nonnull(agent_leases(w.agent)->next);
	use_ports(1280, 1, false);
	ck_assert_ptr_null(agent_leases(w.agent)->next);
}
END_TEST

/* Ports of a server, and a lease that is not to grow, stay what they are. */
START_TEST(no_more_ports)
{
	four_ports();
	w.leases[0].max_ports = 4;
	use_ports(1280, 4, false);
	host_silent(&w);
	w.leases[0].max_ports = 10;
	w.leases[0].listen = true;
	use_ports(1280, 4, false);
	host_silent(&w);
	ck_assert(!growth_possible(&w.conf));
}
END_TEST

START_TEST(ports_in_use_are_read)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	world_run(&w);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	ck_assert(ports_used_read(&used));
	ck_assert_uint_eq(ports_used_count(&used, (struct port_range){ ntohs(at.sin_port), ntohs(at.sin_port) }), 1);
	close(fd);
	ck_assert(ports_used_read(&used));
	ck_assert_uint_eq(ports_used_count(&used, (struct port_range){ ntohs(at.sin_port), ntohs(at.sin_port) }), 0);
}
END_TEST

START_TEST(more_ports_than_one_request_takes)
{
	w.leases[0].ports = 300;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = 1;
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(128) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=2");
	gw_ports(&w, 1, "203.0.113.8", 1280, 128, 3600);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=203.0.113.8 local_ports=any(172) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=3");
	gw_ports(&w, 2, "203.0.113.8", 4096, 172, 3600);
	ck_assert_uint_eq(leases_held(&w), 2);
}
END_TEST

START_TEST(one_port_at_a_time)
{
	w.leases[0].ports = 3;
	w.leases[0].port = 2000;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MICRO, RSIP_REMOTE_NONE);
	w.n_seen = 1;
	for (uint16_t i = 0; i < 3; i++) {
		char expected[256];
		snprintf(expected, sizeof(expected), "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=%s local_ports=%u "
		         "remote_address=any remote_ports=any tunnels=ip-ip counter=%u", i == 0 ? "any" : "203.0.113.8", 2000 + i,
		         2 + i);
		host(&w, expected);
		gw_ports(&w, 1u + i, "203.0.113.8", (uint16_t)(2000 + i), 1, 3600);
	}
	ck_assert_uint_eq(leases_held(&w), 3);
}
END_TEST

START_TEST(refused_lease)
{
	world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC)->spis = 16;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	w.n_seen = 3;
	gw_error(&w, RSIP_IPSEC_UNALLOWED, 1);
	host(&w, "QUERY_REQUEST client_id=1 counter=4"); /* it goes on with what it has */
	gw_local(&w, NULL);
	ck_assert_uint_eq(lease_named(&w, "vpn")->error, RSIP_IPSEC_UNALLOWED);
	ck_assert_str_eq(lease_named(&w, "vpn")->error_text,
	    "the gateway does not allow IPsec for this host: ask its operator");
	world_wait(&w, 1250);
	host(&w, "ASSIGN_REQUEST_RSIPSEC client_id=1 local_address=203.0.113.8 local_ports=none remote_address=any "
	         "remote_ports=none spis=any(16) tunnels=ip-ip counter=5");
}
END_TEST

/* What cannot be understood is freed (9.9.3): here, more ports than asked for; then a port range past the last port. */
START_TEST(unusable_grant)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = 2;
	gw_ports(&w, 1, "203.0.113.8", 1234, 5, 3600);
	ck_assert_uint_eq(leases_held(&w), 0);
	host(&w, "FREE_REQUEST client_id=1 bind_id=1 counter=3");
	gw_freed(&w, 1);
	ck_assert_str_eq(agent_state_name(w.agent), "registered-query-pending");
	ck_assert_uint_eq(lease_named(&w, "apps")->error, RSIP_UNKNOWN_ERROR);
}
END_TEST

START_TEST(lease_for_a_command)
{
	struct conf_lease like = { .name = (char *)(uintptr_t)"command", .method = RSIP_METHOD_RSAP_IP, .ports = 8 };
	int owner;

	world_settle(&w);
	agent_want(w.agent, &like, &owner);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=203.0.113.8 local_ports=any(8) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=4");
	/* Given up before the answer is there: what is granted is given back. */
	agent_unwant(w.agent, &owner);
	memset(&like, 0xff, sizeof(like)); /* nothing looks at it any more */
	ck_assert(agent_holds(w.agent, &owner));
	gw_ports(&w, 2, "203.0.113.8", 2000, 8, 3600);
	host(&w, "FREE_REQUEST client_id=1 bind_id=2 counter=5");
	gw_freed(&w, 2);
	ck_assert(!agent_holds(w.agent, &owner));
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
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

/* ---- stopping ---- */

START_TEST(stop_while_pending)
{
	world_settle(&w);
	agent_down(w.agent, "test");
	agent_up(w.agent, 0x0a00000b);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=4");
	agent_stop(w.agent);
	host_silent(&w);
	gw_extended(&w, 1, 3600);
	host(&w, "DE-REGISTER_REQUEST client_id=1 counter=5");
	ck_assert_str_eq(agent_state_name(w.agent), "assigned-de-registration-pending");
	gw_de_registered(&w, 1);
	ck_assert(w.stopped);
}
END_TEST

START_TEST(stop_without_answer)
{
	world_settle(&w);
	agent_stop(w.agent);
	host(&w, "DE-REGISTER_REQUEST client_id=1 counter=4");
	world_wait(&w, 2999);
	ck_assert(!w.stopped);
	world_wait(&w, 1);
	ck_assert(w.stopped);
}
END_TEST

/* ---- our own restart ---- */

static struct grant
grant_of(uint32_t bind_id, uint16_t first, uint16_t last)
{
	struct grant g = { .bind_id = bind_id, .method = RSIP_METHOD_RSAP_IP, .tunnel = RSIP_TUNNEL_IP_IP,
	                   .address = 0xcb007108, .n_ports = 1 };
	g.ports[0] = (struct port_range){ first, last };
	return g;
}

START_TEST(resumed)
{
	struct agent_registration reg = { .client_id = 1, .expires = w.now + 500000, .local_flow = RSIP_LOCAL_MACRO };
	struct grant apps = grant_of(3, 1234, 1237), command = grant_of(4, 2000, 2007);

	world_begin(&w);
	agent_resume(w.agent, &reg);
	agent_resume_binding(w.agent, "apps", &apps, w.now + 400000);
	agent_resume_binding(w.agent, "command", &command, w.now + 400000); /* its command is gone */
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
	world_run(&w);
	host(&w, "FREE_REQUEST client_id=1 bind_id=4 counter=1");
	agent_down(w.agent, "test"); /* the world's gateway does not know client 1 yet */
	agent_up(w.agent, 0x0a00000b);
	w.n_seen = w.n_sent;
	ck_assert_uint_eq(leases_held(&w), 1);
}
END_TEST

START_TEST(resumed_too_late)
{
	struct grant apps = grant_of(3, 1234, 1237);

	world_begin(&w); /* the registration was over: only the values are remembered */
	agent_resume_binding(w.agent, "apps", &apps, w.now - 1);
	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_SAME_APPS("1", "2"));
}
END_TEST

START_TEST(resumed_with_other_config)
{
	struct agent_registration reg = { .client_id = 1, .expires = w.now + 500000, .local_flow = RSIP_LOCAL_MACRO };
	struct grant apps = grant_of(3, 1234, 1241); /* eight ports; the config says four now */

	world_begin(&w);
	agent_resume(w.agent, &reg);
	agent_resume_binding(w.agent, "apps", &apps, w.now + 400000);
	world_run(&w);
	host(&w, "FREE_REQUEST client_id=1 bind_id=3 counter=1");
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

static void
add(Suite *suite, const char *name, void (*setup)(void), const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	suite_add_tcase(suite, tc);
}

int
main(void)
{
	const TTest *const udp_tests[] = { appendix_c_1, appendix_c_2, appendix_c_3, ipsec_on_the_same_address, ike_peer_is_asked_for,
		gre_key_is_asked_for, gre_without_its_key,
		gateway_forgets, loss, duplicates, silent_gateway, gateway_away_for_long, already_registered,
		more_ports_when_they_run_out, more_ports_refused, no_more_ports, ports_in_use_are_read,
		more_ports_than_one_request_takes, one_port_at_a_time, refused_lease, unusable_grant, lease_for_a_command,
		resumed, resumed_too_late, resumed_with_other_config, garbage, async_error_while_pending, NULL };
	const TTest *const tcp_tests[] = { renewal, renewal_refused, renewal_ignored, async_free, async_free_while_pending,
		async_de_register, async_error, no_counters, connection_lost, gateway_unreachable, silent_connection,
		own_address_changes, stop_while_pending, stop_without_answer, already_registered, denied, garbage, NULL };
	Suite *suite = suite_create("agent");

	add(suite, "udp", setup_udp, udp_tests);
	add(suite, "tcp", setup_tcp, tcp_tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
