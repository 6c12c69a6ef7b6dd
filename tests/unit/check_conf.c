/* rsipd.conf: the example is accepted with the value of every field; each fault is told with its line. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
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

static struct conf *
parse_bytes(const char *bytes, size_t len)
{
	FILE *file = tmpfile();
	struct conf *conf;

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fflush(file), 0);
	told[0] = '\0';
	conf = conf_parse_fd(fileno(file), "t", collect, NULL);
	fclose(file);
	return conf;
}

static struct conf *
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static ip4_t
ip(const char *text)
{
	ip4_t addr;

	ck_assert_msg(ip4_parse(text, &addr), "%s", text);
	return addr;
}

/* --- the example file --------------------------------------------------------------------------------------------- */

static struct conf *example;

static void
example_open(void)
{
	int fd = open(EXAMPLES "/rsipd.conf", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	told[0] = '\0';
	example = conf_parse_fd(fd, "rsipd.conf", collect, NULL);
	close(fd);
	ck_assert_str_eq(told, "");
	ck_assert_ptr_nonnull(example);
}

static void
example_close(void)
{
	conf_free(example);
}

START_TEST(example_gateway)
{
	ck_assert_uint_eq(example->n_private_interfaces, 1);
	ck_assert_str_eq(example->private_interfaces[0], "lan0");
	ck_assert_str_eq(example->public_interface, "wan0");
	ck_assert_uint_eq(example->n_listen, 1);
	ck_assert_uint_eq(example->listen[0], ip("10.0.0.1"));
	ck_assert_int_eq(example->data_plane, CONF_DP_AUTO);
	ck_assert(example->tcp && example->udp);
	ck_assert_str_eq(example->state, "/var/lib/rsip/rsipd.db");
	ck_assert_str_eq(example->control, "/run/rsip/rsipd.sock");
	ck_assert_uint_eq(example->vendor_id, 32473);
	ck_assert(!example->mss_clamp);
}
END_TEST

START_TEST(example_pools)
{
	const struct conf_pool *shared = &example->pools[0], *whole = &example->pools[1];

	ck_assert_uint_eq(example->n_pools, 2);
	ck_assert_str_eq(shared->name, "shared");
	ck_assert_uint_eq(shared->n_addresses, 2);
	ck_assert_uint_eq(shared->addresses[0].first, ip("203.0.113.8"));
	ck_assert_uint_eq(shared->addresses[0].last, ip("203.0.113.15"));
	ck_assert_uint_eq(shared->addresses[1].first, ip("203.0.113.20"));
	ck_assert_uint_eq(shared->addresses[1].last, ip("203.0.113.30"));
	ck_assert_uint_eq(shared->methods, CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC));
	ck_assert_uint_eq(shared->tunnels, CONF_TUNNEL(RSIP_TUNNEL_IP_IP) | CONF_TUNNEL(RSIP_TUNNEL_GRE));
	ck_assert_uint_eq(shared->ports.first, 1024);
	ck_assert_uint_eq(shared->ports.last, 65535);
	ck_assert_uint_eq(shared->n_ike_ports, 2);
	ck_assert_uint_eq(shared->ike_ports[0], 500);
	ck_assert_uint_eq(shared->ike_ports[1], 4500);
	ck_assert_uint_eq(shared->spis.first, 0x10000000);
	ck_assert_uint_eq(shared->spis.last, 0xdfffffff);
	ck_assert_str_eq(whole->name, "whole");
	ck_assert_uint_eq(whole->methods, CONF_METHOD(RSIP_METHOD_RSA_IP));
	ck_assert_uint_eq(whole->tunnels, CONF_TUNNEL(RSIP_TUNNEL_IP_IP) | CONF_TUNNEL(RSIP_TUNNEL_GRE));
	ck_assert_uint_eq(whole->addresses[0].first, ip("203.0.113.64"));
	ck_assert_uint_eq(whole->addresses[0].last, ip("203.0.113.79"));
	ck_assert_uint_eq(whole->n_ike_ports, 0);
}
END_TEST

