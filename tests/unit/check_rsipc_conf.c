/* rsipc.conf: the example is accepted with the value of every field; each fault is told with its line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "run_suite.h"

static char told[8192]; /* what was reported, one fault a line */

static void
collect(const char *line, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(strlen(told) + strlen(line) + 2, sizeof(told));
	strcat(strcat(told, line), "\n");
}

/* Parses text as a file; the temporary name in front of each fault is cut off. */
static struct conf *
parse(const char *text)
{
	char path[] = "/tmp/check_rsipc_conf.XXXXXX", shown[sizeof(told)] = "";
	int fd = mkstemp(path);
	struct conf *conf;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	told[0] = '\0';
	conf = conf_parse(path, collect, NULL);
	unlink(path);
	for (char *line = strtok(told, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		ck_assert_int_eq(strncmp(line, path, strlen(path)), 0);
		strcat(strcat(shown, line + strlen(path)), "\n");
	}
	strcpy(told, shown);
	return conf;
}

START_TEST(example)
{
	struct conf *conf;

	told[0] = '\0';
	conf = conf_parse(EXAMPLES "/rsipc.conf", collect, NULL);
	ck_assert_msg(conf != NULL, "%s", told);
	ck_assert_uint_eq(conf->gateway, 0x0a000001);
	ck_assert_uint_eq(conf->gateway_port, 4555);
	ck_assert(!conf->udp);
	ck_assert_uint_eq(conf->vendor_id, RSIP_VENDOR_ID_DEFAULT);
	ck_assert_uint_eq(conf->n_leases, 2);
	ck_assert_str_eq(conf->leases[0].name, "apps");
	ck_assert_uint_eq(conf->leases[0].method, RSIP_METHOD_RSAP_IP);
	ck_assert_uint_eq(conf->leases[0].ports, 64);
	ck_assert_uint_eq(conf->leases[0].lease_s, 0);
	ck_assert_str_eq(conf->leases[1].name, "vpn");
	ck_assert_uint_eq(conf->leases[1].method, RSIP_METHOD_RSIPSEC);
	ck_assert_uint_eq(conf->leases[1].ports, 0);
	ck_assert_uint_eq(conf->leases[1].spis, 16);
	ck_assert(conf->leases[1].cookie_block);
	ck_assert_uint_eq(conf->tunnel, RSIP_TUNNEL_IP_IP);
	ck_assert_uint_eq(conf->driver, CONF_DRIVER_AUTO);
	ck_assert_str_eq(conf->device, "rsip0");
	ck_assert_uint_eq(conf->n_routes, 1);
	ck_assert_uint_eq(conf->routes[0].len, 0);
	ck_assert_str_eq(conf->strongswan, "/etc/strongswan.d/rsip.conf");
	ck_assert_ptr_null(conf->environment);
	ck_assert_str_eq(conf->state, "/var/lib/rsip/rsipc.db");
	ck_assert_str_eq(conf->control, "/run/rsip/rsipc.sock");
	ck_assert_uint_eq(conf->log_to, LOG_TO_STDERR);
	ck_assert_uint_eq(conf->log_level, LOG_LVL_INFO);
	ck_assert(!conf->log_json);
	ck_assert_ptr_eq(conf_command_lease(conf), &conf->leases[0]);
	conf_free(conf);
}
END_TEST

/* Every option that the example leaves out. */
START_TEST(all_options)
{
	struct conf *conf = parse(
	    "gateway { address = 10.0.0.1 transport = udp port = 4556 vendor-id = 9 }\n"
	    "lease web { method = rsap-ip listen = true port = 8080 remote = 198.51.100.7 remote-port = 20 }\n"
	    "lease whole { method = rsa-ip lease-time = 30m }\n"
	    "lease vpn { method = rsipsec ports = 8 cookie = learn ike-peer = 198.51.100.9 }\n"
	    "tunnel { type = gre gre-key = 4294967295 driver = kernel device = wan9\n"
	    "  routes = { 198.51.100.0/24, 192.0.2.1 } }\n"
	    "command { resolvers = { 192.0.2.53, 192.0.2.54 } }\n"
	    "environment = /run/rsip/env\n");

	ck_assert_msg(conf != NULL, "%s", told);
	ck_assert(conf->udp);
	ck_assert_uint_eq(conf->gateway_port, 4556);
	ck_assert_uint_eq(conf->vendor_id, 9);
	ck_assert(conf->leases[0].listen);
	ck_assert_uint_eq(conf->leases[0].ports, 1);
	ck_assert_uint_eq(conf->leases[0].port, 8080);
	ck_assert_uint_eq(conf->leases[0].remote, 0xc6336407);
	ck_assert_uint_eq(conf->leases[0].remote_port, 20);
	ck_assert_uint_eq(conf->leases[1].lease_s, 1800);
	ck_assert_uint_eq(conf->leases[1].ports, 0);
	ck_assert_uint_eq(conf->leases[2].ports, 8);
	ck_assert_uint_eq(conf->leases[2].spis, 16);
	ck_assert(!conf->leases[2].cookie_block);
	ck_assert_uint_eq(conf->leases[2].ike_peer, 0xc6336409);
	ck_assert_uint_eq(conf->tunnel, RSIP_TUNNEL_GRE);
	ck_assert_uint_eq(conf->gre_key, 4294967295);
	ck_assert_uint_eq(conf->driver, CONF_DRIVER_KERNEL);
	ck_assert_str_eq(conf->device, "wan9");
	ck_assert_uint_eq(conf->n_routes, 2);
	ck_assert_uint_eq(conf->routes[0].len, 24);
	ck_assert_uint_eq(conf->routes[1].len, 32);
	ck_assert_uint_eq(conf->n_resolvers, 2);
	ck_assert_str_eq(conf->environment, "/run/rsip/env");
	ck_assert_str_eq(conf->state, "/var/lib/rsip/rsipc.db");
	ck_assert_ptr_null(conf->strongswan);
	ck_assert_ptr_null(conf_command_lease(conf)); /* the only rsap-ip lease listens */
	conf_free(conf);
}
END_TEST

#define G "gateway { address = 10.0.0.1 }\n"
#define L "lease a { method = rsap-ip }\n"

static const struct { const char *file, *told; } faults[] = {
	{ "", ":1: there is no gateway section; add gateway { address = \"10.0.0.1\" }\n"
	      ":1: there is no lease: nothing to ask the gateway for; add lease \"apps\" { method = \"rsap-ip\" ports = 64 }\n" },
	{ "gateway { transport = tcp }\n" L, ":1: gateway has no address; add address = \"10.0.0.1\"\n" },
	{ "gateway {\n address = 224.0.0.1 }\n" L,
	  ":2: address: 224.0.0.1 is no host's address; a unicast IPv4 address is allowed\n" },
	{ "gateway { address = 10.0.0.1\n transport = sctp }\n" L,
	  ":2: transport: \"sctp\" is not known here; allowed: tcp, udp\n" },
	{ G "lease a { ports = 4 }\n", ":2: lease \"a\" has no method; add method = \"rsap-ip\"\n" },
	{ G "lease \"a b\" { method = rsap-ip }\n",
	  ":2: lease \"a b\": no fit name; 1 to 63 letters, digits, dots, dashes and underscores\n" },
	{ G "lease a { method = rsa-ip\n ports = 4 }\n",
	  ":3: ports has no meaning in a lease of this method; rsa-ip leases a whole address\n" },
	{ G "lease a { method = rsap-ip\n spis = 4 }\n",
	  ":3: spis has no meaning in a lease of this method; it is allowed with rsipsec\n" },
	{ G "lease a { method = rsipsec\n listen = true }\n",
	  ":3: listen has no meaning in a lease of this method; it is allowed with rsap-ip\n" },
	{ G "lease a { method = rsap-ip\n ports = 0 }\n",
	  ":3: ports: \"0\" is not a number in range; 1 to 65535 is allowed\n" },
	{ G "lease a { method = rsap-ip ports = 10\n port = 65530 }\n",
	  ":3: port: 10 ports from 65530 on end beyond 65535; lower the one or the other\n" },
	{ G "lease a { method = rsap-ip\n remote-port = 80 }\n",
	  ":3: remote-port says nothing without remote; set both, or leave it out\n" },
	{ G L "tunnel {\n device = \"a/b\" }\n",
	  ":4: device: \"a/b\" is not a fit device name; 1 to 15 letters, digits, dots, dashes and underscores\n" },
	{ G L "tunnel {\n gre-key = 7 }\n", ":4: gre-key: only GRE has keys; set type = gre, or leave it out\n" },
	{ G L "tunnel {\n driver = fast }\n", ":4: driver: \"fast\" is not known here; allowed: auto, kernel, tun\n" },
	{ G L "tunnel {\n routes = { default, 10.0.0.1/8 } }\n",
	  ":4: routes: \"10.0.0.1/8\" is not an IPv4 prefix; write it like 10.0.0.0/8, with no bits set behind the prefix\n" },
	{ G L "state = rsipc.db\n", ":3: state: \"rsipc.db\" is not a full path; start it with a slash\n" },
};

START_TEST(fault)
{
	struct conf *conf = parse(faults[_i].file);

	ck_assert_ptr_null(conf);
	ck_assert_str_eq(told, faults[_i].told);
}
END_TEST

START_TEST(no_file)
{
	told[0] = '\0';
	ck_assert_ptr_null(conf_parse("/nonexistent/rsipc.conf", collect, NULL));
	ck_assert_str_eq(told, "/nonexistent/rsipc.conf: cannot be read: No such file or directory\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rsipc.conf");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, example);
	tcase_add_test(tc, all_options);
	tcase_add_loop_test(tc, fault, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tc, no_file);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
