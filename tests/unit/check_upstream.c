/* Pools that are leased from another gateway: the file that tells of them, what is leased of them and how long, and what
 * happens when they are taken away. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expire.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "pool.h"
#include "pool_spec.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"
#include "upstream.h"

enum { HOST = 0x0a00000a, UP = 0xcb007109 /* 203.0.113.9 */ };

static char file[] = "/tmp/rsip-upstream-XXXXXX";
static char conf_text[1024];
static struct fixture f;
static struct refusal why;

static void
put(const char *text)
{
	FILE *out = fopen(file, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static const char full[] = "address = \"203.0.113.9\"\n"
                           "ports = { \"5000-5063\", \"4000-4007\", \"4008-4015\" }\n"
                           "spis = { \"0x10000040-0x1000007f\" }\n"
                           "cookies = \"0x5a00000000000000/8\"\n"
                           "whole = { \"203.0.113.64\" }\n"
                           "expires = \"1800000600\"\n"; /* ten minutes from the fixture's start */

static void
setup(void)
{
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	close(fd);
	random_seed(1);
	put(full);
	snprintf(conf_text, sizeof(conf_text),
	         "pool \"isp\" { upstream = \"%s\" methods = { \"rsap-ip\", \"rsipsec\" } }\n"
	         "pool \"isp-whole\" { upstream = \"%s\" methods = { \"rsa-ip\" } }\n"
	         "policy \"p\" { pools = { \"isp\", \"isp-whole\" } lease = \"8h\" max-lease = \"8h\" hold-down = \"1s\" }\n"
	         "host \"10.0.0.0/24\" { policy = \"p\" }\n", file, file);
	fixture_start(&f, conf_text);
}

static void
teardown(void)
{
	fixture_end(&f);
	unlink(file);
	strcpy(file + sizeof(file) - 7, "XXXXXX");
}

static struct session *
host_up(void)
{
	return registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_UDP, NULL, "x", 1);
}

static struct lease_request
ports(uint16_t n)
{
	return (struct lease_request){ .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY, .port_intent = POOL_ANY,
	                               .n_ports = n };
}

static struct lease_request
spis(uint16_t n, uint64_t cookie_mask)
{
	return (struct lease_request){ .method = RSIP_METHOD_RSIPSEC, .addr_intent = POOL_ANY, .spi_intent = POOL_ANY,
	                               .n_spis = n, .cookie_intent = cookie_mask != 0 ? POOL_ANY : POOL_NONE,
	                               .cookie_mask = cookie_mask };
}

static struct binding *
grant(struct session *s, struct lease_request req)
{
	struct binding *b = NULL;
	enum rsip_error error = lease_grant(&f.ledger, s, &req, &b, &why);

	ck_assert_msg(error == RSIP_OK, "%d %s", error, why.text);
	fixture_check(&f);
	return b;
}

static enum rsip_error
refusal(struct session *s, struct lease_request req)
{
	struct binding *b = NULL;

	return lease_grant(&f.ledger, s, &req, &b, &why);
}

/* As the control process does it. */
static void
reload(void)
{
	struct conf *old = f.conf;

	f.conf = fixture_conf(conf_text);
	registration_set_conf(&f.ledger, f.conf);
	upstream_withdraw(&f.ledger, old);
	conf_free(old);
	fixture_check(&f);
}

START_TEST(the_pool_is_what_the_file_says)
{
	const struct conf_pool *isp = &f.conf->pools[0], *whole = &f.conf->pools[1];

	ck_assert_uint_eq(isp->n_addresses, 1);
	ck_assert_uint_eq(isp->addresses[0].first, UP);
	ck_assert_uint_eq(whole->addresses[0].first, 0xcb007140);
	ck_assert_uint_eq(isp->n_port_runs, 2); /* neighbours are one */
	ck_assert(isp->port_runs[0].first == 4000 && isp->port_runs[0].last == 4015);
	ck_assert(isp->port_runs[1].first == 5000 && isp->port_runs[1].last == 5063);
	ck_assert_uint_eq(pool_spec_leasable_ports(isp), 80);
	ck_assert(pool_spec_has_ports(isp, (struct port_range){ 4004, 4011 }));
	ck_assert(!pool_spec_has_ports(isp, (struct port_range){ 4015, 4016 }));
	ck_assert(pool_spec_has_spis(isp, (struct spi_range){ 0x10000040, 0x1000007f }));
	ck_assert(!pool_spec_has_spis(isp, (struct spi_range){ 0x10000030, 0x1000004f }));
	ck_assert_int_eq(isp->expires, 1800000600);
}
END_TEST

START_TEST(nothing_is_leased_beside_it)
{
	struct session *s = host_up();
	unsigned n = 0;

	for (; n < 80 / 8; n++) {
		struct binding *b = grant(s, ports(8));

		ck_assert(pool_spec_has_ports(&f.conf->pools[0], binding_ports(b)[0]));
	}
	ck_assert_int_eq(refusal(s, ports(1)), RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	for (n = 0; n < 4; n++) {
		struct binding *b = grant(s, spis(16, UINT64_C(0xffff) << 48));

		ck_assert(pool_spec_has_spis(&f.conf->pools[0], binding_spis(b)[0]));
		ck_assert_uint_eq(binding_terms(b)->cookie_value >> 56, 0x5a);
	}
	ck_assert_int_eq(refusal(s, spis(1, 0)), RSIP_IPSEC_SPI_UNAVAILABLE);
}
END_TEST

START_TEST(a_cookie_block_wider_than_ours_is_none)
{
	ck_assert_int_eq(refusal(host_up(), spis(1, UINT64_C(0xf) << 60)), RSIP_IPSEC_SPI_UNAVAILABLE);
}
END_TEST

START_TEST(whole_addresses_are_leased_on)
{
	struct lease_request req = { .method = RSIP_METHOD_RSA_IP, .addr_intent = POOL_ANY };

	ck_assert_uint_eq(grant(host_up(), req)->local_addr, 0xcb007140);
}
END_TEST

/* RFC 3102 4.2.1: the time that the parent has given is the longest that we may give. */
START_TEST(no_lease_outlasts_ours)
{
	struct session *s = host_up();
	struct binding *b = grant(s, ports(4));

	ck_assert_uint_eq(lease_seconds_left(b->expires), 600);
	fixture_pass_ms(100 * 1000);
	ck_assert_int_eq(lease_extend(&f.ledger, b, 3600, &why), RSIP_OK);
	ck_assert_uint_eq(lease_seconds_left(b->expires), 500);
	ck_assert_int_eq(lease_extend(&f.ledger, b, 60, &why), RSIP_OK);
	ck_assert_uint_eq(lease_seconds_left(b->expires), 60);
	fixture_pass_ms(50 * 1000);
	put("address = \"203.0.113.9\"\nports = { \"4000-4015\", \"5000-5063\" }\nexpires = \"1800009000\"\n");
	reload();
	ck_assert_int_eq(lease_extend(&f.ledger, b, 3600, &why), RSIP_OK); /* ours was renewed */
	ck_assert_uint_eq(lease_seconds_left(b->expires), 3600);
}
END_TEST

START_TEST(a_lease_that_has_run_out_is_none)
{
	struct session *s = host_up();
	struct binding *b = grant(s, ports(4));

	fixture_pass_ms(600 * 1000);
	ck_assert_int_eq(refusal(s, ports(4)), RSIP_LOCAL_ADDR_UNAVAILABLE);
	ck_assert_int_eq(lease_extend(&f.ledger, b, 60, &why), RSIP_LOCAL_ADDR_UNAVAILABLE);
	expire_due(&f.ledger);
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 0);
	fixture_check(&f);
}
END_TEST

START_TEST(what_is_taken_away_ends)
{
	struct session *s = host_up();
	struct lease_request named = ports(4);
	uint32_t stays, goes;

	named.port_intent = POOL_NAMED;
	named.addr = UP;
	named.n_port_ranges = 1;
	named.ports[0] = (struct port_range){ 4000, 4003 };
	stays = grant(s, named)->bind_id;
	named.ports[0] = (struct port_range){ 5060, 5063 };
	goes = grant(s, named)->bind_id;
	put("address = \"203.0.113.9\"\nports = { \"4000-4007\", \"5000-5062\" }\nexpires = \"1800009000\"\n");
	reload();
	ck_assert_uint_eq(f.bindings_ended, 1);
	ck_assert_ptr_nonnull(binding_find(&f.ledger.bindings, stays));
	ck_assert_ptr_null(binding_find(&f.ledger.bindings, goes));
	ck_assert_int_eq(unlink(file), 0);
	reload();
	ck_assert_uint_eq(f.bindings_ended, 2);
	ck_assert_int_eq(refusal(s, ports(1)), RSIP_LOCAL_ADDR_UNAVAILABLE);
	put(full);
	reload();
	fixture_pass_ms(2000);
	expire_due(&f.ledger);
	grant(s, ports(8));
}
END_TEST

/* ---- faults ---- */

static char told[2048];

static void
collect(const char *line, void *arg)
{
	(void)arg;
	strncat(told, line, sizeof(told) - strlen(told) - 1);
}

static bool
is_accepted_with(const char *gateway, const char *pool)
{
	FILE *conf_file = tmpfile();
	struct conf *conf;

	fprintf(conf_file,
	        "gateway { private-interface = \"lan0\" public-interface = \"wan0\" listen = { \"10.0.0.1\" } %s }\n"
	        "pool \"isp\" { upstream = \"%s\" methods = { \"rsap-ip\" } %s }\n"
	        "policy \"p\" { pools = { \"isp\" } }\nhost \"10.0.0.0/24\" { policy = \"p\" }\n"
	        "local-networks = { \"10.0.0.0/8\" }\n", gateway, file, pool);
	fflush(conf_file);
	told[0] = '\0';
	conf = conf_parse_fd(fileno(conf_file), "t", collect, NULL);
	conf_free(conf);
	fclose(conf_file);
	return conf != NULL;
}

static bool
is_accepted(const char *pool)
{
	return is_accepted_with("", pool);
}

/* Rings send frames to the next hop of the public interface: past the tunnel. */
START_TEST(packets_do_not_go_past_the_tunnel)
{
	put(full);
	ck_assert(is_accepted_with("relay-io = \"tun\"", ""));
	ck_assert(!is_accepted_with("relay-io = \"rings\"", ""));
	ck_assert_int_eq(f.conf->relay_io, CONF_IO_TUN);
	ck_assert_int_eq(f.conf->data_plane, CONF_DP_RELAY);
}
END_TEST

START_TEST(bad_files_are_refused)
{
	static const char *const bad[] = {
		"address = \"203.0.113\"\n", "ports = { \"0-5\" }\n", "ports = { \"9\", \"x\" }\n", "spis = { \"0x1-0x2\" }\n",
		"cookies = \"0x5a00000000000000\"\n", "cookies = \"0x5a00000000000000/65\"\n", "cookies = \"0x5a01/8\"\n",
		"expires = \"soon\"\n", "nonsense = \"1\"\n", "address = {\n", "address = \"10.0.0.9\"\n",
	};

	ck_assert(is_accepted(""));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i]);
		ck_assert_msg(!is_accepted(""), "%s is accepted", bad[i]);
		ck_assert_msg(strstr(told, "t:2: ") != NULL, "%s: the fault is told as %s", bad[i], told);
	}
	put("");
	ck_assert(is_accepted(""));
	ck_assert(!is_accepted("addresses = { \"203.0.113.8\" }"));
	ck_assert(!is_accepted("ports = \"1-2\""));
	ck_assert(!is_accepted("spis = \"0x1000-0x2000\""));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("upstream");
	TCase *tc = tcase_create("upstream");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_pool_is_what_the_file_says);
	tcase_add_test(tc, nothing_is_leased_beside_it);
	tcase_add_test(tc, a_cookie_block_wider_than_ours_is_none);
	tcase_add_test(tc, whole_addresses_are_leased_on);
	tcase_add_test(tc, no_lease_outlasts_ours);
	tcase_add_test(tc, a_lease_that_has_run_out_is_none);
	tcase_add_test(tc, what_is_taken_away_ends);
	tcase_add_test(tc, packets_do_not_go_past_the_tunnel);
	tcase_add_test(tc, bad_files_are_refused);
	return run_suite(suite);
}