START_TEST(example_policies)
{
	const struct conf_policy *def = &example->policies[0], *office = &example->policies[1];

	ck_assert_uint_eq(example->n_policies, 2);
	ck_assert_str_eq(def->name, "default");
	ck_assert_uint_eq(def->n_pools, 1);
	ck_assert_ptr_eq(def->pools[0], &example->pools[0]);
	ck_assert_int_eq(def->local_flow, RSIP_LOCAL_MACRO);
	ck_assert_int_eq(def->remote_flow, RSIP_REMOTE_NONE);
	ck_assert_uint_eq(def->registration_s, 7200);
	ck_assert_uint_eq(def->lease_s, 3600);
	ck_assert_uint_eq(def->max_lease_s, 28800);
	ck_assert_uint_eq(def->hold_down_s, 120);
	ck_assert_uint_eq(def->max_bindings, 64);
	ck_assert_uint_eq(def->max_ports, 1024);
	ck_assert_uint_eq(def->max_spis, 256);
	ck_assert_uint_eq(def->max_cookies, 16);
	ck_assert_uint_eq(def->rate, 50);
	ck_assert_str_eq(office->name, "office");
	ck_assert_uint_eq(office->n_pools, 2);
	ck_assert_ptr_eq(office->pools[0], &example->pools[1]);
	ck_assert_ptr_eq(office->pools[1], &example->pools[0]);
	ck_assert_uint_eq(office->lease_s, 28800);
	/* The rest by default, which is what the example writes out for "default". */
	ck_assert_int_eq(office->local_flow, RSIP_LOCAL_MACRO);
	ck_assert_int_eq(office->remote_flow, RSIP_REMOTE_NONE);
	ck_assert_uint_eq(office->registration_s, 7200);
	ck_assert_uint_eq(office->max_lease_s, 28800);
	ck_assert_uint_eq(office->hold_down_s, 120);
	ck_assert_uint_eq(office->max_bindings, 64);
	ck_assert_uint_eq(office->max_ports, 1024);
	ck_assert_uint_eq(office->max_spis, 256);
	ck_assert_uint_eq(office->max_cookies, 16);
	ck_assert_uint_eq(office->rate, 50);
}
END_TEST

START_TEST(example_rest)
{
	ck_assert_uint_eq(example->n_hosts, 2);
	ck_assert_uint_eq(example->n_local_networks, 1);
	ck_assert_uint_eq(example->local_networks[0].addr, ip("10.0.0.0"));
	ck_assert_uint_eq(example->local_networks[0].len, 8);
	ck_assert_int_eq(example->log_to, LOG_TO_STDERR);
	ck_assert_int_eq(example->log_level, LOG_LVL_INFO);
	ck_assert(!example->log_json);
	ck_assert(example->metrics);
	ck_assert_uint_eq(example->metrics_addr, ip("127.0.0.1"));
	ck_assert_uint_eq(example->metrics_port, 9455);
}
END_TEST

START_TEST(example_lookups)
{
	const struct conf_policy *def = &example->policies[0], *office = &example->policies[1];
	const struct conf_pool *shared = &example->pools[0], *whole = &example->pools[1];

	ck_assert_ptr_eq(conf_policy_for(example, ip("10.0.0.11")), def);
	ck_assert_ptr_eq(conf_policy_for(example, ip("10.0.0.255")), def);
	ck_assert_ptr_eq(conf_policy_for(example, ip("10.0.0.77")), office);
	ck_assert_ptr_null(conf_policy_for(example, ip("10.0.1.0")));
	ck_assert_ptr_null(conf_policy_for(example, ip("9.255.255.255")));
	ck_assert_ptr_null(conf_pool_of(example, ip("203.0.113.7")));
	ck_assert_ptr_eq(conf_pool_of(example, ip("203.0.113.8")), shared);
	ck_assert_ptr_eq(conf_pool_of(example, ip("203.0.113.15")), shared);
	ck_assert_ptr_null(conf_pool_of(example, ip("203.0.113.16")));
	ck_assert_ptr_eq(conf_pool_of(example, ip("203.0.113.30")), shared);
	ck_assert_ptr_eq(conf_pool_of(example, ip("203.0.113.64")), whole);
	ck_assert_ptr_null(conf_pool_of(example, ip("203.0.113.80")));
}
END_TEST

/* --- lookups against a naive twin --------------------------------------------------------------------------------- */

static const struct conf_policy *
naive_policy_for(const struct conf *conf, ip4_t addr)
{
	const struct conf_host *best = NULL;

	for (size_t i = 0; i < conf->n_hosts; i++) {
		const struct conf_host *h = &conf->hosts[i];
		if (ip4_prefix_has(h->prefix, addr) && (best == NULL || h->prefix.len > best->prefix.len))
			best = h;
	}
	return best == NULL ? NULL : best->policy;
}

/* A prefix that no line has yet, below 10.1.0.0/16. */
static struct ip4_prefix
fresh_prefix(struct ip4_prefix *used, size_t *n)
{
	struct ip4_prefix prefix;
	size_t i;

	do {
		prefix.len = (uint8_t)(20 + random() % 13);
		prefix.addr = (ip("10.1.0.0") | ((ip4_t)random() & 0xffff)) & ip4_mask(prefix.len);
		for (i = 0; i < *n && (used[i].addr != prefix.addr || used[i].len != prefix.len); i++)
			;
	} while (i < *n);
	return used[(*n)++] = prefix;
}

