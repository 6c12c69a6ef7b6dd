/* dp_apply and dp_server: control's messages, good and bad, and the reports that go back, over a real socketpair. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dp_apply.h"
#include "dp_server.h"
#include "ike_demux.h"
#include "log.h"
#include "run_suite.h"

#define ADDR 10
#define PEER 77

static struct demux *d;
static struct dp_server *server;
static int control;

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)arg;
	dp_server_forgotten(server, item);
}

static void
host_new_cb(struct demux_host *host, void *arg)
{
	(void)arg;
	host->path_mtu = 1500;
}

static void
connect_control(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	control = pair[0];
	dp_server_connect(server, pair[1]);
}

static void
tell(const void *message, size_t len)
{
	ck_assert_int_eq(send(control, message, len, 0), (ssize_t)len);
	ck_assert(dp_server_poll(server, 0));
}

static void
tell_op(uint32_t op)
{
	const struct dp_sync m = { op };

	tell(&m, sizeof(m));
}

static void
setup(void)
{
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };

	log_init("check_dp_server", LOG_TO_NONE, LOG_LVL_ERROR, false);
	d = demux_new(&events);
	server = dp_server_new(d);
	connect_control();
	tell_op(DP_SYNC_BEGIN);
	tell_op(DP_SYNC_END);
}

static void
teardown(void)
{
	close(control);
	demux_free(d);
	dp_server_free(server);
}

struct bind_message {
	struct dp_bind lease;
	struct spi_range spis;
};

static struct bind_message
ipsec(uint32_t id, ip4_t host)
{
	return (struct bind_message){
		.lease = { .op = DP_BIND, .bind_id = id, .client_id = id, .host_addr = host, .local_addr = ADDR, .n_spis = 1,
		           .method = RSIP_METHOD_RSIPSEC, .tunnel = RSIP_TUNNEL_IP_IP, .max_claims = 8 },
		.spis = { id * 1000, id * 1000 + 9 },
	};
}

static void
host_sends_ike(uint32_t bind_id, uint64_t cookie, int64_t now)
{
	const struct demux_key key = { .kind = DEMUX_IKE, .local_addr = ADDR, .peer_addr = PEER, .initiator_cookie = cookie };
	unsigned claims;

	ck_assert_int_eq(ike_send(d, &key, demux_binding(d, bind_id), now, &claims), DP_NO_DROP);
	if (claims > 0)
		dp_server_tell_claims(server);
}

/* The next report, which must be of this operation, into message; 0 when there is none. */
static uint32_t
hear(void *message, size_t len)
{
	uint8_t bytes[256];
	ssize_t n = recv(control, bytes, sizeof(bytes), MSG_DONTWAIT);
	uint32_t op;

	if (n < 0)
		return 0;
	ck_assert(dp_message_valid(bytes, (size_t)n));
	ck_assert_uint_eq((size_t)n, len);
	memcpy(message, bytes, len);
	memcpy(&op, bytes, sizeof(op));
	return op;
}

static void
hear_claim(uint32_t op, uint32_t bind_id, uint64_t cookie)
{
	struct dp_claim c;

	ck_assert_uint_eq(hear(&c, sizeof(c)), op);
	ck_assert_uint_eq(c.bind_id, bind_id);
	ck_assert_uint_eq(c.local_addr, ADDR);
	ck_assert_uint_eq(c.peer, PEER);
	ck_assert_uint_eq(c.cookie, cookie);
}

/* A session, which has no cookie. */
static void
hear_session(uint32_t op, uint32_t bind_id)
{
	hear_claim(op, bind_id, 0);
}

