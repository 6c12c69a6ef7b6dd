/* The control process's end of the socket to the data plane: what a data plane hears, fast or slow, started early or
 * late. The other end here keeps what dataplane.h says it has to keep. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp_client.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "loop.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"
#include "xdp_slots.h"
#include "xdp_tables.h"

static const char conf_text[] =
    "pool \"a\" { addresses = { \"203.0.113.1-203.0.113.9\" } methods = { \"rsap-ip\", \"rsipsec\" } }\n"
    "pool \"b\" { addresses = { \"203.0.113.64/30\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"b\" } max-bindings = 10000 max-ports = 60000 max-cookies = 7 }\n"
    "policy \"named\" { pools = { \"a\" } remote-flow = \"macro\" deny-remotes = { \"198.51.100.13\" } }\n"
    "host \"10.0.0.0/8\" { policy = \"p\" }\n"
    "host \"10.1.0.0/16\" { policy = \"named\" }\n";

static struct fixture f;
static struct loop *loop;
static struct dp_client *dp;
static const ip4_t own[] = { 0xcb007101 };
static unsigned violations;

/* The data plane: bind IDs, with the mark of the synchronisation that told them. */
struct told { uint32_t bind_id; unsigned sync; UT_hash_handle hh; };
static struct told *told;
static unsigned syncs, pools, claims_told;
static bool in_sync, own_told;
static int relay = -1;
static struct dp_bind latest; /* and its remote addresses */
static ip4_t latest_addrs[DP_REMOTE_ADDRS_MAX];

static void
on_violation(void *arg, const struct dp_violation *v)
{
	(void)arg;
	ck_assert_uint_eq(v->host_addr, 0x0a00000a);
	violations++;
}

static void
setup(void)
{
	const struct dp_client_events events = { on_violation, NULL };

	random_seed(3);
	fixture_start(&f, conf_text);
	f.conf->mss_clamp = true;
	loop = loop_new();
	dp = dp_client_new(loop, &f.ledger.bindings, f.conf, own, 1, &events);
	f.ledger.dataplane = dp_client_ops(dp);
	syncs = pools = claims_told = violations = 0;
	in_sync = own_told = false;
}

static void
forget_told(unsigned but)
{
	struct told *t, *tmp;

	HASH_ITER(hh, told, t, tmp) {
		if (t->sync != but) {
			HASH_DELETE(hh, told, t);
			free(t);
		}
	}
}

static void
teardown(void)
{
	dp_client_free(dp);
	forget_told(UINT32_MAX);
	if (relay >= 0)
		close(relay);
	loop_free(loop);
	fixture_end(&f);
}

/* --- the data plane --- */

static void
hear_bind(const uint8_t *bytes)
{
	struct dp_bind m;
	struct told *t;

	memcpy(&m, bytes, sizeof(m));
	latest = m;
	memcpy(latest_addrs, bytes + sizeof(m) + (m.n_ports + m.n_remote_ports) * sizeof(struct port_range) +
	       m.n_spis * sizeof(struct spi_range), m.n_remote_addrs * sizeof(ip4_t));
	HASH_FIND(hh, told, &m.bind_id, sizeof(m.bind_id), t);
	if (t == NULL) {
		t = calloc(1, sizeof(*t));
		t->bind_id = m.bind_id;
		HASH_ADD(hh, told, bind_id, sizeof(t->bind_id), t);
	}
	t->sync = syncs;
	ck_assert_uint_eq(m.max_claims, m.method == RSIP_METHOD_RSIPSEC ? 7 : 0);
	ck_assert_uint_eq(m.gateway_addr, 0x0a000001);
}

static void
hear_unbind(const uint8_t *bytes)
{
	struct dp_unbind m;
	struct told *t;

	memcpy(&m, bytes, sizeof(m));
	HASH_FIND(hh, told, &m.bind_id, sizeof(m.bind_id), t);
	if (t != NULL) {
		HASH_DELETE(hh, told, t);
		free(t);
	}
}

