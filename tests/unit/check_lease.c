/* Leases on a clock that stands until it is moved: long random histories with restarts, after each of which the ledger
 * must be what it was; and the rules of design section 4, one by one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "expire.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"

static const char conf_text[] =
    "pool \"a\" { addresses = { \"203.0.113.8-203.0.113.9\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  ports = \"1000-1063\" ike-ports = { 500 } spis = \"0x1000-0x107f\" }\n"
    "pool \"w\" { addresses = { \"203.0.113.64-203.0.113.65\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"w\" } registration = \"10m\" lease = \"5m\" max-lease = \"20m\" hold-down = \"2m\"\n"
    "  max-bindings = 5 max-ports = 20 max-spis = 20 max-cookies = 2 }\n"
    "policy \"micro\" { pools = { \"a\", \"w\" } local-flow = \"micro\" remote-flow = \"micro\" }\n"
    "host \"10.0.0.0/24\" { policy = \"p\" }\n"
    "host \"10.0.1.0/24\" { policy = \"micro\" }\n"
    "local-networks = { \"10.0.0.0/8\" }\n";

enum { HOST = 0x0a00000a };
static struct fixture f;
static struct refusal why;

static void
setup(void)
{
	random_seed(1);
	fixture_start(&f, conf_text);
}

static void
teardown(void)
{
	fixture_end(&f);
}

static unsigned
pick(unsigned n)
{
	return (unsigned)random_below(n);
}

static struct session *
register_host(ip4_t host)
{
	return registration_begin(&f.ledger, host, 0x0a000001, RSIP_UDP, NULL, "x", 1);
}

static struct lease_request
any_ports(uint16_t n)
{
	return (struct lease_request){ .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY,
	                               .port_intent = POOL_ANY, .n_ports = n };
}

static struct lease_request
named_ports(ip4_t addr, uint16_t first, uint16_t last)
{
	return (struct lease_request){ .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_NAMED, .addr = addr,
	                               .port_intent = POOL_NAMED, .n_ports = (uint16_t)(last - first + 1),
	                               .n_port_ranges = 1, .ports = { { first, last } } };
}

static struct binding *
must_grant(struct session *s, struct lease_request req)
{
	struct binding *b = NULL;
	enum rsip_error error = lease_grant(&f.ledger, s, &req, &b, &why);

	ck_assert_msg(error == RSIP_OK, "refused with %d: %s", (int)error, why.text);
	return b;
}

static enum rsip_error
must_refuse(struct session *s, struct lease_request req)
{
	struct binding *b;

	return lease_grant(&f.ledger, s, &req, &b, &why);
}

/* --- random histories --- */

static struct lease_request
random_lease_request(void)
{
	struct lease_request req = any_ports((uint16_t)(1 + pick(9)));

	req.lease_s = pick(3) == 0 ? 0 : 1 + pick(1500);
	req.listen = pick(4) == 0;
	if (pick(12) == 0) {
		req.method = RSIP_METHOD_RSA_IP;
		req.port_intent = POOL_NONE;
		req.n_ports = 0;
		return req;
	}
	if (pick(2)) {
		req.method = RSIP_METHOD_RSIPSEC;
		req.spi_intent = POOL_ANY;
		req.n_spis = (uint16_t)(1 + pick(6));
		req.cookie_intent = (enum pool_intent)pick(2);
		req.cookie_mask = 0xffffffff00000000;
		req.ike_listener = pick(3) == 0 ? 0x08080808 + pick(2) : 0;
	}
	if (pick(3) == 0) {
		uint16_t first = (uint16_t)(1000 + pick(60));
		req.port_intent = POOL_NAMED;
		req.n_ports = 2;
		req.n_port_ranges = 1;
		req.ports[0] = (struct port_range){ first, (uint16_t)(first + 1) };
	}
	return req;
}


static struct binding *
random_binding(struct session *s)
{
	struct binding *b = s->bindings;

	for (unsigned i = s->n_bindings > 0 ? pick(s->n_bindings) : 0; i > 0; i--)
		b = b->next;
	return b;
}

