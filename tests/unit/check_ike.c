/* What IKE daemons and scripts are told of the leases. */
#include <check.h>
#include <stdlib.h>

#include "agent_world.h"
#include "ike.h"
#include "run_suite.h"

static struct world w;

static void
setup(void)
{
	world_init(&w, false);
	w.conf.device = (char *)(uintptr_t)"rsip0";
	world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC)->spis = 16;
	w.leases[1].cookie_block = true;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
}

static void
teardown(void)
{
	world_end(&w);
}

/* strongswan.conf(5): bits set in spi_mask "will be replaced with spi_label". Both are numbers whose most significant
 * byte goes first over the wire, as cookies are written everywhere here. */
START_TEST(strongswan)
{
	char *text;

	ck_assert_ptr_null(ike_strongswan(w.agent));
	gw_ipsec(&w, 2, "203.0.113.8", 0x02345670, 16, UINT64_C(0x00cdef0100000000));
	text = ike_strongswan(w.agent);
	ck_assert_str_eq(text, "# Written by rsipc while its lease lasts; removed at its end.\n"
	                       "charon {\n"
	                       "\tspi_min = 0x02345670\n"
	                       "\tspi_max = 0x0234567f\n"
	                       "\tspi_label = 0x00cdef0100000000\n"
	                       "\tspi_mask = 0xffffffff00000000\n"
	                       "}\n");
	free(text);
	w.async = true;
	gw_freed(&w, 2);
	ck_assert_ptr_null(ike_strongswan(w.agent));
}
END_TEST

START_TEST(strongswan_with_learned_cookies)
{
	char *text;

	gw_ipsec(&w, 2, "203.0.113.8", 0xd0000000, 1, 0);
	text = ike_strongswan(w.agent);
	ck_assert_str_eq(text, "# Written by rsipc while its lease lasts; removed at its end.\n"
	                       "charon {\n"
	                       "\tspi_min = 0xd0000000\n"
	                       "\tspi_max = 0xd0000000\n"
	                       "}\n");
	free(text);
}
END_TEST

START_TEST(environment)
{
	char *text = ike_environment(&w.conf, w.agent);

	ck_assert_str_eq(text, "RSIP_GATEWAY=10.0.0.1\nRSIP_DEVICE='rsip0'\nRSIP_ADDRESS=203.0.113.8\n"
	                       "RSIP_PORTS='1234-1237'\n");
	free(text);
	gw_ipsec(&w, 2, "203.0.113.8", 0x02345670, 16, UINT64_C(0x00cdef0100000000));
	text = ike_environment(&w.conf, w.agent);
	ck_assert_str_eq(text, "RSIP_GATEWAY=10.0.0.1\nRSIP_DEVICE='rsip0'\nRSIP_ADDRESS=203.0.113.8\n"
	                       "RSIP_PORTS='1234-1237'\nRSIP_IPSEC_ADDRESS=203.0.113.8\nRSIP_SPI_MIN=0x02345670\n"
	                       "RSIP_SPI_MAX=0x0234567f\nRSIP_COOKIE_VALUE=0x00cdef0100000000\n"
	                       "RSIP_COOKIE_MASK=0xffffffff00000000\n");
	free(text);
	w.async = true;
	gw_de_registered(&w, 1);
	ck_assert_ptr_null(ike_environment(&w.conf, w.agent));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ike");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, strongswan);
	tcase_add_test(tc, strongswan_with_learned_cookies);
	tcase_add_test(tc, environment);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