START_TEST(longest_prefix)
{
	static char text[65536];
	struct ip4_prefix used[600];
	char str[IP4_PREFIX_STRLEN];
	struct conf *conf;
	size_t n, n_used = 0;

	n = (size_t)sprintf(text, "gateway { private-interface = a public-interface = b listen = 10.0.0.1 }\n"
	                          "pool p { addresses = 203.0.113.8 methods = rsap-ip }\n"
	                          "policy a { pools = p }\npolicy b { pools = p }\npolicy c { pools = p }\n"
	                          "host 0.0.0.0/0 { policy = a }\n");
	srandom(3102);
	while (n_used < 600)
		n += (size_t)sprintf(text + n, "host %s { policy = %c }\n", ip4_prefix_str(fresh_prefix(used, &n_used), str),
		                     "abc"[random() % 3]);
	conf = parse(text);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->n_hosts, 601);
	for (int i = 0; i < 20000; i++) {
		ip4_t addr = ip("10.1.0.0") | ((ip4_t)random() & 0xffff);
		ck_assert_ptr_eq(conf_policy_for(conf, addr), naive_policy_for(conf, addr));
	}
	ck_assert_ptr_eq(conf_policy_for(conf, ip("192.0.2.1")), &conf->policies[0]);
	conf_free(conf);
}
END_TEST

/* --- what else is accepted ---------------------------------------------------------------------------------------- */

#define G "gateway { private-interface = lan0 public-interface = wan0 listen = 10.0.0.1 }\n"
#define P "pool p { addresses = 203.0.113.8/29 methods = rsap-ip }\n"
#define L "policy l { pools = p }\n"
#define H "host 10.0.0.0/24 { policy = l }\n"

static struct conf *
good(const char *text)
{
	struct conf *conf = parse(text);

	ck_assert_str_eq(told, "");
	ck_assert_ptr_nonnull(conf);
	return conf;
}

START_TEST(defaults)
{
	struct conf *conf = good(G P L H);

	ck_assert_str_eq(conf->state, "/var/lib/rsip/rsipd.db");
	ck_assert_str_eq(conf->control, "/run/rsip/rsipd.sock");
	ck_assert(conf->tcp && conf->udp && !conf->metrics && !conf->mss_clamp);
	ck_assert_int_eq(conf->log_to, LOG_TO_STDERR);
	ck_assert_int_eq(conf->log_level, LOG_LVL_INFO);
	ck_assert_uint_eq(conf->pools[0].ports.first, 1024);
	ck_assert_uint_eq(conf->pools[0].ports.last, 65535);
	ck_assert_uint_eq(conf->pools[0].spis.first, 0x10000000);
	ck_assert_uint_eq(conf->pools[0].n_ike_ports, 0); /* no RSIPSEC here */
	ck_assert_uint_eq(conf->policies[0].lease_s, 3600);
	conf_free(conf);
}
END_TEST

START_TEST(all_options)
{
	struct conf *conf = good("gateway {\n private-interface = { lan0, lan1 }\n public-interface = wan0\n"
	                         " listen = { 10.0.0.1, 10.1.0.1 }\n transports = udp\n data-plane = relay\n"
	                         " state = /tmp/s.db\n control = \"/tmp/c.sock\"\n vendor-id = 9\n mss-clamp = yes\n"
	                         " resolver = { 192.0.2.1, 192.0.2.2:5353 }\n relay-io = tun\n}\n"
	                         "pool p {\n addresses = { 198.51.100.9, 198.51.100.1-198.51.100.3 }\n methods = rsipsec\n"
	                         " ike-ports = { 4500, 500, 10500 }\n tunnels = gre\n ports = 4096-8191\n"
	                         " spis = 256-511\n}\n"
	                         "policy l { pools = p local-flow = micro remote-flow = micro registration = 1d lease = 90\n"
	                         " max-lease = 15m hold-down = 0s max-ports = 0 }\n" H
	                         "local-networks = { 10.0.0.0/8, 192.168.0.0/16 }\n"
	                         "log { to = journal level = debug format = json }\n");
	const struct conf_pool *pool = &conf->pools[0];
	const struct conf_policy *policy = &conf->policies[0];

	ck_assert_uint_eq(conf->n_private_interfaces, 2);
	ck_assert_str_eq(conf->private_interfaces[1], "lan1");
	ck_assert_uint_eq(conf->n_listen, 2);
	ck_assert_uint_eq(conf->listen[1], ip("10.1.0.1"));
	ck_assert(!conf->tcp && conf->udp && conf->mss_clamp);
	ck_assert_int_eq(conf->data_plane, CONF_DP_RELAY);
	ck_assert_int_eq(conf->relay_io, CONF_IO_TUN);
	ck_assert_str_eq(conf->state, "/tmp/s.db");
	ck_assert_str_eq(conf->control, "/tmp/c.sock");
	ck_assert_uint_eq(conf->vendor_id, 9);
	ck_assert_uint_eq(conf->n_resolvers, 2);
	ck_assert_uint_eq(conf->resolvers[0].port, 53);
	ck_assert_uint_eq(conf->resolvers[1].addr, ip("192.0.2.2"));
	ck_assert_uint_eq(conf->resolvers[1].port, 5353);
	ck_assert_uint_eq(pool->addresses[0].first, ip("198.51.100.1")); /* sorted */
	ck_assert_uint_eq(pool->addresses[1].last, ip("198.51.100.9"));
	ck_assert_uint_eq(pool->n_ike_ports, 3);
	ck_assert_uint_eq(pool->ike_ports[0], 500); /* ascending */
	ck_assert_uint_eq(pool->ike_ports[2], 10500);
	ck_assert_uint_eq(pool->tunnels, CONF_TUNNEL(RSIP_TUNNEL_GRE));
	ck_assert_uint_eq(pool->ports.last, 8191);
	ck_assert_uint_eq(pool->spis.first, 256);
	ck_assert_int_eq(policy->local_flow, RSIP_LOCAL_MICRO);
	ck_assert_int_eq(policy->remote_flow, RSIP_REMOTE_MICRO);
	ck_assert_uint_eq(policy->registration_s, 86400);
	ck_assert_uint_eq(policy->lease_s, 90);
	ck_assert_uint_eq(policy->max_lease_s, 900);
	ck_assert_uint_eq(policy->hold_down_s, 0);
	ck_assert_uint_eq(policy->max_ports, 0);
	ck_assert_uint_eq(conf->n_local_networks, 2);
	ck_assert_int_eq(conf->log_to, LOG_TO_SYSLOG);
	ck_assert_int_eq(conf->log_level, LOG_LVL_DEBUG);
	ck_assert(conf->log_json);
	conf_free(conf);
}
END_TEST

