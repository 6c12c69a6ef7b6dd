/* rsipd's commands over a real socket: the documents that users' programs rely on, member by member, and the operator's
 * power over leases. */
#include "config.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_server.h"
#include "loop.h"
#include "registration.h"
#include "run_suite.h"
#include "small_gateway.h"

static struct small_gateway g;
static struct loop *loop;
static struct ctl_server *server;
static int listen_fd, fd;

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	small_gateway_start(&g);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", g.fixture.dir);
	ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(listen_fd, 1), 0);
	loop = loop_new();
	server = ctl_serve(loop, listen_fd, &g.gw);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(unlink(sun.sun_path), 0);
}

static void
teardown(void)
{
	ctl_server_free(server);
	loop_free(loop);
	close(listen_fd);
	close(fd);
	small_gateway_end(&g);
}

static void
say(const char *request)
{
	ck_assert_int_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	ck_assert_int_eq(send(fd, "\n", 1, 0), 1);
}

/* The next answer, turning the loop meanwhile; the caller frees it. */
static json_t *
hear(void)
{
	static char text[1 << 20];
	size_t len = 0;
	json_t *answer;

	for (int turns = 0; turns < 10000 && (len == 0 || text[len - 1] != '\n'); turns++) {
		ssize_t n;

		loop_once(loop, false);
		n = recv(fd, text + len, sizeof(text) - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
		if (n < 0 && turns > 100)
			usleep(1000); /* a thread of the store's is at it */
	}
	ck_assert_ptr_nonnull(answer = json_loadb(text, len, 0, NULL));
	return answer;
}

static json_t *
ask(const char *request)
{
	say(request);
	return hear();
}

static json_t *
result(const char *request)
{
	json_t *answer = ask(request), *document = json_object_get(answer, "result");

	ck_assert_msg(json_is_true(json_object_get(answer, "ok")), "%s", request);
	json_incref(document);
	json_decref(answer);
	return document;
}

static void
refused(const char *request, const char *reason)
{
	json_t *answer = ask(request);
	const char *error = json_string_value(json_object_get(answer, "error"));

	ck_assert_msg(error != NULL && strstr(error, reason) != NULL, "%s: %s", request, error);
	json_decref(answer);
}

/* One value of a document as compact JSON, by a path such as "0.ports.0". Static. */
static const char *
at(json_t *document, const char *path)
{
	static char text[4096];
	char *dump;

	for (size_t len; *path != '\0'; path += len + (path[len] == '.')) {
		char name[64];

		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		document = json_is_array(document) ? json_array_get(document, (size_t)atoi(name))
		                                   : json_object_get(document, name);
	}
	if (document == NULL)
		return "(nothing)";
	dump = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	return text;
}

#define IS(document, path, json) ck_assert_str_eq(at(document, path), json)

START_TEST(status)
{
	json_t *doc = result("{\"cmd\":\"status\"}");

	IS(doc, "version", "\"" PACKAGE_VERSION "\"");
	IS(doc, "uptime_s", "90");
	IS(doc, "data_plane", "\"relay\"");
	IS(doc, "data_plane_detail", "\"the config says so\"");
	IS(doc, "hosts", "2");
	IS(doc, "bindings", "3");
	ck_assert_uint_eq(json_array_size(json_object_get(doc, "pools")), 2);
	IS(doc, "pools.0.name", "\"shared\"");
	IS(doc, "pools.0.methods", "[\"rsap-ip\",\"rsipsec\"]");
	IS(doc, "pools.0.addresses", "19");
	IS(doc, "pools.0.ports_leased", "64");
	IS(doc, "pools.0.hosts", "1");
	IS(doc, "pools.1.name", "\"whole\"");
	IS(doc, "pools.1.addresses_leased", "1");
	json_decref(doc);
}
END_TEST

START_TEST(hosts)
{
	json_t *doc = result("{\"cmd\":\"hosts\"}");
	char client_id[16];

	ck_assert_uint_eq(json_array_size(doc), 2);
	snprintf(client_id, sizeof(client_id), "%u", g.ports->session->client_id);
	IS(doc, "0.client_id", client_id);
	IS(doc, "0.address", "\"10.0.0.11\"");
	IS(doc, "0.name", "\"x1\"");
	IS(doc, "0.transport", "\"tcp\"");
	IS(doc, "0.policy", "\"default\"");
	IS(doc, "0.expires_in_s", "7200");
	IS(doc, "0.bindings", "2");
	IS(doc, "1.address", "\"10.0.0.77\"");
	IS(doc, "1.name", "null");
	IS(doc, "1.transport", "\"udp\"");
	IS(doc, "1.policy", "\"office\"");
	IS(doc, "1.bindings", "1");
	json_decref(doc);
}
END_TEST

START_TEST(bindings)
{
	json_t *doc = result("{\"cmd\":\"bindings\"}");
	char golden[80];

	ck_assert_uint_eq(json_array_size(doc), 3);
	snprintf(golden, sizeof(golden), "%u", g.ports->bind_id);
	IS(doc, "0.bind_id", golden);
	snprintf(golden, sizeof(golden), "%u", g.ports->session->client_id);
	IS(doc, "0.client_id", golden);
	IS(doc, "0.host", "\"10.0.0.11\"");
	IS(doc, "0.method", "\"rsap-ip\"");
	IS(doc, "0.address", "\"203.0.113.8\"");
	snprintf(golden, sizeof(golden), "[[%d,%d]]", binding_ports(g.ports)[0].first, binding_ports(g.ports)[0].last);
	IS(doc, "0.ports", golden);
	IS(doc, "0.spis", "[]");
	IS(doc, "0.cookie", "null");
	IS(doc, "0.remote", "null");
	IS(doc, "0.tunnel", "\"gre\"");
	IS(doc, "0.expires_in_s", "3600");

	IS(doc, "1.method", "\"rsipsec\"");
	snprintf(golden, sizeof(golden), "[[\"0x%08x\",\"0x%08x\"]]", binding_spis(g.ipsec)[0].first, binding_spis(g.ipsec)[0].last);
	IS(doc, "1.spis", golden);
	snprintf(golden, sizeof(golden), "{\"value\":\"0x%016llx\",\"mask\":\"0xffff000000000000\"}",
	    (unsigned long long)binding_terms(g.ipsec)->cookie_value);
	IS(doc, "1.cookie", golden);
	IS(doc, "1.expires_in_s", "1800");

	IS(doc, "2.host", "\"10.0.0.77\"");
	IS(doc, "2.method", "\"rsa-ip\"");
	IS(doc, "2.address", "\"203.0.113.64\"");
	IS(doc, "2.ports", "[]");
	IS(doc, "2.spis", "[]");
	IS(doc, "2.tunnel", "\"ip-ip\"");
	IS(doc, "2.expires_in_s", "28800");
	json_decref(doc);
}
END_TEST

/* What trace and replay ask for beside what people read. */
START_TEST(the_data_plane_is_told)
{
	json_t *doc = result("{\"cmd\":\"data-plane\"}");

	IS(doc, "data_plane", "\"relay\"");
	IS(doc, "relay_io", "\"auto\"");
	IS(doc, "mss_clamp", "false");
	ck_assert_uint_eq(json_array_size(json_object_get(doc, "pools")), 4);
	IS(doc, "pools.1", "{\"first\":\"203.0.113.20\",\"last\":\"203.0.113.30\",\"ike_ports\":[500,4500],\"own\":false,"
	    "\"shared\":true,\"upstream\":false}");
	IS(doc, "pools.2.shared", "false");
	IS(doc, "pools.3", "{\"first\":\"203.0.113.9\",\"last\":\"203.0.113.9\",\"ike_ports\":[500,4500],\"own\":true,"
	    "\"shared\":true,\"upstream\":false}");
	json_decref(doc);
	g.changes = 12;
	doc = result("{\"cmd\":\"changes\"}");
	ck_assert_int_eq(json_integer_value(doc), 12);
	json_decref(doc);
}
END_TEST

START_TEST(learned_cookies_are_shown)
{
	const struct dp_claim claim = { DP_CLAIMED, g.ipsec->bind_id, g.ipsec->local_addr, small_ip("192.0.2.7"), 0xfeed };
	json_t *doc;

	claims_add(&g.claims, &claim);
	doc = result("{\"cmd\":\"bindings\"}");
	IS(doc, "0.claims", "[]");
	IS(doc, "0.max_claims", "0");
	IS(doc, "1.gateway", "\"10.0.0.1\"");
	IS(doc, "1.max_claims", "16");
	IS(doc, "1.claims", "[{\"cookie\":\"0x000000000000feed\",\"peer\":\"192.0.2.7\"}]");
	json_decref(doc);
}
END_TEST

START_TEST(remote_policy_is_shown)
{
	struct port_range remote_ports = { 80, 80 };
	json_t *doc;

	binding_own_terms(g.ports)->remote_addr = small_ip("198.51.100.7");
	doc = result("{\"cmd\":\"bindings\"}");
	IS(doc, "0.remote", "{\"address\":\"198.51.100.7\",\"ports\":[]}");
	json_decref(doc);
	g.ports->n_ports = 0; /* its room is that of the remote ports */
	g.ports->n_remote_ports = 1;
	binding_remote_ports(g.ports)[0] = remote_ports;
	doc = result("{\"cmd\":\"bindings\"}");
	IS(doc, "0.remote", "{\"address\":\"198.51.100.7\",\"ports\":[[80,80]]}");
	json_decref(doc);
	g.ports->n_remote_ports = 0;
}
END_TEST

START_TEST(pools)
{
	json_t *doc = result("{\"cmd\":\"pools\"}");

	ck_assert_uint_eq(json_array_size(doc), 8 + 11 + 16);
	IS(doc, "0.name", "\"shared\"");
	IS(doc, "0.address", "\"203.0.113.8\"");
	IS(doc, "0.ports_total", "64511"); /* 1024-65535 without 4500 */
	IS(doc, "0.ports_leased", "64");
	IS(doc, "0.ports_held", "0");
	IS(doc, "0.spis_leased", "16");
	IS(doc, "0.cookies_leased", "1");
	IS(doc, "0.hosts", "1");
	IS(doc, "1.address", "\"203.0.113.9\"");
	IS(doc, "1.ports_total", "64511");
	IS(doc, "1.ports_leased", "0");
	IS(doc, "18.address", "\"203.0.113.30\"");
	IS(doc, "19.name", "\"whole\"");
	IS(doc, "19.address", "\"203.0.113.64\"");
	IS(doc, "19.leased_whole", "true");
	IS(doc, "19.hosts", "1");
	IS(doc, "20.leased_whole", "false");
	json_decref(doc);
}
END_TEST

START_TEST(stats)
{
	json_t *doc, *drops;

	stats_request(&g.stats, RSIP_ASSIGN_REQUEST_RSAP_IP);
	stats_request(&g.stats, 77);
	stats_request(&g.stats, -1);
	stats_response(&g.stats, RSIP_ERROR_RESPONSE);
	stats_error(&g.stats, RSIP_REGISTER_FIRST);
	g.stats.duplicates = 5;
	g.data.in_packets = 6;
	g.data.in_bytes = 7;
	g.data.out_packets = 8;
	g.data.out_bytes = UINT64_C(9007199254740993);
	g.data.drops[DP_DROP_LOCAL_SPI] = 10;
	doc = result("{\"cmd\":\"stats\"}");
	IS(doc, "control.requests.ASSIGN_REQUEST_RSAP-IP", "1");
	IS(doc, "control.requests.REGISTER_REQUEST", "0");
	IS(doc, "control.requests.UNKNOWN", "2");
	IS(doc, "control.requests.ERROR_RESPONSE", "(nothing)");
	IS(doc, "control.responses.ERROR_RESPONSE", "1");
	IS(doc, "control.errors.REGISTER_FIRST", "1");
	IS(doc, "control.duplicates", "5");
	IS(doc, "control.open_connections", "0");
	IS(doc, "data.in_packets", "6");
	IS(doc, "data.in_bytes", "7");
	IS(doc, "data.out_packets", "8");
	IS(doc, "data.out_bytes", "9007199254740993");
	IS(doc, "data.drops.local_spi_unallowed", "10");
	IS(doc, "data.xdp", "{}");
	drops = json_object_get(json_object_get(doc, "data"), "drops");
	ck_assert_uint_eq(json_object_size(drops), DP_DROP_COUNT);
	ck_assert(json_is_object(json_object_get(json_object_get(doc, "data"), "relay")));
	json_decref(doc);
}
END_TEST

static size_t
count(const char *cmd, const char *match)
{
	char request[128];
	json_t *doc;
	size_t n;

	snprintf(request, sizeof(request), "{\"cmd\":\"%s\",\"match\":\"%s\"}", cmd, match);
	doc = result(request);
	n = json_array_size(doc);
	json_decref(doc);
	return n;
}

START_TEST(matches)
{
	char id[16];

	ck_assert_uint_eq(count("bindings", "10.0.0.11"), 2);
	ck_assert_uint_eq(count("bindings", "203.0.113.64"), 1);
	ck_assert_uint_eq(count("bindings", "192.0.2.1"), 0);
	ck_assert_uint_eq(count("hosts", "10.0.0.77"), 1);
	ck_assert_uint_eq(count("hosts", "10.0.0.78"), 0);
	snprintf(id, sizeof(id), "%u", g.ipsec->bind_id);
	ck_assert_uint_eq(count("bindings", id), 1);
	snprintf(id, sizeof(id), "0x%x", g.whole->session->client_id);
	ck_assert_uint_eq(count("hosts", id), 1);
	refused("{\"cmd\":\"bindings\",\"match\":\"x1\"}", "neither an IPv4 address nor an ID");
	refused("{\"cmd\":\"bindings\",\"match\":\"-1\"}", "neither");
	refused("{\"cmd\":\"bindings\",\"match\":\"0\"}", "neither");
	refused("{\"cmd\":\"bindings\",\"match\":\"\"}", "neither");
	refused("{\"cmd\":\"hosts\",\"match\":\"4294967296\"}", "neither");
	refused("{\"cmd\":\"hosts\",\"match\":[]}", "neither");
}
END_TEST

/* {"cmd":cmd,"id":id} */
static const char *
by_id(const char *cmd, long long id)
{
	static char request[64];

	snprintf(request, sizeof(request), "{\"cmd\":\"%s\",\"id\":%lld}", cmd, id);
	return request;
}

START_TEST(free_tells_host_and_data_plane)
{
	uint32_t bind_id = g.ports->bind_id;

	json_decref(result(by_id("free", bind_id)));
	ck_assert_uint_eq(g.fixture.bindings_ended, 1);
	fixture_check(&g.fixture); /* the data plane is in step */
	ck_assert_uint_eq(count("bindings", "10.0.0.11"), 1);
	refused(by_id("free", bind_id), "no binding has this ID");
	refused(by_id("free", 0), "no binding has this ID");
	refused(by_id("free", -1), "no binding has this ID");
	refused(by_id("free", 1LL << 33), "no binding has this ID");
	refused("{\"cmd\":\"free\"}", "no binding has this ID");
}
END_TEST

START_TEST(deregister_tells_host_and_data_plane)
{
	uint32_t client_id = g.ports->session->client_id;

	json_decref(result(by_id("deregister", client_id)));
	ck_assert_uint_eq(g.fixture.sessions_ended, 1);
	fixture_check(&g.fixture);
	ck_assert_uint_eq(count("bindings", "10.0.0.11"), 0);
	ck_assert_uint_eq(count("hosts", "10.0.0.11"), 0);
	refused(by_id("deregister", client_id), "no host has this client ID");
}
END_TEST

START_TEST(a_failing_store_is_told)
{
	g.commit_fails = true;
	refused(by_id("free", g.ports->bind_id), "cannot be written");
}
END_TEST

/* Asks for more hosts than fit into one chunk and the socket, and leaves their list half written. */
static void
begin_long_list(void)
{
	for (uint32_t i = 1; i <= 3000; i++)
		registration_begin(&g.fixture.ledger, small_ip("10.0.0.100") + i, small_ip("10.0.0.1"), RSIP_UDP, NULL, NULL, 0);
	ck_assert(store_commit(g.fixture.store));
	say("{\"cmd\":\"hosts\"}");
	for (int i = 0; i < 10; i++)
		loop_once(loop, false);
}

static size_t
end_long_list(void)
{
	json_t *answer = hear();
	size_t n = json_array_size(json_object_get(answer, "result"));

	ck_assert(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	return n;
}

START_TEST(a_list_that_changes_while_it_is_read)
{
	size_t n;

	begin_long_list();
	for (uint32_t i = 1; i <= 3000; i += 2)
		registration_end(&g.fixture.ledger, session_find(&g.fixture.ledger.sessions, small_ip("10.0.0.100") + i),
		    LEASE_FREED);
	n = end_long_list();
	ck_assert_uint_ge(n, 1502);
	ck_assert_uint_lt(n, 3002);
	say("{\"cmd\":\"hosts\"}");
	ck_assert_uint_eq(end_long_list(), 1502);
}
END_TEST

/* After a commit that failed the ledger is loaded anew: a list on its way goes on with the hosts that are there then. */
START_TEST(a_list_whose_ledger_is_loaded_anew)
{
	begin_long_list();
	fixture_restart(&g.fixture);
	ck_assert_uint_eq(end_long_list(), 3002);
	say("{\"cmd\":\"hosts\"}");
	ck_assert_uint_eq(end_long_list(), 3002);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl");
	TCase *tc = tcase_create("ctl");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, status);
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, bindings);
	tcase_add_test(tc, the_data_plane_is_told);
	tcase_add_test(tc, learned_cookies_are_shown);
	tcase_add_test(tc, remote_policy_is_shown);
	tcase_add_test(tc, pools);
	tcase_add_test(tc, stats);
	tcase_add_test(tc, matches);
	tcase_add_test(tc, free_tells_host_and_data_plane);
	tcase_add_test(tc, deregister_tells_host_and_data_plane);
	tcase_add_test(tc, a_failing_store_is_told);
	tcase_add_test(tc, a_list_that_changes_while_it_is_read);
	tcase_add_test(tc, a_list_whose_ledger_is_loaded_anew);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