static void
random_step(void)
{
	ip4_t host = 0x0a000000 + pick(6);
	struct session *s = session_find(&f.ledger.sessions, host);
	struct binding *b = s != NULL ? random_binding(s) : NULL;
	struct lease_request req;

	switch (pick(12)) {
	case 0:
		if (s != NULL && pick(3) == 0)
			registration_end(&f.ledger, s, LEASE_DE_REGISTERED);
		break;
	case 1: case 2: case 3:
		if (b != NULL)
			lease_end(&f.ledger, b, LEASE_FREED);
		break;
	case 4: case 5:
		if (b != NULL)
			lease_extend(&f.ledger, b, pick(1500), &why);
		break;
	case 6:
		fixture_pass_ms(1000 * pick(200));
		expire_due(&f.ledger);
		break;
	default:
		if (s == NULL) {
			register_host(host);
		} else {
			req = random_lease_request();
			lease_grant(&f.ledger, s, &req, &b, &why);
		}
	}
}

static void
check_restart(void)
{
	char *before, *after;

	ck_assert(store_commit(f.store));
	before = fixture_dump(&f);
	fixture_restart(&f);
	after = fixture_dump(&f);
	ck_assert_str_eq(after, before);
	free(before);
	free(after);
}

START_TEST(random_history)
{
	struct id_cursor walk = { 0 };
	struct session *s;

	random_seed((uint64_t)_i + 100);
	for (int i = 0; i < 400; i++) {
		random_step();
		fixture_check(&f);
		if (pick(40) == 0)
			check_restart();
	}
	/* Invariant 6: everything that was ever leased can be leased again. */
	while ((s = session_next(&f.ledger.sessions, &walk)) != NULL)
		registration_end(&f.ledger, s, LEASE_FREED);
	fixture_pass_ms(120 * 1000);
	expire_due(&f.ledger);
	ck_assert(pool_is_full(f.ledger.pool));
	check_restart();
}
END_TEST

/* --- times --- */

START_TEST(lease_times)
{
	struct session *s = register_host(HOST);
	struct lease_request req = any_ports(1);

	ck_assert_uint_eq(lease_seconds_left(s->expires), 600);
	ck_assert_uint_eq(lease_seconds_left(must_grant(s, req)->expires), 300); /* none asked: policy's */
	req.lease_s = 7;
	ck_assert_uint_eq(lease_seconds_left(must_grant(s, req)->expires), 7);
	ck_assert_uint_eq(lease_seconds_left(s->expires), 600);
	ck_assert_uint_eq(lease_seconds_left(clock_now() + 6001), 7); /* told rounded up: what was granted, not a second less */
	ck_assert_uint_eq(lease_seconds_left(clock_now()), 0);
	req.lease_s = 4000000000u;
	struct binding *b = must_grant(s, req);
	ck_assert_uint_eq(lease_seconds_left(b->expires), 1200); /* clipped */
	ck_assert_uint_eq(lease_seconds_left(s->expires), 1200); /* R = max(R, B) */

	fixture_pass_ms(60000);
	ck_assert_int_eq(lease_extend(&f.ledger, b, 10, &why), RSIP_OK);
	ck_assert_uint_eq(lease_seconds_left(b->expires), 10);   /* less is granted as asked */
	ck_assert_uint_eq(lease_seconds_left(s->expires), 1140); /* but does not shorten R */
	ck_assert_int_eq(lease_extend(&f.ledger, b, 1200, &why), RSIP_OK);
	ck_assert_uint_eq(lease_seconds_left(b->expires), 1200);
	ck_assert_uint_eq(lease_seconds_left(s->expires), 1200);
	lease_end(&f.ledger, b, LEASE_FREED);
	ck_assert_uint_eq(lease_seconds_left(s->expires), 1200); /* FREE does not shorten R */
}
END_TEST