/* Sections may stand in any order, names be used before they are defined. */
START_TEST(any_order)
{
	conf_free(good(H L P G));
}
END_TEST

/* --- faults ------------------------------------------------------------------------------------------------------- */

static const struct fault { const char *text, *told; } faults[] = {
#include "check_conf_faults.h"
};

START_TEST(fault)
{
	const struct fault *f = &faults[_i];

	ck_assert_ptr_null(parse(f->text));
	ck_assert_str_eq(told, f->told);
	/* What broke this file does not linger in the lexer. */
	conf_free(good(G P L H));
}
END_TEST

START_TEST(unreadable)
{
	static const char with_zero[] = G P L H "\0" "# hidden\n";
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	told[0] = '\0';
	ck_assert_ptr_null(conf_parse_fd(fd, "t", collect, NULL));
	ck_assert_str_eq(told, "t:1: cannot be read; a regular file of at most 4 MiB is allowed\n");
	close(fd);
	ck_assert_ptr_null(parse_bytes(with_zero, sizeof(with_zero) - 1));
	ck_assert_str_eq(told, "t:5: holds a zero byte; a config file is plain text\n");
}
END_TEST

/* Cut anywhere, or with any byte turned, the example is accepted or refused with a reason: no silence, no crash. */
START_TEST(mutilated)
{
	char text[4096], copy[4096];
	int fd = open(EXAMPLES "/rsipd.conf", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text));
	struct conf *conf;

	ck_assert_int_gt(len, 0);
	close(fd);
	for (ssize_t i = 0; i < len; i++) {
		conf = parse_bytes(text, (size_t)i);
		ck_assert_int_eq(conf == NULL, told[0] != '\0');
		conf_free(conf);
		memcpy(copy, text, (size_t)len);
		copy[i] ^= (char)(1 << i % 8);
		conf = parse_bytes(copy, (size_t)len);
		ck_assert_int_eq(conf == NULL, told[0] != '\0');
		conf_free(conf);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf");
	TCase *ex = tcase_create("example"), *more = tcase_create("accepted"), *bad = tcase_create("refused");

	tcase_add_checked_fixture(ex, example_open, example_close);
	tcase_add_test(ex, example_gateway);
	tcase_add_test(ex, example_pools);
	tcase_add_test(ex, example_policies);
	tcase_add_test(ex, example_rest);
	tcase_add_test(ex, example_lookups);
	tcase_add_test(more, defaults);
	tcase_add_test(more, all_options);
	tcase_add_test(more, any_order);
	tcase_add_test(more, longest_prefix);
	tcase_add_loop_test(bad, fault, 0, (int)(sizeof(faults) / sizeof(faults[0])));
	tcase_add_test(bad, unreadable);
	tcase_add_test(bad, mutilated);
	tcase_set_timeout(more, 30);
	tcase_set_timeout(bad, 30);
	suite_add_tcase(suite, ex);
	suite_add_tcase(suite, more);
	suite_add_tcase(suite, bad);
	return run_suite(suite);
}
