/* The leases of a host over their lives: renewed, refused, grown and given back. As in check_agent.c. */
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_suite.h"
#include "growth.h"
#include "ports_used.h"

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

/* ---- the config read again ---- */

/* The file now asks for these, by copies elsewhere; the sections that there were are overwritten when the agent has seen it. */
static void
read_again(struct conf_lease *leases, size_t n)
{
	w.conf.leases = leases;
	w.conf.n_leases = n;
	agent_reload(w.agent);
	memset(w.leases, 0xff, sizeof(w.leases));
}

START_TEST(reload_keeps_and_adds)
{
	struct conf_lease apps = w.leases[0], other = { .name = (char *)(uintptr_t)"other", .method = RSIP_METHOD_RSAP_IP,
	                                                .ports = 2 };
	struct conf_lease fresh[] = { other, apps };

	fresh[1].lease_s = 600; /* how long makes no other lease */
	world_settle(&w);
	read_again(fresh, 2);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=203.0.113.8 local_ports=any(2) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=4");
	gw_ports(&w, 2, "203.0.113.8", 2000, 2, 3600);
	host_silent(&w);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.bind_id, 1);
	ck_assert_uint_eq(leases_held(&w), 2);
	agent_reload(w.agent); /* nothing is new */
	host_silent(&w);
	ck_assert_uint_eq(leases_held(&w), 2);
}
END_TEST

START_TEST(reload_frees_and_exchanges)
{
	struct conf_lease more = w.leases[0];

	more.ports = 8;
	world_settle(&w);
	read_again(&more, 1);
	host(&w, "FREE_REQUEST client_id=1 bind_id=1 counter=4"); /* first: it may be all that the host may have */
	gw_freed(&w, 1);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(8) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=5");
	gw_ports(&w, 2, "203.0.113.8", 2000, 8, 3600);
	host_silent(&w);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_uint_eq(lease_named(&w, "apps")->n_ports, 8);
}
END_TEST

/* What is granted to a section that has gone meanwhile is given back. */
START_TEST(reload_while_it_is_asked_for)
{
	struct conf_lease other = { .name = (char *)(uintptr_t)"other", .method = RSIP_METHOD_RSAP_IP, .ports = 2 };

	world_run(&w);
	host(&w, "REGISTER_REQUEST counter=1");
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	host(&w, ASK_APPS("1", "2"));
	read_again(&other, 1);
	host_silent(&w);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	host(&w, "FREE_REQUEST client_id=1 bind_id=1 counter=3");
	gw_freed(&w, 1);
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=1 local_address=any local_ports=any(2) remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=4");
	gw_ports(&w, 2, "203.0.113.8", 2000, 2, 3600);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_ptr_nonnull(lease_named(&w, "other"));
}
END_TEST

int
main(void)
{
	const TTest *const udp_tests[] = {
		more_ports_when_they_run_out, more_ports_refused, no_more_ports, ports_in_use_are_read,
		more_ports_than_one_request_takes, one_port_at_a_time, refused_lease, unusable_grant,
		lease_for_a_command, reload_keeps_and_adds, reload_frees_and_exchanges, reload_while_it_is_asked_for, NULL
	};
	const TTest *const tcp_tests[] = {
		renewal, renewal_refused, renewal_ignored, NULL
	};

	return agent_suite_run("agent_leases", udp_tests, tcp_tests);
}
