/* From which address packets leave by table main: in a network namespace of its own. */
#include "config.h"

#include <check.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "netlink.h"
#include "own_network.h"
#include "run_suite.h"

static struct netlink *nl;
static struct netlink_ways *ways;

static void
setup(void)
{
	ck_assert(ip("link add one type veth peer name two"));
	ck_assert(ip("link set one up"));
	ck_assert(ip("link set two up"));
	ck_assert(ip("addr add 192.0.2.1/24 dev one"));
	ck_assert(ip("addr add 203.0.113.1/24 dev one"));
	ck_assert(ip("addr add 198.51.100.1/24 dev two"));
	ck_assert_ptr_nonnull(nl = netlink_open());
}

static void
teardown(void)
{
	netlink_ways_free(ways);
	ways = NULL;
	netlink_close(nl);
	ip("link del one");
	ip("route flush table main"); /* one that leads nowhere has no device to go with */
}

static void
look(void)
{
	netlink_ways_free(ways);
	ck_assert_ptr_nonnull(ways = netlink_ways_read(nl));
}

static void
leaves_from(const char *dst, const char *expected)
{
	char text[IP4_STRLEN];
	ip4_t to, from;

	ck_assert(ip4_parse(dst, &to));
	from = netlink_ways_source(ways, to);
	ck_assert_msg(from != 0 || expected[0] == '\0', "no way to %s", dst);
	ck_assert_str_eq(from != 0 ? ip4_str(from, text) : "", expected);
}

START_TEST(nowhere)
{
	look();
	leaves_from("10.0.0.1", "");
}
END_TEST

/* The address of the network that the next hop is in, on the device. */
START_TEST(on_the_link)
{
	look();
	leaves_from("192.0.2.9", "192.0.2.1");
	leaves_from("203.0.113.9", "203.0.113.1");
	leaves_from("198.51.100.9", "198.51.100.1");
}
END_TEST

START_TEST(the_longest_prefix)
{
	ck_assert(ip("route add default via 203.0.113.254"));
	ck_assert(ip("route add 10.0.0.0/8 via 198.51.100.254"));
	ck_assert(ip("route add 10.1.0.0/16 via 192.0.2.254"));
	ck_assert(ip("route add 10.1.2.3/32 via 198.51.100.254"));
	look();
	leaves_from("11.0.0.1", "203.0.113.1");
	leaves_from("10.2.0.1", "198.51.100.1");
	leaves_from("10.1.2.4", "192.0.2.1");
	leaves_from("10.1.2.3", "198.51.100.1");
	leaves_from("255.255.255.254", "203.0.113.1");
}
END_TEST

START_TEST(the_lowest_metric)
{
	ck_assert(ip("route add default via 192.0.2.254 metric 20"));
	ck_assert(ip("route add default via 198.51.100.254 metric 10"));
	ck_assert(ip("route add default via 203.0.113.254 metric 30"));
	look();
	leaves_from("10.0.0.1", "198.51.100.1");
	ck_assert(ip("route del default metric 10"));
	leaves_from("10.0.0.1", "198.51.100.1"); /* as it was */
	look();
	leaves_from("10.0.0.1", "192.0.2.1");
}
END_TEST

START_TEST(a_preferred_source)
{
	ck_assert(ip("route add default via 192.0.2.254 src 198.51.100.1"));
	look();
	leaves_from("10.0.0.1", "198.51.100.1");
}
END_TEST

/* Another table, and a route that leads nowhere. */
START_TEST(passed_over)
{
	ck_assert(ip("route add 10.1.0.0/16 via 198.51.100.254 table 220"));
	ck_assert(ip("route add blackhole 10.2.0.0/16"));
	ck_assert(ip("route add default via 192.0.2.254"));
	look();
	leaves_from("10.1.0.1", "192.0.2.1");
	leaves_from("10.2.0.1", "192.0.2.1");
}
END_TEST

START_TEST(many_routes)
{
	char words[64], dst[sizeof("10.4294967295.77.1")];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(words, sizeof(words), "route add 10.%u.0.0/16 via %s", i, i % 2 == 0 ? "192.0.2.254" : "198.51.100.254");
		ck_assert(ip(words));
	}
	look();
	for (unsigned i = 0; i < 100; i++) {
		snprintf(dst, sizeof(dst), "10.%u.77.1", i);
		leaves_from(dst, i % 2 == 0 ? "192.0.2.1" : "198.51.100.1");
	}
	leaves_from("10.100.0.1", "");
}
END_TEST

START_TEST(whose_address)
{
	look();
	ck_assert_uint_eq(netlink_ways_device(ways, 0xc0000201), if_nametoindex("one"));
	ck_assert_uint_eq(netlink_ways_device(ways, 0xc6336401), if_nametoindex("two"));
	ck_assert_uint_eq(netlink_ways_device(ways, 0xc6336402), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("netlink_ways");
	TCase *all = tcase_create("ways");

	if (!own_network())
		return 77;
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, nowhere);
	tcase_add_test(all, on_the_link);
	tcase_add_test(all, the_longest_prefix);
	tcase_add_test(all, the_lowest_metric);
	tcase_add_test(all, a_preferred_source);
	tcase_add_test(all, passed_over);
	tcase_add_test(all, many_routes);
	tcase_add_test(all, whose_address);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
