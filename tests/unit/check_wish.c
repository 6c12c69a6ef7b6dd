/* What the host's network should look like, read from its leases. */
#include <check.h>
#include <stdlib.h>

#include "agent_world.h"
#include "run_suite.h"
#include "wish.h"

static struct world w;
static struct wish wish;
static struct ip4_prefix everything[1], one_network[1] = { { 0xc6336400, 24 } }; /* 198.51.100.0/24 */

static void
setup(void)
{
	world_init(&w, true);
	w.conf.routes = everything;
	w.conf.n_routes = 1;
	w.leases[0].ports = 1;
}

static void
teardown(void)
{
	wish_clear(&wish);
	world_end(&w);
}

static void
lease_to(const char *name, ip4_t remote)
{
	struct conf_lease *lease = world_lease(&w, name, RSIP_METHOD_RSAP_IP);

	lease->ports = 1;
	lease->remote = remote;
}

START_TEST(routes_of_the_config)
{
	w.leases[0].ports = 4;
	world_settle(&w);
	wish_read(&wish, &w.conf, w.agent, true);
	ck_assert_uint_eq(wish.n_routes, 1);
	ck_assert_uint_eq(wish.routes[0].len, 0);
	ck_assert_uint_eq(wish.addrs[0], 0xcb007108);
	ck_assert(wish.confine);
}
END_TEST

/* RFC 3103 7.2: "the host MUST use the specified local parameters only with the remote address specified" */
START_TEST(only_remote_addresses_of_the_leases)
{
	w.leases[0].remote = 0xc6336407;
	lease_to("other", 0xc6336408);
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_MACRO);
	gw_ports_to(&w, 1, "203.0.113.8", 1024, "198.51.100.7");
	gw_ports_to(&w, 2, "203.0.113.8", 1025, "198.51.100.8");
	wish_read(&wish, &w.conf, w.agent, true);
	ck_assert_uint_eq(wish.n_routes, 2);
	ck_assert_uint_eq(wish.routes[0].addr, 0xc6336407);
	ck_assert_uint_eq(wish.routes[0].len, 32);
	ck_assert_uint_eq(wish.routes[1].addr, 0xc6336408);
}
END_TEST

/* What the config does not route is not routed for a lease's sake. */
START_TEST(within_the_routes_of_the_config)
{
	w.conf.routes = one_network;
	w.leases[0].remote = 0xc6336407;
	lease_to("other", 0xcb007207);
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_MACRO);
	gw_ports_to(&w, 1, "203.0.113.8", 1024, "198.51.100.7");
	gw_ports_to(&w, 2, "203.0.113.8", 1025, "203.0.114.7");
	wish_read(&wish, &w.conf, w.agent, true);
	ck_assert_uint_eq(wish.n_routes, 1);
	ck_assert_uint_eq(wish.routes[0].addr, 0xc6336407);
}
END_TEST

START_TEST(one_lease_for_any_peer_opens_all)
{
	w.leases[0].remote = 0xc6336407;
	lease_to("any", 0);
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports_to(&w, 1, "203.0.113.8", 1024, "198.51.100.7");
	gw_ports(&w, 2, "203.0.113.8", 1025, 1, 3600);
	wish_read(&wish, &w.conf, w.agent, true);
	ck_assert_uint_eq(wish.n_routes, 1);
	ck_assert_uint_eq(wish.routes[0].len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wish");
	TCase *tc = tcase_create("wish");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, routes_of_the_config);
	tcase_add_test(tc, only_remote_addresses_of_the_leases);
	tcase_add_test(tc, within_the_routes_of_the_config);
	tcase_add_test(tc, one_lease_for_any_peer_opens_all);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