START_TEST(expiry_tells_the_host)
{
	struct session *s = register_host(HOST);
	struct lease_request req = any_ports(4);

	req.lease_s = 30;
	must_grant(s, req);
	ck_assert_int_eq(expire_delay(&f.ledger), 30000);
	fixture_pass_ms(29999);
	expire_due(&f.ledger);
	ck_assert_uint_eq(f.bindings_ended, 0);
	fixture_pass_ms(1);
	expire_due(&f.ledger);
	ck_assert_uint_eq(f.bindings_ended, 1);
	ck_assert_uint_eq(f.sessions_ended, 0);
	ck_assert_uint_eq(s->n_bindings, 0);

	req.lease_s = 1200;
	must_grant(s, req);
	fixture_pass_ms(1200 * 1000); /* B = R */
	expire_due(&f.ledger);
	ck_assert_uint_eq(f.bindings_ended, 2);
	ck_assert_uint_eq(f.sessions_ended, 1);
	ck_assert_uint_eq(session_count(&f.ledger.sessions), 0);
	fixture_check(&f);
}
END_TEST

/* What expired while the gateway was down ends at once after the start, at its time in the history. */
static void
note_holder(const struct store_holder *holder, void *arg)
{
	*(struct store_holder *)arg = *holder;
}

START_TEST(expired_while_down)
{
	struct session *s = register_host(HOST);
	struct binding *b = must_grant(s, any_ports(1));
	uint16_t port = binding_ports(b)[0].first;
	ip4_t addr = b->local_addr;
	struct store_holder holder = { 0 };

	ck_assert(store_commit(f.store));
	fixture_pass_ms(301 * 1000);
	fixture_restart(&f);
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 1);
	expire_due(&f.ledger);
	ck_assert_uint_eq(f.bindings_ended, 1);
	ck_assert_uint_eq(session_count(&f.ledger.sessions), 1);
	ck_assert(store_commit(f.store));
	ck_assert(store_who(f.store, addr, TUPLE_PORT, port, FIXTURE_START_WALL + 299, note_holder, &holder));
	ck_assert_uint_eq(holder.host, HOST);
	ck_assert_int_eq(holder.to, FIXTURE_START_WALL + 300);
	holder.host = 0;
	ck_assert(store_who(f.store, addr, TUPLE_PORT, port, FIXTURE_START_WALL + 300, note_holder, &holder));
	ck_assert_uint_eq(holder.host, 0);
}
END_TEST

/* --- hold-down --- */

START_TEST(hold_down)
{
	struct session *first = register_host(HOST), *second = register_host(HOST + 1);
	struct binding *b = must_grant(first, named_ports(0xcb007108, 1000, 1007));

	lease_end(&f.ledger, b, LEASE_FREED);
	ck_assert_int_eq(must_refuse(second, named_ports(0xcb007108, 1003, 1003)), RSIP_LOCAL_ADDRPORT_INUSE);
	fixture_check(&f);

	/* The former holder takes back a part; the rest stays held, for as long as it would have been. */
	b = must_grant(first, named_ports(0xcb007108, 1002, 1003));
	fixture_check(&f);
	check_restart();
	first = session_find(&f.ledger.sessions, HOST);
	second = session_find(&f.ledger.sessions, HOST + 1);
	ck_assert_int_eq(must_refuse(second, named_ports(0xcb007108, 1004, 1004)), RSIP_LOCAL_ADDRPORT_INUSE);
	ck_assert_int_eq(must_refuse(first, named_ports(0xcb007108, 1003, 1004)), RSIP_LOCAL_ADDRPORT_INUSE); /* own */
	fixture_pass_ms(119999);
	expire_due(&f.ledger);
	ck_assert_int_eq(must_refuse(second, named_ports(0xcb007108, 1000, 1000)), RSIP_LOCAL_ADDRPORT_INUSE);
	fixture_pass_ms(1);
	expire_due(&f.ledger);
	must_grant(second, named_ports(0xcb007108, 1000, 1001));
	must_grant(second, named_ports(0xcb007108, 1004, 1007));
	fixture_check(&f);
	(void)b;
}
END_TEST

