/* The server over loopback: answers wait for the commit, a commit that fails is told as INTERNAL_SERVER_ERROR, and one
 * host's connections are bounded. */
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conns.h"
#include "farewell.h"
#include "gateway_fixture.h"
#include "loop.h"
#include "message.h"
#include "parked.h"
#include "rate.h"
#include "request.h"
#include "run_suite.h"
#include "server.h"
#include "sockaddr.h"
#include "transport.h"

static const char conf_text[] = "pool \"a\" { addresses = { \"203.0.113.8\" } methods = { \"rsap-ip\" } }\n"
                                "policy \"p\" { pools = { \"a\" } rate = 1000 remote-flow = \"macro\" }\n"
                                "host \"127.0.0.0/8\" { policy = \"p\" }\n";
static const uint8_t register_request[] = { 1, RSIP_REGISTER_REQUEST, 0, 4 };

static struct fixture f;
static struct loop *loop;
static struct stats stats;
static struct service service;
static struct server *srv;
static struct sockaddr_in tcp_addr, udp_addr;
static struct rsip_message got;
static struct loop_event *committed, *given_up;
static bool disk_full, under_way;
static unsigned commits;

/* A full disk takes nothing. */
static bool
on_commit_begin(void *arg)
{
	(void)arg;
	if (disk_full)
		loop_deferred_raise(given_up);
	else if (!store_commit_begin(f.store))
		return false;
	commits++;
	under_way = true;
	return true;
}

static bool
on_commit_end(void *arg)
{
	(void)arg;
	under_way = false;
	return !disk_full && store_commit_end(f.store);
}

static void
on_given_up(void *arg)
{
	(void)arg;
	server_committed(srv);
}

static void
on_committed(int fd, void *arg)
{
	(void)fd;
	(void)arg;
	server_committed(srv);
}

static int
bound(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	*addr = sockaddr_of(INADDR_LOOPBACK, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)addr, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

static void
setup(void)
{
	const struct server_events events = { on_commit_begin, on_commit_end, NULL };

	fixture_start(&f, conf_text);
	loop = loop_new();
	service = (struct service){ .ledger = &f.ledger, .stats = &stats, .rates = rate_table_new(),
	                            .farewell = farewell_new() };
	srv = server_new(loop, &service, &events);
	given_up = loop_deferred(loop, on_given_up, NULL);
	committed = loop_readable(loop, store_start(f.store), on_committed, NULL);
	server_listen(srv, INADDR_LOOPBACK, bound(SOCK_STREAM, &tcp_addr), bound(SOCK_DGRAM, &udp_addr));
	disk_full = under_way = false;
	commits = 0;
}

static void
teardown(void)
{
	server_free(srv);
	loop_event_free(committed);
	loop_event_free(given_up);
	rate_table_free(service.rates);
	farewell_free(service.farewell);
	loop_free(loop);
	fixture_end(&f);
}

/* What control.c does when a commit fails: back to what is on disk. */
static void
fall_back(void)
{
	loop_event_free(committed);
	fixture_restart(&f);
	committed = loop_readable(loop, store_start(f.store), on_committed, NULL);
}

static int
connected(int type, const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, type, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
	return fd;
}

static void
turns(void)
{
	for (int quiet = 0; quiet < 20; quiet++) {
		loop_once(loop, false);
		if (under_way && committed != NULL)
			quiet = 0;
		usleep(500);
	}
}

/* What is to come has come: at once, but where the kernel has other work than to carry packets. */
static void
await_bytes(int fd, int n)
{
	int there = 0;

	for (int turn = 0; turn < 20000; turn++) {
		ck_assert_int_eq(ioctl(fd, FIONREAD, &there), 0);
		if (there >= n)
			return;
		loop_once(loop, false);
		usleep(500);
	}
	ck_abort_msg("%d of %d bytes", there, n);
}

static uint8_t
hear(int fd)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX];
	await_bytes(fd, 1);
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(message_decode(&got, bytes, (size_t)n), RSIP_OK);
	return got.type;
}

/* Of several messages on a TCP connection, the next. */
static void
hear_next(int fd, uint8_t type)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX];
	size_t len;

	await_bytes(fd, 4);
	ck_assert_int_eq(recv(fd, bytes, 4, MSG_DONTWAIT), 4);
	len = (size_t)bytes[2] << 8 | bytes[3];
	await_bytes(fd, (int)len - 4);
	ck_assert_int_eq(recv(fd, bytes + 4, len - 4, MSG_DONTWAIT), (ssize_t)(len - 4));
	ck_assert_int_eq(message_decode(&got, bytes, len), RSIP_OK);
	ck_assert_uint_eq(got.type, type);
}

