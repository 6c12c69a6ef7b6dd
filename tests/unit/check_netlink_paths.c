/* Being told that packets may go another way: in a network namespace of its own, whose routes, rules and neighbours are
 * changed by ip(8). */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"
#include "netlink.h"
#include "own_network.h"
#include "run_suite.h"

#define PATIENCE 500 /* turns of 10 ms for what must be told */
#define SILENCE 20   /* and for what must not */
#define TRIES 10     /* a device that came up is told of as late as a second after */

static struct loop *loop;
static struct netlink_paths *paths;
static unsigned told;
static bool plain;

static void
changed(bool by_destination, void *arg)
{
	(void)arg;
	told++;
	plain = by_destination;
}

static void
turns(unsigned n)
{
	for (unsigned before = told; n > 0 && told == before; n--) {
		loop_once(loop, false);
		usleep(10000);
	}
}

/* What is on its way already is told first. */
static void
settle(void)
{
	unsigned before;

	do {
		before = told;
		turns(SILENCE);
	} while (told != before);
}

static void
is_told(const char *words)
{
	settle();
	unsigned before = told;
	ck_assert_msg(ip(words), "ip %s", words);
	turns(PATIENCE);
	ck_assert_msg(told != before, "not told of: ip %s", words);
}

/* one and other: in turn, so that the kernel has something to say each time. */
static void
is_not_told(const char *one, const char *other)
{
	const char *words = NULL;
	bool silent = false;

	for (int i = 0; i < TRIES && !silent; i++) {
		words = i % 2 == 0 ? one : other;
		settle();
		unsigned before = told;
		ck_assert_msg(ip(words), "ip %s", words);
		turns(SILENCE);
		silent = told == before;
	}
	ck_assert_msg(silent, "told of: ip %s", words);
}

static void
setup(void)
{
	ck_assert(ip("link add one type veth peer name two"));
	ck_assert(ip("addr add 192.0.2.1/24 dev one"));
	ck_assert(ip("link set one up"));
	ck_assert(ip("link set two up"));
	ck_assert(ip("neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev one nud permanent"));
	told = 0;
	loop = loop_new();
	paths = netlink_paths(loop, changed, NULL);
	ck_assert_ptr_nonnull(paths);
	ck_assert_uint_eq(told, 1); /* before it returns */
	ck_assert(plain);
}

static void
teardown(void)
{
	netlink_paths_free(paths);
	loop_free(loop);
	ip("link del one");
}

/* The kernel says of a neighbour, again and again, that it is there; that is no news. */
START_TEST(neighbours)
{
	is_not_told("neigh change 192.0.2.9 lladdr 02:00:00:00:00:09 dev one nud noarp",
	            "neigh change 192.0.2.9 lladdr 02:00:00:00:00:09 dev one nud permanent");
	is_told("neigh change 192.0.2.9 lladdr 02:00:00:00:00:0a dev one nud permanent");
	is_not_told("neigh replace 192.0.2.8 lladdr 02:00:00:00:00:08 dev one nud permanent",
	            "neigh replace 192.0.2.8 lladdr 02:00:00:00:00:08 dev one nud noarp");
	is_told("neigh del 192.0.2.8 dev one");
	is_told("neigh del 192.0.2.9 dev one");
}
END_TEST

START_TEST(routes)
{
	is_told("route add 198.51.100.0/24 via 192.0.2.2 table 77");
	is_told("route del 198.51.100.0/24 table 77");
	is_told("addr add 192.0.2.3/24 dev one");
	is_told("link set two down");
}
END_TEST

START_TEST(rules)
{
	is_told("rule add to 198.51.100.0/24 table 77");
	ck_assert(plain);
	is_told("rule add from 192.0.2.0/24 table 77");
	ck_assert(!plain);
	is_told("rule del from 192.0.2.0/24 table 77");
	ck_assert(plain);
	is_told("rule del to 198.51.100.0/24 table 77");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("netlink_paths");
	TCase *all = tcase_create("paths");

	if (!own_network())
		return 77;
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, neighbours);
	tcase_add_test(all, routes);
	tcase_add_test(all, rules);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
