/* `rsipctl check`: every invariant of the design's section on leases is broken on purpose, in memory, in the database and
 * in the relay's tables, and named; and nothing is while leases come and go. The data plane is the relay's own tables
 * behind a socket. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "addr_table.h"
#include "audit.h"
#include "clock.h"
#include "demux.h"
#include "dp_client.h"
#include "dp_server.h"
#include "expire.h"
#include "gateway.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "loop.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"

static const char conf_text[] =
    "pool \"a\" { addresses = { \"203.0.113.8-203.0.113.11\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  ports = \"1000-1999\" ike-ports = { 500 } spis = \"0x1000-0x1fff\" }\n"
    "pool \"w\" { addresses = { \"203.0.113.64-203.0.113.65\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"w\" } registration = \"10m\" lease = \"5m\" max-lease = \"20m\" hold-down = \"2m\" }\n"
    "host \"10.0.0.0/24\" { policy = \"p\" }\n";

enum { HOST = 0x0a00000a, OTHER = 0x0a00000b };

static struct fixture f;
static struct loop *loop;
static struct dp_client *dp;
static struct demux *demux;
static struct dp_server *relay;
static struct gateway gw;
static json_t *report;
static unsigned n_working;
static struct binding *ports, *ipsec, *whole; /* of HOST, OTHER, HOST */