static void
hear_nothing(void)
{
	uint8_t bytes[1];

	ck_assert_int_eq(recv(control, bytes, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(claims_are_told_once)
{
	struct bind_message m = ipsec(1, 100);

	tell(&m, sizeof(m));
	host_sends_ike(1, 0xaa, 0);
	hear_claim(DP_CLAIMED, 1, 0xaa);
	hear_session(DP_CLAIMED, 1);
	host_sends_ike(1, 0xaa, 1000);
	hear_nothing();
	learned_expire(demux_learned(d), 1000 + 4 * 3600 * 1000);
	hear_claim(DP_UNCLAIMED, 1, 0xaa);
	hear_session(DP_UNCLAIMED, 1);
}
END_TEST

/* A host with a leased block learns no cookie, but speaks with somebody. */
START_TEST(sessions_are_told)
{
	struct bind_message m = ipsec(1, 100);

	m.lease.flags = DP_F_COOKIE_BLOCK;
	m.lease.cookie_mask = ~UINT64_C(0xffff);
	m.lease.cookie_value = 0xaa0000;
	tell(&m, sizeof(m));
	host_sends_ike(1, 0xaa1234, 0);
	hear_nothing();
	dp_server_tell_claims(server);
	hear_session(DP_CLAIMED, 1);
	host_sends_ike(1, 0xaa4321, 0);
	dp_server_tell_claims(server);
	hear_nothing();
}
END_TEST

/* What only the peer has used is the host's when it answers. */
START_TEST(a_peers_cookies_are_told_when_answered)
{
	const struct demux_key key = { .kind = DEMUX_IKE, .local_addr = ADDR, .peer_addr = PEER, .initiator_cookie = 0xbb };
	struct bind_message m = ipsec(1, 100);

	tell(&m, sizeof(m));
	host_sends_ike(1, 0xaa, 0);
	hear_claim(DP_CLAIMED, 1, 0xaa);
	hear_session(DP_CLAIMED, 1);
	ck_assert_ptr_nonnull(ike_receive(d, &key, NULL, 0));
	dp_server_tell_claims(server);
	hear_nothing();
	host_sends_ike(1, 0xbb, 0);
	hear_claim(DP_CLAIMED, 1, 0xbb);
}
END_TEST

START_TEST(claims_survive_a_restart_of_control)
{
	struct bind_message m = ipsec(1, 100), other = ipsec(2, 101);

	tell(&m, sizeof(m));
	tell(&other, sizeof(other));
	host_sends_ike(1, 0xaa, 0);
	close(control);
	ck_assert(!dp_server_poll(server, 0));
	dp_server_connect(server, -1);
	host_sends_ike(1, 0xbb, 0); /* nobody listens */
	host_sends_ike(2, 0xcc, 0);
	connect_control();
	tell_op(DP_SYNC_BEGIN);
	tell(&m, sizeof(m));
	tell(&(struct dp_claim){ .op = DP_CLAIM, .bind_id = 1, .local_addr = ADDR, .peer = PEER, .cookie = 0xaa },
	     sizeof(struct dp_claim));
	tell_op(DP_SYNC_END);
	hear_claim(DP_CLAIMED, 1, 0xbb); /* 0xaa it knew; 2 is gone */
	hear_session(DP_CLAIMED, 1);
	hear_nothing();
}
END_TEST

START_TEST(a_relay_started_anew_gets_its_claims_back)
{
	struct bind_message m = ipsec(1, 100), other = ipsec(2, 101);
	const struct demux_key key = { .kind = DEMUX_IKE, .local_addr = ADDR, .peer_addr = PEER, .initiator_cookie = 0xaa };
	const struct demux_key unknown = { .kind = DEMUX_IKE, .local_addr = ADDR, .peer_addr = PEER, .initiator_cookie = 0xee };

	tell_op(DP_SYNC_BEGIN);
	tell(&m, sizeof(m));
	tell(&other, sizeof(other));
	tell(&(struct dp_claim){ .op = DP_CLAIM, .bind_id = 1, .local_addr = ADDR, .peer = PEER, .cookie = 0xaa },
	     sizeof(struct dp_claim));
	tell(&(struct dp_claim){ .op = DP_CLAIM, .bind_id = 2, .local_addr = ADDR, .peer = PEER, .cookie = 0xaa },
	     sizeof(struct dp_claim)); /* held already: void */
	tell(&(struct dp_claim){ .op = DP_CLAIM, .bind_id = 9, .local_addr = ADDR, .peer = PEER, .cookie = 0xdd },
	     sizeof(struct dp_claim)); /* no such binding: void */
	tell_op(DP_SYNC_END);
	hear_nothing();
	ck_assert_uint_eq(ike_receive(d, &key, NULL, 0)->lease.bind_id, 1);
	ck_assert_ptr_null(ike_owner(d, &unknown, LOCAL_IS_DST, NULL));
}
END_TEST

/* Else the only host that has spoken since would be taken for the only one with a session. */
START_TEST(a_relay_started_anew_gets_its_sessions_back)
{
	struct bind_message m = ipsec(1, 100), other = ipsec(2, 101);
	const struct demux_key unknown = { .kind = DEMUX_IKE, .local_addr = ADDR, .peer_addr = PEER, .initiator_cookie = 0xee };
	struct dp_claim session = { .op = DP_CLAIM, .bind_id = 1, .local_addr = ADDR, .peer = PEER };

	tell_op(DP_SYNC_BEGIN);
	tell(&m, sizeof(m));
	tell(&other, sizeof(other));
	tell(&session, sizeof(session));
	tell_op(DP_SYNC_END);
	hear_nothing();
	ck_assert_uint_eq(ike_owner(d, &unknown, LOCAL_IS_DST, NULL)->lease.bind_id, 1);
	session.bind_id = 2;
	tell(&session, sizeof(session));
	ck_assert_ptr_null(ike_owner(d, &unknown, LOCAL_IS_DST, NULL));
	ck_assert_int_eq(ike_unowned(d, &unknown, NULL), DP_DROP_AMBIGUOUS_COOKIE);
}
END_TEST

/* Reports that find the socket full: claims come later, violations are lost, nobody waits. */
START_TEST(a_full_socket)
{
	struct bind_message m = ipsec(1, 100);
	struct dp_violation v = { .op = DP_VIOLATION, .host_addr = 100 };
	struct dp_claim c;
	int64_t now = 0;
	unsigned n = 0;

	tell(&m, sizeof(m));
	for (int i = 0; i < 20000; i++, now += 1000)
		dp_server_violation(server, demux_host(d, 100), &v, now);
	host_sends_ike(1, 0xaa, 0);
	while (hear(&v, sizeof(v)) == DP_VIOLATION)
		n++;
	ck_assert_uint_lt(n, 20000);
	hear_nothing();
	dp_server_tell_claims(server);
	ck_assert_uint_eq(hear(&c, sizeof(c)), DP_CLAIMED);
}
END_TEST

START_TEST(violations_are_limited)
{
	struct bind_message m = ipsec(1, 100), other = ipsec(2, 101);
	struct dp_violation v = { .op = DP_VIOLATION, .error = RSIP_LOCAL_ADDR_UNALLOWED };
	unsigned n = 0;

	tell(&m, sizeof(m));
	tell(&other, sizeof(other));
	for (int i = 0; i < 100; i++)
		dp_server_violation(server, demux_host(d, 100), &v, 5000);
	dp_server_violation(server, demux_host(d, 101), &v, 5000); /* has its own share */
	while (hear(&v, sizeof(v)) == DP_VIOLATION)
		n++;
	ck_assert_uint_eq(n, 6);
	n = 0;
	for (int i = 0; i < 1000; i++) {
		dp_server_violation(server, NULL, &v, 5000);
		n += hear(&v, sizeof(v)) == DP_VIOLATION;
	}
	ck_assert_uint_eq(n, 500);
}
END_TEST

/* ---- bad messages ---- */

static void
refused(struct bind_message m)
{
	ck_assert_int_eq(dp_apply(d, &m, sizeof(m), 0), DP_REFUSED);
	ck_assert_ptr_null(demux_binding(d, m.lease.bind_id));
}

START_TEST(bindings_that_make_no_sense)
{
	struct bind_message good = ipsec(1, 100), m;

#define WITH(change) (m = good, m.change, m)
	refused(WITH(lease.bind_id = 0));
	refused(WITH(lease.host_addr = 0));
	refused(WITH(lease.local_addr = 0));
	refused(WITH(lease.method = 0));
	refused(WITH(lease.method = 4));
	refused(WITH(lease.method = RSIP_METHOD_RSA_IP));
	refused(WITH(lease.method = RSIP_METHOD_RSAP_IP));
	refused(WITH(lease.tunnel = 0));
	refused(WITH(lease.tunnel = RSIP_TUNNEL_L2TP));
	refused(WITH(lease.gre_key = 7)); /* of IP-IP */
	refused(WITH(lease.flags = 0x100));
	refused(WITH(lease.flags = DP_F_COOKIE_BLOCK)); /* without a mask */
	refused(WITH(lease.flags = DP_F_REMOTE_PORTS));
	refused(WITH(lease.flags = DP_F_IKE_LISTENER));
	refused(WITH(lease.flags = DP_F_REMOTE_NAME)); /* and any peer at that */
	refused(WITH(lease.n_remote_addrs = DP_REMOTE_ADDRS_MAX + 1));
	refused(WITH(spis.first = 255));
	refused(WITH(spis.last = 999));
	m = good;
	m.lease.flags = DP_F_COOKIE_BLOCK;
	m.lease.cookie_mask = 0xff00;
	m.lease.cookie_value = 0x1200; /* the mask's ones are not first */
	refused(m);
	m.lease.cookie_mask = ~UINT64_C(0xff);
	m.lease.cookie_value = 0x1234; /* bits that the mask leaves free */
	refused(m);
	ck_assert_int_eq(dp_apply(d, &good, sizeof(good), 0), DP_APPLIED);
}
END_TEST

START_TEST(messages_of_wrong_size)
{
	struct bind_message good = ipsec(1, 100);
	uint8_t bytes[sizeof(good) + 1];

	memcpy(bytes, &good, sizeof(good));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		if (len != sizeof(good))
			ck_assert_int_eq(dp_apply(d, bytes, len, 0), DP_REFUSED);
	}
	good.lease.n_spis = DP_RANGES_MAX + 1;
	ck_assert_int_eq(dp_apply(d, &good, sizeof(good), 0), DP_REFUSED);
	for (uint32_t op = 0; op < 12; op++) {
		if (op != DP_SYNC_BEGIN && op != DP_SYNC_END)
			ck_assert_int_eq(dp_apply(d, &op, sizeof(op), 0), DP_REFUSED);
	}
}
END_TEST

START_TEST(out_of_order)
{
	const struct dp_pool pool = { .op = DP_POOL, .addresses = { 5, 6 } };
	const struct dp_sync begin = { DP_SYNC_BEGIN }, end = { DP_SYNC_END };
	struct dp_pool bad = pool;

	ck_assert_int_eq(dp_apply(d, &pool, sizeof(pool), 0), DP_REFUSED);
	ck_assert_int_eq(dp_apply(d, &end, sizeof(end), 0), DP_REFUSED);
	ck_assert_int_eq(dp_apply(d, &begin, sizeof(begin), 0), DP_APPLIED_BEGIN);
	ck_assert_int_eq(dp_apply(d, &pool, sizeof(pool), 0), DP_APPLIED);
	bad.n_ike_ports = 9;
	ck_assert_int_eq(dp_apply(d, &bad, sizeof(bad), 0), DP_REFUSED);
	bad = pool;
	bad.addresses.last = 4;
	ck_assert_int_eq(dp_apply(d, &bad, sizeof(bad), 0), DP_REFUSED);
	ck_assert_int_eq(dp_apply(d, &end, sizeof(end), 0), DP_APPLIED_END);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dp_server");
	TCase *tc = tcase_create("dp_server");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, claims_are_told_once);
	tcase_add_test(tc, a_peers_cookies_are_told_when_answered);
	tcase_add_test(tc, claims_survive_a_restart_of_control);
	tcase_add_test(tc, a_relay_started_anew_gets_its_claims_back);
	tcase_add_test(tc, a_relay_started_anew_gets_its_sessions_back);
	tcase_add_test(tc, sessions_are_told);
	tcase_add_test(tc, a_full_socket);
	tcase_add_test(tc, violations_are_limited);
	tcase_add_test(tc, bindings_that_make_no_sense);
	tcase_add_test(tc, messages_of_wrong_size);
	tcase_add_test(tc, out_of_order);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