START_TEST(whole_addresses_are_held_too)
{
	struct session *first = register_host(HOST), *second = register_host(HOST + 1);
	struct lease_request whole = { .method = RSIP_METHOD_RSA_IP, .addr_intent = POOL_NAMED, .addr = 0xcb007140 };

	lease_end(&f.ledger, must_grant(first, whole), LEASE_FREED);
	ck_assert_int_eq(must_refuse(second, whole), RSIP_LOCAL_ADDR_INUSE);
	ck_assert_int_eq(must_refuse(second, named_ports(0xcb007140, 1000, 1000)), RSIP_LOCAL_ADDR_UNALLOWED);
	must_grant(first, whole);
	fixture_check(&f);
	whole.addr_intent = POOL_ANY;
	ck_assert_uint_eq(must_grant(second, whole)->local_addr, 0xcb007141);
	ck_assert_int_eq(must_refuse(second, whole), RSIP_LOCAL_ADDR_UNAVAILABLE);
}
END_TEST

/* --- quotas and policies --- */

START_TEST(quotas)
{
	struct session *s = register_host(HOST);
	struct lease_request req = any_ports(21);

	ck_assert_int_eq(must_refuse(s, req), RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	req.n_ports = 20;
	struct binding *b = must_grant(s, req);
	req.n_ports = 1;
	ck_assert_int_eq(must_refuse(s, req), RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	lease_end(&f.ledger, b, LEASE_FREED);
	for (int i = 0; i < 5; i++)
		must_grant(s, req);
	ck_assert_int_eq(must_refuse(s, req), RSIP_LOCAL_ADDRPORT_UNAVAILABLE); /* max-bindings */

	s = register_host(HOST + 1);
	req = (struct lease_request){ .method = RSIP_METHOD_RSIPSEC, .addr_intent = POOL_ANY, .spi_intent = POOL_ANY,
	                              .n_spis = 1, .cookie_intent = POOL_ANY, .cookie_mask = 0xffffffff00000000 };
	must_grant(s, req);
	must_grant(s, req);
	ck_assert_int_eq(must_refuse(s, req), RSIP_IPSEC_SPI_UNAVAILABLE); /* max-cookies */
	req.cookie_intent = POOL_NONE;
	req.n_spis = 19;
	ck_assert_int_eq(must_refuse(s, req), RSIP_IPSEC_SPI_UNAVAILABLE); /* max-spis */
}
END_TEST

/* Policies are checked before anything is looked for, each with the error of RFC 3103 9.8.3. */
START_TEST(flow_policies)
{
	struct session *s = register_host(0x0a000101);
	struct lease_request req = any_ports(2);

	req.remote_addr = 0x08080808;
	req.remote_port = 53;
	req.n_remote_ports = 1;
	ck_assert_int_eq(must_refuse(s, req), RSIP_FLOW_POLICY_VIOLATION); /* two ports under local micro */
	req.n_ports = 1;
	struct binding *b = must_grant(s, req);
	ck_assert_uint_eq(binding_terms(b)->remote_addr, 0x08080808);
	ck_assert_uint_eq(binding_remote_ports(b)[0].first, 53);
	req.remote_port = 0;
	ck_assert_int_eq(must_refuse(s, req), RSIP_FLOW_POLICY_VIOLATION);
	req.remote_port = 53;
	req.n_remote_ports = 2;
	ck_assert_int_eq(must_refuse(s, req), RSIP_FLOW_POLICY_VIOLATION);
	req.n_remote_ports = 1;
	req.remote_addr = 0x0a010203; /* local */
	ck_assert_int_eq(must_refuse(s, req), RSIP_REMOTE_ADDRPORT_UNALLOWED);
	req.remote_addr = 0xe0000001; /* multicast */
	ck_assert_int_eq(must_refuse(s, req), RSIP_REMOTE_ADDRPORT_UNALLOWED);
	req.method = RSIP_METHOD_RSA_IP;
	req.port_intent = POOL_NONE;
	ck_assert_int_eq(must_refuse(s, req), RSIP_FLOW_POLICY_VIOLATION);
	req = any_ports(1);
	req.remote_addr = 0x08080808;
	req.remote_port = 53;
	req.n_remote_ports = 1;
	static const uint8_t tunnels[] = { RSIP_TUNNEL_L2TP, RSIP_TUNNEL_GRE };
	req.n_tunnels = 1;
	req.tunnels = tunnels;
	ck_assert_int_eq(must_refuse(s, req), RSIP_BAD_TUNNEL_TYPE);
	req.n_tunnels = 2;
	ck_assert_uint_eq(must_grant(s, req)->tunnel, RSIP_TUNNEL_GRE); /* any of the list will do */
}
END_TEST

/* One host for each (address, peer) may listen for IKE. */
START_TEST(one_ike_listener)
{
	struct session *first = register_host(HOST), *second = register_host(HOST + 1);
	struct lease_request req = { .method = RSIP_METHOD_RSIPSEC, .addr_intent = POOL_NAMED, .addr = 0xcb007108,
	                             .spi_intent = POOL_ANY, .n_spis = 4, .ike_listener = 0x08080808 };
	struct binding *b = must_grant(first, req);

	ck_assert_int_eq(must_refuse(second, req), RSIP_LOCAL_ADDRPORT_INUSE);
	req.addr = 0xcb007109;
	must_grant(second, req);
	lease_end(&f.ledger, b, LEASE_FREED);
	req.addr = 0xcb007108;
	must_grant(second, req); /* listeners are not held */
	fixture_check(&f);
}
END_TEST

/* --- reload --- */

START_TEST(reload)
{
	struct session *s = register_host(HOST), *gone = register_host(HOST + 200);
	struct binding *b = must_grant(s, named_ports(0xcb007108, 1000, 1003)), *c = must_grant(gone, any_ports(1));
	struct conf *old = f.conf;

	f.conf = fixture_conf("pool \"b\" { addresses = { \"203.0.113.9-203.0.113.10\" } methods = { \"rsap-ip\" } }\n"
	                      "policy \"q\" { pools = { \"b\" } lease = \"1m\" }\n"
	                      "host \"10.0.0.0/25\" { policy = \"q\" }\n");
	registration_set_conf(&f.ledger, f.conf);
	conf_free(old);
	fixture_check(&f);

	/* Leases go on; one of a pool that vanished is not prolonged; nor is one of a host that no section covers. */
	ck_assert_int_eq(lease_extend(&f.ledger, b, 0, &why), RSIP_LOCAL_ADDR_UNALLOWED);
	ck_assert_int_eq(lease_extend(&f.ledger, c, 0, &why), RSIP_REGISTRATION_DENIED);
	ck_assert_int_eq(must_refuse(gone, any_ports(1)), RSIP_REGISTRATION_DENIED);
	struct binding *fresh = must_grant(s, any_ports(1));
	ck_assert_uint_eq(fresh->local_addr, 0xcb007109);
	ck_assert_uint_eq(lease_seconds_left(fresh->expires), 60);
	ck_assert_uint_eq(pool_totals(f.ledger.pool, &f.conf->pools[0]).bindings, 1);
	fixture_pass_ms(301 * 1000);
	expire_due(&f.ledger);
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 0);
	fixture_check(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lease");
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, random_history, 0, 6);
	tcase_add_test(tc, lease_times);
	tcase_add_test(tc, expiry_tells_the_host);
	tcase_add_test(tc, expired_while_down);
	tcase_add_test(tc, hold_down);
	tcase_add_test(tc, whole_addresses_are_held_too);
	tcase_add_test(tc, quotas);
	tcase_add_test(tc, flow_policies);
	tcase_add_test(tc, one_ike_listener);
	tcase_add_test(tc, reload);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