static void
hear_pool(const uint8_t *bytes)
{
	struct dp_pool m;

	memcpy(&m, bytes, sizeof(m));
	ck_assert(in_sync);
	if (m.ports.first != 1) /* else of no pool any more */
		ck_assert_int_eq(m.shared, m.addresses.last <= 0xcb007109);
	ck_assert_int_eq(m.mss_clamp, f.conf->mss_clamp);
	if (m.own)
		own_told = m.addresses.first == own[0] && m.addresses.last == own[0];
	pools++;
}

static void
hear_message(const uint8_t *bytes, size_t len)
{
	uint32_t op;

	ck_assert(dp_message_valid(bytes, len));
	memcpy(&op, bytes, sizeof(op));
	switch (op) {
	case DP_SYNC_BEGIN:
		syncs++;
		in_sync = true;
		pools = 0;
		break;
	case DP_SYNC_END:
		in_sync = false;
		forget_told(syncs);
		break;
	case DP_BIND: hear_bind(bytes); break;
	case DP_UNBIND: hear_unbind(bytes); break;
	case DP_POOL: hear_pool(bytes); break;
	case DP_CLAIM: claims_told++; break;
	default: ck_abort_msg("operation %u", op);
	}
}

/* One packet; false when there is none. */
static bool
hear_one(void)
{
	static uint8_t bytes[DP_PACKET_MAX];
	ssize_t n = recv(relay, bytes, sizeof(bytes), MSG_DONTWAIT);

	for (size_t at = 0, len; n > 0 && at < (size_t)n; at += len) {
		len = dp_message_length(bytes + at, (size_t)n - at);
		hear_message(bytes + at, len);
	}
	return n > 0;
}

static void
connect_relay(void)
{
	int fds[2];

	if (relay >= 0)
		close(relay);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	relay = fds[1];
	dp_client_connect(dp, fds[0]);
}

static void
hear_all(void)
{
	for (int quiet = 0; quiet < 3; quiet++) {
		loop_once(loop, false);
		while (hear_one())
			quiet = 0;
	}
}

static void
check_in_step(void)
{
	struct binding_cursor cursor;
	const struct binding *b;
	struct told *t;

	binding_cursor_start(&cursor, &f.ledger.bindings);
	ck_assert(!in_sync);
	ck_assert_uint_eq(HASH_COUNT(told), binding_count(&f.ledger.bindings));
	while ((b = binding_cursor_next(&cursor)) != NULL) {
		HASH_FIND(hh, told, &b->bind_id, sizeof(b->bind_id), t);
		ck_assert_ptr_nonnull(t);
	}
}

/* --- the ledger --- */