/* Messages of one turn share one commit, and none is answered before it. */
static const struct session *
the_session(void)
{
	struct id_cursor walk = { 0 };

	return session_next(&f.ledger.sessions, &walk);
}

START_TEST(one_commit_for_all)
{
	int fd = connected(SOCK_STREAM, &tcp_addr);
	uint8_t three[12];

	turns();
	for (int i = 0; i < 3; i++)
		memcpy(three + 4 * i, register_request, 4);
	commits = 0;
	ck_assert_int_eq(write(fd, three, sizeof(three)), 12);
	turns();
	ck_assert_uint_eq(commits, 1);
	ck_assert_int_eq(hear(fd), RSIP_REGISTER_RESPONSE);
	close(fd);
}
END_TEST

/* What comes while one commit is under way shares the next, and is not answered before that. */
START_TEST(requests_while_a_commit_is_under_way)
{
	static uint8_t counted[] = { 1, RSIP_REGISTER_REQUEST, 0, 11, 11, 0, 4, 0, 0, 0, 7 };
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = datagrams_connect_socket(INADDR_LOOPBACK + (ip4_t)i, 0, INADDR_LOOPBACK, ntohs(udp_addr.sin_port));
	loop_event_free(committed); /* the disk is slow: it is the test that says when */
	committed = NULL;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(write(fds[i], counted, sizeof(counted)), (int)sizeof(counted));
		turns();
	}
	ck_assert_uint_eq(commits, 1);
	ck_assert_int_eq(recv(fds[0], counted, sizeof(counted), MSG_DONTWAIT), -1);
	server_committed(srv);
	ck_assert_int_eq(hear(fds[0]), RSIP_REGISTER_RESPONSE);
	ck_assert_uint_eq(commits, 2);
	ck_assert_int_eq(recv(fds[1], counted, sizeof(counted), MSG_DONTWAIT), -1);
	server_committed(srv);
	ck_assert_int_eq(hear(fds[1]), RSIP_REGISTER_RESPONSE);
	ck_assert_int_eq(hear(fds[2]), RSIP_REGISTER_RESPONSE);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}
END_TEST

START_TEST(failed_commit)
{
	int tcp = connected(SOCK_STREAM, &tcp_addr), udp = connected(SOCK_DGRAM, &udp_addr);
	static const uint8_t counted[] = { 1, RSIP_REGISTER_REQUEST, 0, 11, 11, 0, 4, 0, 0, 0, 7 };

	disk_full = true;
	ck_assert_int_eq(write(tcp, register_request, 4), 4);
	turns();
	ck_assert_int_eq(hear(tcp), RSIP_ERROR_RESPONSE);
	ck_assert_int_eq(got.error, RSIP_INTERNAL_SERVER_ERROR);
	ck_assert(!got.has_client_id); /* of a registration that there is not */
	fall_back();
	ck_assert_int_eq(write(udp, counted, sizeof(counted)), (int)sizeof(counted));
	turns();
	ck_assert_int_eq(hear(udp), RSIP_ERROR_RESPONSE);
	ck_assert_int_eq(got.error, RSIP_INTERNAL_SERVER_ERROR);
	ck_assert_uint_eq(got.counter, 7);
	fall_back();
	disk_full = false;
	ck_assert_int_eq(write(udp, counted, sizeof(counted)), (int)sizeof(counted));
	turns();
	ck_assert_int_eq(hear(udp), RSIP_REGISTER_RESPONSE);
	close(tcp);
	close(udp);
}
END_TEST

