/* What the host agent remembers over its own end: written by one agent, read by the next. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_world.h"
#include "clock.h"
#include "run_suite.h"
#include "state.h"

static struct world w;
static char directory[] = "/tmp/check_rsipc_state.XXXXXX", path[64];
static struct state *state;

static void
setup(void)
{
	bool busy;

	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/rsipc.db", directory);
	world_init(&w, false);
	clock_set(w.now, 1700000000);
	state = state_open(path, &busy);
	ck_assert_ptr_nonnull(state);
}

static void
teardown(void)
{
	state_close(state);
	unlink(path);
	rmdir(directory);
}

/* A second agent, with the same config, some seconds later and after a reboot: the monotonic clock began anew. */
static void
restart(int64_t seconds)
{
	static struct world before;
	bool busy;

	state_save(state, &w.conf, w.agent);
	state_close(state);
	world_end(&w);
	before = w;
	world_init(&w, false);
	w.conf.n_leases = before.conf.n_leases;
	memcpy(w.leases, before.leases, sizeof(w.leases));
	w.conf.udp = before.conf.udp;
	w.now = 5000;
	clock_set(w.now, 1700000000 + seconds);
	state = state_open(path, &busy);
	ck_assert_ptr_nonnull(state);
	world_begin(&w);
}

START_TEST(resumed)
{
	const struct lease *vpn;

	world_lease(&w, "vpn", RSIP_METHOD_RSIPSEC)->spis = 16;
	w.leases[1].cookie_block = true;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	gw_ipsec(&w, 2, "203.0.113.8", 0xf2345670, 16, UINT64_C(0xabcdef0100000000));
	restart(100);
	state_load(state, &w.conf, w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "assigned");
	ck_assert_uint_eq(agent_registration(w.agent)->client_id, 1);
	ck_assert_int_eq(agent_registration(w.agent)->expires, w.now + 7100000);
	ck_assert_uint_eq(leases_held(&w), 2);
	ck_assert_int_eq(lease_named(&w, "apps")->expires, w.now + 3500000);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.ports[0].first, 1234);
	vpn = lease_named(&w, "vpn");
	ck_assert_uint_eq(vpn->grant.spis[0].last, 0xf234567f);
	ck_assert_uint_eq(vpn->grant.cookie_value, UINT64_C(0xabcdef0100000000));
	ck_assert_uint_eq(vpn->grant.cookie_mask, UINT64_C(0xffffffff00000000));
	world_run(&w);
	host(&w, "EXTEND_REQUEST client_id=1 bind_id=1 counter=1");
	world_end(&w);
}
END_TEST

/* Without the key the tunnel would carry nothing. */
START_TEST(gre_key)
{
	w.conf.tunnel = RSIP_TUNNEL_GRE;
	w.conf.gre_key = w.key_told = UINT32_MAX;
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	restart(100);
	w.conf.tunnel = RSIP_TUNNEL_GRE;
	w.conf.gre_key = UINT32_MAX;
	state_load(state, &w.conf, w.agent);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.gre_key, UINT32_MAX);
	world_end(&w);
}
END_TEST

/* A file of version 1, which had no keys, is brought up to date. */
START_TEST(of_an_earlier_version)
{
	sqlite3 *db;
	bool busy;

	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	state_save(state, &w.conf, w.agent);
	state_close(state);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "ALTER TABLE binding DROP COLUMN gre_key; PRAGMA user_version = 1", NULL, NULL,
	    NULL), SQLITE_OK);
	sqlite3_close(db);
	state = state_open(path, &busy);
	ck_assert_ptr_nonnull(state);
	world_end(&w);
	world_init(&w, false);
	world_begin(&w);
	state_load(state, &w.conf, w.agent);
	ck_assert_uint_eq(leases_held(&w), 1);
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.gre_key, 0);
	world_end(&w);
}
END_TEST

START_TEST(too_late)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	restart(8000);
	state_load(state, &w.conf, w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	world_run(&w);
	gw_registered(&w, 2, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	w.n_seen = 1;
	host(&w, "ASSIGN_REQUEST_RSAP-IP client_id=2 local_address=203.0.113.8 local_ports=1234-1237 remote_address=any "
	         "remote_ports=any tunnels=ip-ip counter=2");
	world_end(&w);
}
END_TEST

/* A clean exit frees everything; the next start asks for the same again. */
START_TEST(stopped)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	gw_local(&w, NULL);
	agent_stop(w.agent);
	gw_de_registered(&w, 1);
	ck_assert(w.stopped);
	restart(1);
	state_load(state, &w.conf, w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	ck_assert_uint_eq(lease_named(&w, "apps")->grant.ports[0].first, 1234);
	ck_assert_int_eq(lease_named(&w, "apps")->ask, ASK_SAME);
	world_end(&w);
}
END_TEST

START_TEST(another_gateway)
{
	world_run(&w);
	gw_registered(&w, 1, 7200, RSIP_LOCAL_MACRO, RSIP_REMOTE_NONE);
	gw_ports(&w, 1, "203.0.113.8", 1234, 4, 3600);
	restart(1);
	w.conf.gateway++;
	state_load(state, &w.conf, w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	ck_assert(!lease_named(&w, "apps")->had);
	w.conf.gateway--;
	w.conf.udp = true; /* RFC 3103 5: a registration keeps to its transport */
	state_load(state, &w.conf, w.agent);
	ck_assert_str_eq(agent_state_name(w.agent), "unregistered");
	world_end(&w);
}
END_TEST

static char seen[256];

static void
see(const char *key, const char *value, void *arg)
{
	(void)arg;
	strcat(strcat(strcat(strcat(seen, key), "="), value), ";");
}

/* The first value kept is the machine's own; later ones are ours. */
START_TEST(settings)
{
	bool busy;

	state_keep_setting(state, "a/b", "1");
	state_keep_setting(state, "a/b", "2");
	state_keep_setting(state, "c", "");
	state_close(state);
	state = state_open(path, &busy);
	seen[0] = '\0';
	state_each_setting(state, see, NULL);
	ck_assert_str_eq(seen, "a/b=1;c=;");
	state_forget_settings(state);
	seen[0] = '\0';
	state_each_setting(state, see, NULL);
	ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(one_process)
{
	bool busy;

	ck_assert_ptr_null(state_open(path, &busy));
	ck_assert(busy);
}
END_TEST

/* Whoever reads the client ID can end the registration; an earlier rsipc let everybody read it. */
START_TEST(private)
{
	struct stat st;
	bool busy;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	state_close(state);
	ck_assert_int_eq(chmod(path, 0644), 0);
	state = state_open(path, &busy);
	ck_assert_ptr_nonnull(state);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(not_a_database)
{
	FILE *f;
	bool busy;

	state_close(state);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	state = state_open(path, &busy);
	ck_assert_ptr_null(state);
	ck_assert(!busy);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rsipc state");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, resumed);
	tcase_add_test(tc, too_late);
	tcase_add_test(tc, gre_key);
	tcase_add_test(tc, of_an_earlier_version);
	tcase_add_test(tc, stopped);
	tcase_add_test(tc, another_gateway);
	tcase_add_test(tc, settings);
	tcase_add_test(tc, one_process);
	tcase_add_test(tc, private);
	tcase_add_test(tc, not_a_database);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