static struct binding *
lease_something(void)
{
	struct session *s = session_find(&f.ledger.sessions, 0x0a00000a);
	struct lease_request req = { .addr_intent = POOL_ANY };
	struct refusal why;
	struct binding *b = NULL;

	if (s == NULL)
		s = registration_begin(&f.ledger, 0x0a00000a, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
	req.method = random_below(2) ? RSIP_METHOD_RSAP_IP : RSIP_METHOD_RSIPSEC;
	req.port_intent = POOL_ANY;
	req.n_ports = 1;
	if (req.method == RSIP_METHOD_RSIPSEC) {
		req.spi_intent = POOL_ANY;
		req.n_spis = 1;
	}
	lease_grant(&f.ledger, s, &req, &b, &why);
	return b;
}

static void
end_something(void)
{
	struct binding_cursor cursor;
	struct binding *b;

	binding_cursor_start(&cursor, &f.ledger.bindings);
	b = binding_cursor_next(&cursor);
	for (uint64_t i = random_below(binding_count(&f.ledger.bindings) + 1); i > 0 && b != NULL; i--)
		b = binding_cursor_next(&cursor);
	if (b != NULL)
		lease_end(&f.ledger, b, LEASE_FREED);
}

/* --- */

/* With no relay to hear of it, or with one that will not come to it. */
START_TEST(what_ends_is_stopped_in_the_fast_path)
{
	static struct xdp_binding bindings[1024];
	static struct xdp_terms terms[1024];
	static struct xdp_count in[1024], out[1024];
	struct xdp_tables tables = {
		.bindings = bindings, .terms = terms, .counts_in = in, .counts_out = out, .sizes = { .bindings = 1024 },
	};
	struct binding *ends = lease_something(), *stays = lease_something();
	uint32_t bind_id = ends->bind_id, slot = xdp_slots_take(&tables, bind_id, 1);

	xdp_slots_publish(&tables, slot, 0);
	xdp_slots_publish(&tables, xdp_slots_take(&tables, stays->bind_id, 1), 0);
	dp_client_set_xdp(dp, &tables);
	ck_assert_uint_eq(xdp_slots_find(&tables, bind_id), slot);
	lease_end(&f.ledger, ends, LEASE_FREED);
	ck_assert_uint_eq(xdp_slots_find(&tables, bind_id), 0);
	ck_assert_uint_ne(xdp_slots_find(&tables, stays->bind_id), 0);
	ck_assert_uint_eq(terms[slot].bind_id, bind_id); /* which the relay's sweep looks for */
}
END_TEST

START_TEST(everything_then_changes)
{
	for (int i = 0; i < 20; i++)
		lease_something();
	connect_relay();
	hear_all();
	check_in_step();
	ck_assert_uint_eq(syncs, 1);
	ck_assert_uint_eq(pools, 3); /* two ranges, and the own address by itself */
	ck_assert(own_told);
	for (int i = 0; i < 20; i++) {
		lease_something();
		end_something();
	}
	hear_all();
	check_in_step();
	ck_assert_uint_eq(syncs, 1);
}
END_TEST

/* A data plane that reads a message now and then, or not at all for a while, while leases come and go. */
START_TEST(slow_reader)
{
	random_seed((uint64_t)_i + 9);
	for (int i = 0; i < 400; i++)
		lease_something();
	connect_relay();
	for (int i = 0; i < 1500; i++) {
		if (random_below(5) < 3)
			lease_something();
		else
			end_something();
		loop_once(loop, false);
		for (uint64_t n = random_below(3); n > 0; n--)
			hear_one();
	}
	hear_all();
	check_in_step();
}
END_TEST

/* More changes than are worth keeping: everything is told again instead. */
START_TEST(stopped_reader)
{
	connect_relay();
	hear_all();
	for (int i = 0; i < 20000; i++) {
		lease_something();
		end_something();
	}
	ck_assert_ptr_nonnull(lease_something());
	hear_all();
	check_in_step();
	ck_assert_uint_ge(syncs, 2);
}
END_TEST

START_TEST(relay_started_anew)
{
	for (int i = 0; i < 10; i++)
		lease_something();
	connect_relay();
	hear_all();
	close(relay);
	relay = -1;
	loop_once(loop, false); /* it is gone: leases go on */
	lease_something();
	end_something();
	forget_told(UINT32_MAX);
	connect_relay();
	hear_all();
	check_in_step();
}
END_TEST

/* Learned cookies are kept, told to the next data plane, and go with their binding. */
START_TEST(claims)
{
	struct dp_claim claim = { .op = DP_CLAIMED, .local_addr = 0xcb007102, .peer = 1 };
	struct binding *b;

	do {
		b = lease_something();
	} while (b->method != RSIP_METHOD_RSIPSEC);
	connect_relay();
	hear_all();
	claim.bind_id = b->bind_id;
	for (uint64_t cookie = 1; cookie <= 3; cookie++) {
		claim.cookie = cookie;
		send(relay, &claim, sizeof(claim), 0);
	}
	send(relay, &claim, sizeof(claim), 0); /* told twice */
	claim.bind_id = 4711;                  /* nobody's */
	send(relay, &claim, sizeof(claim), 0);
	hear_all();
	ck_assert_uint_eq(dp_client_n_claims(dp), 3);
	claim = (struct dp_claim){ .op = DP_UNCLAIMED, .bind_id = b->bind_id, .local_addr = 0xcb007102, .cookie = 2 };
	send(relay, &claim, sizeof(claim), 0);
	hear_all();
	ck_assert_uint_eq(dp_client_n_claims(dp), 2);
	claim = (struct dp_claim){ .op = DP_CLAIMED, .bind_id = b->bind_id, .local_addr = 0xcb007102 };
	for (claim.peer = 1; claim.peer <= 2; claim.peer++) /* sessions with two peers */
		send(relay, &claim, sizeof(claim), 0);
	hear_all();
	ck_assert_uint_eq(dp_client_n_claims(dp), 4);
	claim = (struct dp_claim){ .op = DP_UNCLAIMED, .bind_id = b->bind_id, .local_addr = 0xcb007102, .peer = 2 };
	send(relay, &claim, sizeof(claim), 0);
	hear_all();
	connect_relay();
	hear_all();
	ck_assert_uint_eq(claims_told, 3);
	lease_end(&f.ledger, b, LEASE_FREED);
	ck_assert_uint_eq(dp_client_n_claims(dp), 0);
}
END_TEST

START_TEST(what_it_says)
{
	struct dp_violation v = { .op = DP_VIOLATION, .host_addr = 0x0a00000a, .error = RSIP_LOCAL_ADDR_UNALLOWED };

	connect_relay();
	hear_all();
	send(relay, &v, sizeof(v), 0);
	send(relay, &v, sizeof(v) - 1, 0); /* not a message: counted by nobody */
	send(relay, "junk", 4, 0);
	hear_all();
	ck_assert_uint_eq(violations, 1);
}
END_TEST

/* After a reload leases of an address that no pool has any more are still told, with the address. */
START_TEST(reload)
{
	struct conf *old = f.conf;

	lease_something();
	connect_relay();
	hear_all();
	f.conf = fixture_conf("pool \"b\" { addresses = { \"203.0.113.64/30\" } methods = { \"rsa-ip\" } }\n"
	                      "policy \"p\" { pools = { \"b\" } max-cookies = 7 }\n"
	                      "host \"10.0.0.0/8\" { policy = \"p\" }\n");
	ledger_set_conf(&f.ledger, f.conf);
	dp_client_resync(dp, f.conf);
	conf_free(old);
	hear_all();
	check_in_step();
	ck_assert_uint_eq(syncs, 2);
	ck_assert_uint_eq(pools, 2);
}
END_TEST

/* A remote side that is a name: its addresses, but for those that the policy denies, and others when there are others. */
START_TEST(a_name_and_its_addresses)
{
	static const ip4_t addrs[] = { 0xc6336407, 0xc633640d, 0xc6336408 };
	struct session *s = registration_begin(&f.ledger, 0x0a010001, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
	static struct lease_request req = { .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY, .port_intent = POOL_ANY,
	                                    .n_ports = 1, .listen = true, .remote_name = "a.example",
	                                    .remote_name_len = 9 };
	struct binding *b;
	struct refusal why;

	connect_relay();
	ck_assert_int_eq(lease_grant(&f.ledger, s, &req, &b, &why), LEASE_LATER);
	remote_names_answer(f.names, "a.example", addrs, 2, 60);
	ck_assert_int_eq(lease_grant(&f.ledger, s, &req, &b, &why), RSIP_OK);
	hear_all();
	ck_assert_uint_eq(latest.bind_id, b->bind_id);
	ck_assert_uint_eq(latest.flags, DP_F_REMOTE_NAME | DP_F_LISTEN);
	ck_assert_uint_eq(latest.remote_addr, DP_REMOTE_NOBODY);
	ck_assert_uint_eq(latest.n_remote_addrs, 1);
	ck_assert_uint_eq(latest_addrs[0], addrs[0]);
	fixture_pass_ms(60000);
	remote_names_due(f.names);
	remote_names_answer(f.names, "a.example", addrs, 3, 60);
	hear_all();
	ck_assert_uint_eq(latest.n_remote_addrs, 2);
	ck_assert_uint_eq(latest_addrs[1], addrs[2]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dp_client");
	TCase *tc = tcase_create("dp_client");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_name_and_its_addresses);
	tcase_add_test(tc, everything_then_changes);
	tcase_add_loop_test(tc, slow_reader, 0, 3);
	tcase_add_test(tc, stopped_reader);
	tcase_add_test(tc, relay_started_anew);
	tcase_add_test(tc, claims);
	tcase_add_test(tc, what_it_says);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, what_ends_is_stopped_in_the_fast_path);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