START_TEST(connections_of_one_host)
{
	int fds[CONNS_A_HOST + 4];
	char byte;

	for (int i = 0; i < CONNS_A_HOST + 4; i++) {
		fds[i] = connected(SOCK_STREAM, &tcp_addr);
		turns();
	}
	ck_assert_uint_eq(stats.open_connections, CONNS_A_HOST);
	ck_assert_int_eq(recv(fds[3], &byte, 1, MSG_DONTWAIT), 0); /* the oldest went */
	ck_assert_int_eq(recv(fds[4], &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(write(fds[CONNS_A_HOST + 3], register_request, 4), 4);
	turns();
	ck_assert_int_eq(hear(fds[CONNS_A_HOST + 3]), RSIP_REGISTER_RESPONSE);
	for (int i = 0; i < CONNS_A_HOST + 4; i++)
		close(fds[i]);
	turns();
	ck_assert_uint_eq(stats.open_connections, 0);
}
END_TEST

static void
ring(void *arg)
{
	*(bool *)arg = true;
}

/* How often the loop wakes up in a tenth of a second. */
static unsigned
wakes(void)
{
	bool over = false;
	struct loop_event *timer = loop_timer(loop, ring, &over);
	unsigned n = 0;

	loop_timer_set(timer, 100);
	while (!over) {
		loop_once(loop, true);
		n++;
	}
	loop_event_free(timer);
	return n;
}

/* Without a descriptor for it a connection stays in the kernel's queue, and the loop is not kept busy by that. */
START_TEST(no_descriptor_left)
{
	int fd = connected(SOCK_STREAM, &tcp_addr), next = dup(fd);
	struct rlimit all, none;

	getrlimit(RLIMIT_NOFILE, &all);
	none = all;
	none.rlim_cur = (rlim_t)next;
	close(next);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	stats.connections = 0;
	ck_assert_uint_lt(wakes(), 20);
	ck_assert_uint_eq(stats.connections, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	while (stats.connections == 0)
		loop_once(loop, true);
	ck_assert_int_eq(write(fd, register_request, 4), 4);
	turns();
	ck_assert_int_eq(hear(fd), RSIP_REGISTER_RESPONSE);
	close(fd);
}
END_TEST

START_TEST(stream_that_cannot_be_followed)
{
	int fd = connected(SOCK_STREAM, &tcp_addr);
	static const uint8_t bytes[] = { 1, RSIP_REGISTER_REQUEST, 0, 3, 1, 2, 0, 4 };
	char byte;

	ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), (int)sizeof(bytes));
	turns();
	ck_assert_int_eq(hear(fd), RSIP_ERROR_RESPONSE);
	ck_assert_int_eq(got.error, RSIP_BAD_MESSAGE);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
}
END_TEST

/* Over TCP what is unasked goes to the latest connection that is open; over none of them it is lost. */
START_TEST(notices)
{
	int first = connected(SOCK_STREAM, &tcp_addr), second;
	char bytes[8];

	ck_assert_int_eq(write(first, register_request, 4), 4);
	turns();
	hear(first);
	second = connected(SOCK_STREAM, &tcp_addr);
	turns();
	server_notify(srv, the_session(), "one", 3);
	turns();
	ck_assert_int_eq(recv(second, bytes, sizeof(bytes), MSG_DONTWAIT), 3);
	close(second);
	turns();
	server_notify(srv, the_session(), "two", 3);
	turns();
	ck_assert_int_eq(recv(first, bytes, sizeof(bytes), MSG_DONTWAIT), 3);
	close(first);
	turns();
	server_notify(srv, the_session(), "three", 5);
	turns();
}
END_TEST

/* Over UDP it goes to the port that the registration is served at, which a mere REGISTER_REQUEST does not change. */
START_TEST(notices_over_udp)
{
	static const uint8_t registers[] = { 1, RSIP_REGISTER_REQUEST, 0, 11, RSIP_PARAM_MESSAGE_COUNTER, 0, 4, 0, 0, 0, 1 };
	int first = connected(SOCK_DGRAM, &udp_addr), second = connected(SOCK_DGRAM, &udp_addr);
	char bytes[8];

	ck_assert_int_eq(write(first, registers, sizeof(registers)), (int)sizeof(registers));
	turns();
	ck_assert_int_eq(hear(first), RSIP_REGISTER_RESPONSE);
	server_notify(srv, the_session(), "one", 3);
	turns();
	ck_assert_int_eq(recv(first, bytes, sizeof(bytes), MSG_DONTWAIT), 3);
	ck_assert_int_eq(write(second, registers, sizeof(registers)), (int)sizeof(registers));
	turns();
	ck_assert_int_eq(hear(second), RSIP_ERROR_RESPONSE); /* ALREADY_REGISTERED is not kept: the port is not the host's yet */
	server_notify(srv, the_session(), "two", 3);
	turns();
	ck_assert_int_eq(recv(first, bytes, sizeof(bytes), MSG_DONTWAIT), 3);
	ck_assert_int_lt(recv(second, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
	close(first);
	close(second);
}
END_TEST

/* An ASSIGN_REQUEST_RSAP-IP for a name, and a QUERY_REQUEST right behind it; counters n and n + 1 over UDP. */
static size_t
ask_for_name(uint32_t client, const char *name, uint32_t counter, uint8_t bytes[300])
{
	static struct rsip_message m;
	size_t len;

	message_init(&m, RSIP_ASSIGN_REQUEST_RSAP_IP);
	m.has_client_id = true;
	m.client_id = client;
	m.local_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = true };
	m.remote_addr = (struct rsip_address){ .type = RSIP_ADDR_FQDN, .fqdn = name, .fqdn_len = (uint16_t)strlen(name) };
	m.local_ports.form = m.remote_ports.form = RSIP_LIST_DONT_CARE;
	m.local_ports.number = m.remote_ports.number = 1;
	m.has_counter = counter != 0;
	m.counter = counter;
	len = message_encode(&m, bytes, 300);
	message_init(&m, RSIP_QUERY_REQUEST);
	m.has_client_id = true;
	m.client_id = client;
	m.has_counter = counter != 0;
	m.counter = counter + 1;
	return len + message_encode(&m, bytes + len, 300 - len);
}

static void
answer_name(const char *name)
{
	const ip4_t addr = 0xc6336407;

	remote_names_answer(f.names, name, &addr, 1, 60);
	server_resume(srv);
	turns();
}

/* While a name is looked up its host's requests wait, in their order; a connection that ends takes them with it. */
START_TEST(requests_wait_for_a_name)
{
	int fd = connected(SOCK_STREAM, &tcp_addr), other = connected(SOCK_STREAM, &tcp_addr);
	uint8_t bytes[300], byte;
	size_t len;

	ck_assert_int_eq(write(fd, register_request, 4), 4);
	turns();
	hear(fd);
	len = ask_for_name(got.client_id, "a.example", 0, bytes);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	turns();
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	answer_name("another.example");
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	answer_name("a.example");
	hear_next(fd, RSIP_ASSIGN_RESPONSE_RSAP_IP);
	hear_next(fd, RSIP_QUERY_RESPONSE);

	len = ask_for_name(got.client_id, "b.example", 0, bytes);
	ck_assert_int_eq(write(other, bytes, len), (ssize_t)len);
	turns();
	shutdown(other, SHUT_WR); /* half closed, it is still answered */
	turns();
	answer_name("b.example");
	hear_next(other, RSIP_ASSIGN_RESPONSE_RSAP_IP);
	hear_next(other, RSIP_QUERY_RESPONSE);
	ck_assert_int_eq(recv(other, &byte, 1, MSG_DONTWAIT), 0);

	len = ask_for_name(got.client_id, "c.example", 0, bytes);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	turns();
	for (int i = 0; i < CONNS_A_HOST; i++) { /* so many that the first is closed */
		other = connected(SOCK_STREAM, &tcp_addr);
		turns();
	}
	answer_name("c.example");
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 2);
	close(fd);
}
END_TEST

/* A datagram that is sent again while its name is looked up is the same request; and so many wait, no more. */
START_TEST(datagrams_wait_for_a_name)
{
	int fd = connected(SOCK_DGRAM, &udp_addr);
	static const uint8_t counted[] = { 1, RSIP_REGISTER_REQUEST, 0, 11, 11, 0, 4, 0, 0, 0, 1 };
	uint8_t bytes[300];
	size_t len;

	ck_assert_int_eq(write(fd, counted, sizeof(counted)), (int)sizeof(counted));
	turns();
	hear(fd);
	len = ask_for_name(got.client_id, "a.example", 2, bytes);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	turns();
	answer_name("a.example");
	ck_assert_int_eq(hear(fd), RSIP_ASSIGN_RESPONSE_RSAP_IP);
	ck_assert_uint_eq(got.counter, 2);
	ck_assert_int_eq(recv(fd, bytes, 1, MSG_DONTWAIT), -1); /* once */
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 1);

	len = ask_for_name(got.client_id, "b.example", 3, bytes);
	for (uint8_t i = 0; i < 2 * PARKED_A_HOST; i++) {
		bytes[len - 1] = i;
		ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	}
	turns();
	answer_name("b.example");
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 2);
	ck_assert_uint_ge(stats.ignored, PARKED_A_HOST);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("server");
	TCase *tc = tcase_create("server");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_commit_for_all);
	tcase_add_test(tc, requests_while_a_commit_is_under_way);
	tcase_add_test(tc, failed_commit);
	tcase_add_test(tc, connections_of_one_host);
	tcase_add_test(tc, no_descriptor_left);
	tcase_add_test(tc, stream_that_cannot_be_followed);
	tcase_add_test(tc, notices);
	tcase_add_test(tc, notices_over_udp);
	tcase_add_test(tc, requests_wait_for_a_name);
	tcase_add_test(tc, datagrams_wait_for_a_name);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
