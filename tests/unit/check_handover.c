/* What a gateway on the same machine is told of rsipc's leases. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_world.h"
#include "clock.h"
#include "handover.h"
#include "run_suite.h"

static struct world w;

static void
setup(void)
{
	world_init(&w, false);
	world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC)->spis = 16;
	w.leases[1].cookie_block = true;
	world_lease(&w, "own", RSIP_METHOD_RSA_IP);
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
}

static void
teardown(void)
{
	world_end(&w);
}

static void
tells(const char *want, int64_t want_left)
{
	int64_t expires;
	char *text = handover_text(w.agent, &expires);

	ck_assert_str_eq(text, want);
	if (want_left == 0)
		ck_assert_int_eq(expires, 0);
	else
		ck_assert_int_eq(expires - clock_wall(), want_left);
	free(text);
}

#define HEAD "# Written by rsipc for the gateway on this machine; removed when rsipc ends.\n"

START_TEST(all_that_is_held)
{
	tells(HEAD, 0);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	tells(HEAD "address = \"203.0.113.8\"\nports = { \"1234-1237\" }\n", 3600);
	gw_ipsec(&w, 2, "203.0.113.8", 0x10000040, 16, UINT64_C(0x5a00000000000000));
	gw_whole(&w, 3, "203.0.113.64", 60);
	tells(HEAD "address = \"203.0.113.8\"\nports = { \"1234-1237\" }\nspis = { \"0x10000040-0x1000004f\" }\n"
	           "cookies = \"0x5a00000000000000/32\"\nwhole = { \"203.0.113.64\" }\n", 60);
}
END_TEST

/* What lies on another address than the rest is not told: the pool has one. */
START_TEST(one_shared_address)
{
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	gw_ipsec(&w, 2, "203.0.113.9", 0x10000040, 16, UINT64_C(0x5a00000000000000));
	tells(HEAD "address = \"203.0.113.8\"\nports = { \"1234-1237\" }\n", 3600);
}
END_TEST

/* The file is as it is until something other than the reading of the clock has changed: each change is a reload. */
START_TEST(the_file_changes_with_the_leases_only)
{
	char path[] = "/tmp/rsip-handover-XXXXXX", text[100] = "";
	struct stat before, after;
	FILE *f;

	close(mkstemp(path));
	handover_put(path, "address = \"203.0.113.8\"\n", 1000);
	ck_assert_int_eq(stat(path, &before), 0);
	handover_put(path, "address = \"203.0.113.8\"\n", 1002);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	handover_put(path, "address = \"203.0.113.8\"\n", 2000);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	f = fopen(path, "r");
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	ck_assert_str_eq(text, "address = \"203.0.113.8\"\nexpires = \"2000\"\n");
	unlink(path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tc = tcase_create("handover");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_that_is_held);
	tcase_add_test(tc, one_shared_address);
	tcase_add_test(tc, the_file_changes_with_the_leases_only);
	return run_suite(suite);
}