static void
ignore_learned(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

static void
ignore_host(struct demux_host *host, void *arg)
{
	(void)host;
	(void)arg;
}

static void
ignore_violation(void *arg, const struct dp_violation *v)
{
	(void)arg;
	(void)v;
}

static void
start_relay(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	demux = demux_new(&(struct demux_events){ ignore_learned, ignore_host, NULL });
	relay = dp_server_new(demux);
	dp_server_connect(relay, pair[1]);
	dp_client_connect(dp, pair[0]);
}

static void
turn(void)
{
	loop_once(loop, false);
	dp_server_poll(relay, clock_now());
}

/* Until the relay has heard of all. */
static void
settle(void)
{
	ck_assert(store_commit(f.store));
	for (int i = 0; i < 20; i++)
		turn();
}

static struct binding *
grant(ip4_t host, struct lease_request req)
{
	struct session *s = session_find(&f.ledger.sessions, host);
	struct binding *b = NULL;
	struct refusal why;

	if (s == NULL)
		s = registration_begin(&f.ledger, host, 0x0a000001, RSIP_UDP, NULL, NULL, 0);
	return lease_grant(&f.ledger, s, &req, &b, &why) == RSIP_OK ? b : NULL;
}

static struct lease_request
want(enum rsip_method method)
{
	struct lease_request req = { .method = method, .addr_intent = POOL_ANY };

	if (method == RSIP_METHOD_RSAP_IP) {
		req.port_intent = POOL_ANY;
		req.n_ports = 4;
	} else if (method == RSIP_METHOD_RSIPSEC) {
		req.spi_intent = req.cookie_intent = POOL_ANY;
		req.n_spis = 4;
		req.cookie_mask = 0xffff000000000000;
		req.ike_listener = 0x08080808;
	}
	return req;
}

static void
setup(void)
{
	random_seed(1);
	fixture_start(&f, conf_text);
	loop = loop_new();
	dp = dp_client_new(loop, &f.ledger.bindings, f.conf, NULL, 0,
	                   &(struct dp_client_events){ ignore_violation, NULL });
	start_relay();
	f.ledger.dataplane = dp_client_ops(dp);
	gw = (struct gateway){ .store = f.store, .ledger = &f.ledger, .loop = loop, .dp = dp };
	ports = grant(HOST, want(RSIP_METHOD_RSAP_IP));
	ipsec = grant(OTHER, want(RSIP_METHOD_RSIPSEC));
	whole = grant(HOST, want(RSIP_METHOD_RSA_IP));
	lease_end(&f.ledger, grant(OTHER, want(RSIP_METHOD_RSAP_IP)), LEASE_FREED);
	settle();
}

static void
teardown(void)
{
	json_decref(report);
	report = NULL;
	dp_client_free(dp);
	dp_server_free(relay);
	demux_free(demux);
	loop_free(loop);
	fixture_end(&f);
}

/* --- the check itself --- */

static void
on_done(json_t *document, void *arg)
{
	bool *done = arg;

	json_decref(report);
	report = document;
	*done = true;
}

static void
on_working(void *arg)
{
	(void)arg;
	n_working++;
}

static void
check_while(void (*meanwhile)(void))
{
	bool done = false;

	audit_start(&gw, &(struct audit_events){ on_done, on_working, &done });
	while (!done) {
		turn();
		if (meanwhile != NULL)
			meanwhile();
	}
	ck_assert_ptr_nonnull(report);
}

static char *
report_text(void)
{
	static char text[20000];
	char *json = json_dumps(report, JSON_INDENT(1));

	snprintf(text, sizeof(text), "%s", json);
	free(json);
	return text;
}

static void
must_be_well(void)
{
	check_while(NULL);
	ck_assert_msg(json_is_true(json_object_get(report, "ok")), "%s", report_text());
	ck_assert_uint_eq(json_array_size(json_object_get(report, "findings")), 0);
}

/* The invariant is named, and something that has these words is said of it. */
static void
must_find(int invariant, const char *words)
{
	const json_t *finding;
	size_t i;

	check_while(NULL);
	ck_assert(json_is_false(json_object_get(report, "ok")));
	json_array_foreach(json_object_get(report, "findings"), i, finding) {
		const char *what = json_string_value(json_object_get(finding, "what"));
		if (json_integer_value(json_object_get(finding, "invariant")) == invariant && strstr(what, words) != NULL) {
			ck_assert_uint_gt(strlen(json_string_value(json_object_get(finding, "do"))), 10);
			return;
		}
	}
	ck_abort_msg("nothing of invariant %d with \"%s\" in %s", invariant, words, report_text());
}

static long long
checked(const char *what)
{
	return json_integer_value(json_object_get(json_object_get(report, "checked"), what));
}

START_TEST(all_is_well)
{
	must_be_well();
	ck_assert_int_eq(checked("hosts"), 2);
	ck_assert_int_eq(checked("bindings"), 3);
	ck_assert_int_eq(checked("data_plane_bindings"), 3);
	ck_assert_int_ge(checked("addresses"), 2);
	/* 2 registrations, 3 bindings, 3 bindings with tuples, 1 hold */
	ck_assert_int_eq(checked("rows"), 9);
}
END_TEST

/* --- memory --- */

START_TEST(one_port_of_two_bindings)
{
	struct binding *b = grant(OTHER, want(RSIP_METHOD_RSAP_IP));

	binding_ports(b)[0] = binding_ports(ports)[0];
	must_find(1, "both lease port");
}
END_TEST

START_TEST(one_spi_of_two_bindings)
{
	struct lease_request req = want(RSIP_METHOD_RSIPSEC);
	struct binding *b;

	req.addr_intent = POOL_NAMED;
	req.addr = ipsec->local_addr;
	req.ike_listener = 0;
	b = grant(HOST, req);
	binding_spis(b)[0] = binding_spis(ipsec)[0];
	must_find(1, "both lease spi");
}
END_TEST

START_TEST(leased_in_quarantine)
{
	pool_release(f.ledger.pool, ports, true);
	ck_assert_ptr_nonnull(pool_hold(f.ledger.pool, binding_tuple(ports, 0), OTHER, clock_now() + 1000));
	must_find(2, "which is in quarantine");
	must_find(1, "again");
}
END_TEST

START_TEST(outlives_its_registration)
{
	ports->expires = ports->session->expires + 1;
	must_find(3, "would outlive the registration");
}
END_TEST

START_TEST(would_never_expire)
{
	expiry_remove(&f.ledger.binding_expiry, ports);
	must_find(3, "would not end in its time");
}
END_TEST

START_TEST(registration_would_never_expire)
{
	expiry_remove(&f.ledger.session_expiry, ports->session);
	must_find(3, "the registration of host 10.0.0.10 would not end");
}
END_TEST

START_TEST(lost_to_the_pool)
{
	struct binding *b = binding_new(1, 0, 0);

	b->method = RSIP_METHOD_RSAP_IP;
	b->session = ports->session;
	b->local_addr = ports->local_addr;
	binding_ports(b)[0] = (struct port_range){ 1900, 1903 };
	ck_assert(pool_restore(f.ledger.pool, b));
	must_find(6, "is lost to all hosts");
	pool_release(f.ledger.pool, b, false);
	binding_free(b);
}
END_TEST

START_TEST(charged_for_more)
{
	ports->session->n_ports++;
	must_find(7, "host 10.0.0.10 is charged for");
}
END_TEST

/* --- the database --- */

/* As a person would with sqlite3. */
static void
write_rows(const char *statement, uint32_t id)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(f.db, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, statement, -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_bind_int64(stmt, 1, id);
	ck_assert_msg(sqlite3_step(stmt) == SQLITE_DONE, "%s", sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_changes(db), 1);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* ? is a bind ID, a client ID or a number that makes it well-formed. */
static const struct { const char *statement; char of; const char *words; } rows[] = {
	{ "DELETE FROM binding WHERE bind_id = ?", 'b', "is not in the database: a restart would lose it" },
	{ "UPDATE binding SET expires = expires + 100 WHERE bind_id = ?", 'b', "100 seconds later by the database" },
	{ "UPDATE binding SET local = '203.0.113.9' || local WHERE bind_id = ?", 'b', "has another address" },
	{ "UPDATE binding SET client_id = 5 WHERE bind_id = ?", 'b', "is of client ID 5 in the database" },
	{ "DELETE FROM binding_tuple WHERE bind_id = ?", 'b', "leases 1 tuples in memory, and 0 by the database" },
	{ "UPDATE binding_tuple SET last = last + 1 WHERE bind_id = ?", 'b', "by the database, and not in memory" },
	{ "INSERT INTO history SELECT bind_id, client_id, '10.0.0.10', NULL, method, local, kind, first, last, granted, 0, 1, 'x' "
	  "FROM binding JOIN binding_tuple USING (bind_id) WHERE bind_id = ?", 'b', "has ended by the history" },
	{ "DELETE FROM registration WHERE client_id = ?", 'c', "is not in the database: a restart would lose it" },
	{ "UPDATE registration SET host = '10.9.9.9' WHERE client_id = ?", 'c', "is another one in the database" },
	{ "UPDATE registration SET expires = expires + 50 WHERE client_id = ?", 'c', "50 seconds later" },
	{ "UPDATE registration SET identity = 'another' WHERE client_id = ?", 'c', "is of another identity in the database" },
	{ "UPDATE registration SET name = 'another' WHERE client_id = ?", 'c', "has another name" },
	{ "UPDATE registration SET moved = 5 WHERE client_id = ?", 'c', "has moved at another time" },
	{ "UPDATE run SET zero_ms = zero_ms + ?", '1', "table run is not the one row" },
	{ "UPDATE run SET boot = 'another' WHERE ?", '1', "table run is not the one row" },
	{ "INSERT INTO run (boot, zero_ms, seen) VALUES ('another', ?, 0)", '1', "table run is not the one row" },
	{ "UPDATE latest SET bind_id = bind_id - ?", '1', "table latest is not the one row" },
	{ "DELETE FROM latest WHERE ?", '1', "table latest is not the one row" },
	{ "DELETE FROM quarantine WHERE ?", '1', "is not in the database: a restart would lose it" },
	{ "UPDATE quarantine SET host = '10.9.9.9' WHERE ?", '1', "for another host" },
	{ "INSERT INTO registration (client_id, host, gateway, transport, expires) VALUES (7, '10.9.9.9', '10.0.0.1', 'udp', ?)", '1',
	  "table registration has client ID 7, which is not registered" },
	{ "INSERT INTO binding SELECT 4000000000, client_id, method, tunnel, gre_key, listen, local, remote, remote_port, "
	  "expires, endpoint, granted, extensions FROM binding WHERE bind_id = ?", 'b', "table binding has bind ID 4000000000" },
	{ "INSERT INTO binding_tuple VALUES (4000000000, 'port', 1, ?)", '1', "table binding_tuple has bind ID 4000000000" },
	{ "INSERT INTO quarantine VALUES ('203.0.113.11', 'port', 1000, 1003, '10.0.0.10', ?)", '1',
	  "the database has port 1000 of 203.0.113.11 in quarantine" },
};

START_TEST(row_is_not_as_in_memory)
{
	uint32_t id = rows[_i].of == 'b' ? ports->bind_id : rows[_i].of == 'c' ? ports->session->client_id : 1;

	must_be_well();
	write_rows(rows[_i].statement, id);
	must_find(4, rows[_i].words);
}
END_TEST

/* --- the data plane --- */

static struct demux_binding *
in_relay(const struct binding *b)
{
	return demux_binding(demux, b->bind_id);
}

START_TEST(not_in_the_relay)
{
	demux_unbind(demux, ports->bind_id);
	must_find(5, "it is not in the relay's tables");
	must_find(5, "the relay has 2 bindings in its tables, and 3 are leased");
}
END_TEST

START_TEST(another_one_in_the_relay)
{
	in_relay(ipsec)->lease.gateway_addr++;
	must_find(5, "the relay's tables say something else of it");
	in_relay(ipsec)->lease.gateway_addr--;
}
END_TEST

START_TEST(does_not_lead_there)
{
	const struct binding *all[] = { ports, ipsec, whole };
	struct addr_table *t = (struct addr_table *)(uintptr_t)demux_addr(demux, all[_i]->local_addr);

	addr_table_remove(t, in_relay(all[_i]));
	must_find(5, "not all that it leases leads to it");
	addr_table_add(t, in_relay(all[_i]));
	must_be_well();
}
END_TEST

START_TEST(more_in_the_relay)
{
	struct dp_bind lease = { .op = DP_BIND, .bind_id = 99, .host_addr = HOST, .local_addr = 0xcb007141,
		                 .method = RSIP_METHOD_RSA_IP, .tunnel = RSIP_TUNNEL_IP_IP };

	demux_bind(demux, &lease, NULL, NULL, NULL, NULL);
	must_find(5, "the relay has 4 bindings");
	dp_client_resync(dp, f.conf);
	settle();
	must_be_well();
}
END_TEST

START_TEST(the_relay_is_away)
{
	bool done = false;

	dp_server_connect(relay, -1);
	for (int i = 0; i < 20; i++)
		loop_once(loop, false);
	audit_start(&gw, &(struct audit_events){ on_done, on_working, &done });
	n_working = 0;
	while (!done) {
		loop_once(loop, true);
		fixture_pass_ms(500);
	}
	ck_assert_ptr_nonnull(strstr(report_text(), "the relay is away"));
	ck_assert_uint_ge(n_working, 5);
}
END_TEST

static void
must_be_done_well(json_t *document, void *arg)
{
	bool *done = arg;

	on_done(document, done);
	ck_assert_msg(json_is_true(json_object_get(report, "ok")), "%s", report_text());
}

/* The relay answers, and slowly: by the time that it has answered the first, the second's patience with one that does not
 * would have ended. */
START_TEST(two_at_once)
{
	bool done[2] = { false, false };

	for (int i = 0; i < 2; i++)
		audit_start(&gw, &(struct audit_events){ must_be_done_well, on_working, &done[i] });
	for (int i = 1; !done[0] || !done[1]; i++) {
		loop_once(loop, true);
		fixture_pass_ms(500);
		if (i % 18 == 0)
			dp_server_poll(relay, clock_now());
	}
}
END_TEST

/* --- in service --- */

static void
change_something(void)
{
	static const enum rsip_method methods[] = { RSIP_METHOD_RSAP_IP, RSIP_METHOD_RSIPSEC, RSIP_METHOD_RSA_IP };
	struct session *s = session_find(&f.ledger.sessions, (ip4_t)(0x0a000000 + random_below(40)));
	struct refusal why;

	switch (random_below(5)) {
	case 0:
		if (s != NULL && s->bindings != NULL)
			lease_end(&f.ledger, s->bindings, LEASE_FREED);
		break;
	case 1:
		if (s != NULL && s->bindings != NULL)
			lease_extend(&f.ledger, s->bindings, (uint32_t)random_below(900), &why);
		break;
	case 2:
		fixture_pass_ms((int64_t)random_below(3000));
		expire_due(&f.ledger);
		break;
	default: grant((ip4_t)(0x0a000000 + random_below(40)), want(methods[random_below(3)])); break;
	}
	if (random_below(4) == 0)
		ck_assert(store_commit(f.store));
}

START_TEST(no_alarm_under_load)
{
	for (int i = 0; i < 500; i++)
		change_something();
	for (int i = 0; i < 60; i++) {
		check_while(change_something);
		ck_assert_msg(json_is_true(json_object_get(report, "ok")), "round %d: %s", i, report_text());
	}
}
END_TEST

START_TEST(the_ledger_is_loaded_anew)
{
	bool done = false;

	audit_start(&gw, &(struct audit_events){ on_done, on_working, &done });
	f.ledger.generation++;
	while (!done)
		turn();
	ck_assert_ptr_null(report);
	f.ledger.generation--;
}
END_TEST

START_TEST(the_client_goes)
{
	bool done = false;
	struct audit *c = audit_start(&gw, &(struct audit_events){ on_done, on_working, &done });

	turn();
	audit_cancel(c);
	settle();
	ck_assert(!done);
	must_be_well();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("check");
	TCase *tc = tcase_create("check");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_is_well);
	tcase_add_test(tc, one_port_of_two_bindings);
	tcase_add_test(tc, one_spi_of_two_bindings);
	tcase_add_test(tc, leased_in_quarantine);
	tcase_add_test(tc, outlives_its_registration);
	tcase_add_test(tc, would_never_expire);
	tcase_add_test(tc, registration_would_never_expire);
	tcase_add_test(tc, lost_to_the_pool);
	tcase_add_test(tc, charged_for_more);
	tcase_add_loop_test(tc, row_is_not_as_in_memory, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, not_in_the_relay);
	tcase_add_test(tc, another_one_in_the_relay);
	tcase_add_loop_test(tc, does_not_lead_there, 0, 3);
	tcase_add_test(tc, more_in_the_relay);
	tcase_add_test(tc, the_relay_is_away);
	tcase_add_test(tc, two_at_once);
	tcase_add_test(tc, no_alarm_under_load);
	tcase_add_test(tc, the_ledger_is_loaded_anew);
	tcase_add_test(tc, the_client_goes);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
