/* The resolver, with a name server of the test's own on the loopback. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "conf.h"
#include "log.h"
#include "loop.h"
#include "resolver.h"
#include "run_suite.h"

#define ADDRESS 0xc6336407 /* 198.51.100.7 */

static struct loop *loop;
static struct resolver *resolver;
static struct conf conf;
static struct conf_resolver place;
static int server;
static unsigned answers, failures;
static ip4_t answered;

static void
on_answer(void *arg, const char *name, const ip4_t *addrs, size_t n, uint32_t ttl_s)
{
	(void)arg;
	(void)ttl_s;
	ck_assert_str_eq(name, "www.example.com");
	answered = n > 0 ? addrs[0] : 0;
	answers++;
}

static void
on_failure(void *arg, const char *name)
{
	(void)arg;
	ck_assert_str_eq(name, "www.example.com");
	failures++;
}

static void
setup(void)
{
	const struct resolver_events events = { on_answer, on_failure, NULL };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	log_init("check_resolver", LOG_TO_NONE, LOG_LVL_ERROR, false);
	server = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&at, &len), 0);
	place = (struct conf_resolver){ INADDR_LOOPBACK, ntohs(at.sin_port) };
	conf = (struct conf){ .resolvers = &place, .n_resolvers = 1 };
	answers = failures = 0;
	loop = loop_new();
	resolver = resolver_new(loop, &conf, &events);
}

static void
teardown(void)
{
	resolver_free(resolver);
	loop_free(loop);
	close(server);
}

/* The question comes back with one address behind it. */
static void
serve(void)
{
	static const uint8_t flags_and_counts[] = { 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0 };
	static const uint8_t address[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 7 };
	uint8_t message[512 + sizeof(address)] = { 0 };
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(server, message, 512, 0, (struct sockaddr *)&from, &from_len);
	size_t len = 12 + strlen((const char *)message + 12) + 1 + 4; /* the header, the name, its type and class */

	ck_assert_int_ge(n, (ssize_t)len);
	memcpy(message + 2, flags_and_counts, sizeof(flags_and_counts));
	memcpy(message + len, address, sizeof(address));
	len += sizeof(address);
	ck_assert_int_eq(sendto(server, message, len, 0, (struct sockaddr *)&from, from_len), (ssize_t)len);
}

START_TEST(an_answer)
{
	resolver_look_up(resolver, "www.example.com");
	serve();
	while (answers + failures == 0)
		loop_once(loop, true);
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(answered, ADDRESS);
}
END_TEST

START_TEST(other_servers)
{
	resolver_look_up(resolver, "www.example.com");
	resolver_set_conf(resolver, &conf);
	ck_assert_uint_eq(failures, 1);
	resolver_look_up(resolver, "www.example.com");
	serve(); /* the first question, which nobody has any more */
	serve();
	while (answers == 0)
		loop_once(loop, true);
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(failures, 1);
}
END_TEST

static void
on_reload(int fd, void *arg)
{
	char byte;

	(void)arg;
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	resolver_set_conf(resolver, &conf);
}

/* A reload in the turn of the loop in which the answer came: libevent has it in hand, and gives it to us later. */
START_TEST(other_servers_with_an_answer_in_hand)
{
	int reload[2];

	ck_assert_int_eq(pipe(reload), 0);
	struct loop_event *event = loop_readable(loop, reload[0], on_reload, NULL);
	resolver_look_up(resolver, "www.example.com");
	serve();
	ck_assert_int_eq(write(reload[1], "r", 1), 1);
	for (int i = 0; i < 5; i++)
		loop_once(loop, false);
	ck_assert_uint_eq(answers + failures, 1);
	loop_event_free(event);
	close(reload[0]);
	close(reload[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tc = tcase_create("resolver");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_answer);
	tcase_add_test(tc, other_servers);
	tcase_add_test(tc, other_servers_with_an_answer_in_hand);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
