/* Conversations between a host and a gateway, from registration to the end. C --> S is host(), S --> C is gw_*(). */
#include <check.h>
#include <sys/socket.h>

#include "agent_suite.h"

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

int
main(void)
{
	const TTest *const udp_tests[] = {
		appendix_c_1, appendix_c_2, appendix_c_3, ipsec_on_the_same_address, ike_peer_is_asked_for,
		gre_key_is_asked_for, gre_without_its_key, gateway_forgets, already_registered, resumed,
		resumed_too_late, resumed_with_other_config, NULL
	};
	const TTest *const tcp_tests[] = {
		stop_while_pending, stop_without_answer, already_registered, denied, NULL
	};

	return agent_suite_run("agent", udp_tests, tcp_tests);
}
