/* demux: the tables against a naive twin that keeps bindings in a list, under random changes; then edges by hand. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "demux.h"
#include "log.h"
#include "run_suite.h"

#define ADDRS 4
#define HOSTS 6
#define TWIN_MAX 40

struct twin_binding {
	struct dp_bind lease;
	struct port_range ports;
	struct spi_range spis;
	unsigned generation;
};

static struct twin_binding twin[TWIN_MAX];
static size_t n_twin;
static unsigned twin_generation;
static struct demux *d;

static void
host_new_cb(struct demux_host *host, void *arg)
{
	(void)arg;
	host->path_mtu = 1500;
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

static void
setup(void)
{
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };

	log_init("check_demux", LOG_TO_NONE, LOG_LVL_ERROR, false);
	d = demux_new(&events);
	n_twin = 0;
	twin_generation = 0;
}

static void
teardown(void)
{
	demux_free(d);
}

/* ---- the twin ---- */

static bool
overlap(uint32_t a_first, uint32_t a_last, uint32_t b_first, uint32_t b_last)
{
	return a_first <= b_last && b_first <= a_last;
}

static bool
twin_conflict(const struct twin_binding *a, const struct twin_binding *b)
{
	uint64_t mask = a->lease.cookie_mask & b->lease.cookie_mask;

	if (a->lease.local_addr != b->lease.local_addr)
		return false;
	if (a->lease.method == RSIP_METHOD_RSA_IP || b->lease.method == RSIP_METHOD_RSA_IP)
		return true;
	if (a->lease.n_ports > 0 && b->lease.n_ports > 0 && overlap(a->ports.first, a->ports.last, b->ports.first, b->ports.last))
		return true;
	if (a->lease.n_spis > 0 && b->lease.n_spis > 0 && overlap(a->spis.first, a->spis.last, b->spis.first, b->spis.last))
		return true;
	if ((a->lease.flags & b->lease.flags & DP_F_COOKIE_BLOCK) != 0 &&
	    (a->lease.cookie_value & mask) == (b->lease.cookie_value & mask))
		return true;
	return (a->lease.flags & b->lease.flags & DP_F_IKE_LISTENER) != 0 && a->lease.ike_listener == b->lease.ike_listener;
}

static void
twin_remove(size_t i)
{
	twin[i] = twin[--n_twin];
}

static void
twin_bind(const struct twin_binding *b)
{
	for (size_t i = 0; i < n_twin;) {
		if (twin[i].lease.bind_id == b->lease.bind_id || twin_conflict(&twin[i], b))
			twin_remove(i);
		else
			i++;
	}
	ck_assert_uint_lt(n_twin, TWIN_MAX);
	twin[n_twin] = *b;
	twin[n_twin++].generation = twin_generation;
}

/* ---- both ---- */

static uint32_t
random_below(uint32_t n)
{
	return (uint32_t)random() % n;
}

static struct twin_binding
random_binding(void)
{
	static const uint64_t masks[] = { 0xff00000000000000, 0xf000000000000000, 0xffff000000000000, 0xffffffffffffff00 };
	struct twin_binding b = { .lease = { .op = DP_BIND, .bind_id = 1 + random_below(30), .host_addr = 100 + random_below(HOSTS),
		                             .local_addr = 10 + random_below(ADDRS), .tunnel = RSIP_TUNNEL_IP_IP,
		                             .max_claims = 2 } };
	uint32_t first = 1 + random_below(600), how = random_below(20);

	b.ports = (struct port_range){ (uint16_t)first, (uint16_t)(first + random_below(40)) };
	b.spis = (struct spi_range){ 256 + first * 8, 256 + first * 8 + random_below(64) };
	b.lease.method = how == 0 ? RSIP_METHOD_RSA_IP : how < 10 ? RSIP_METHOD_RSAP_IP : RSIP_METHOD_RSIPSEC;
	if (b.lease.method == RSIP_METHOD_RSAP_IP)
		b.lease.n_ports = 1;
	if (b.lease.method == RSIP_METHOD_RSIPSEC) {
		b.lease.n_spis = 1;
		b.lease.flags = (random_below(2) ? DP_F_COOKIE_BLOCK : 0) | (random_below(3) == 0 ? DP_F_IKE_LISTENER : 0);
		b.lease.ike_listener = 7000 + random_below(4);
	}
	if ((b.lease.flags & DP_F_COOKIE_BLOCK) != 0) {
		b.lease.cookie_mask = masks[random_below(4)];
		b.lease.cookie_value = ((uint64_t)random_below(16) << 56 | random_below(16)) & b.lease.cookie_mask;
	}
	return b;
}

static void
both_bind(const struct twin_binding *b)
{
	demux_bind(d, &b->lease, &b->ports, &b->spis, NULL, NULL);
	twin_bind(b);
}

static void
both_unbind(uint32_t id)
{
	demux_unbind(d, id);
	for (size_t i = 0; i < n_twin; i++) {
		if (twin[i].lease.bind_id == id)
			twin_remove(i--);
	}
}

static void
both_sync(void)
{
	demux_sync_begin(d);
	twin_generation++;
	for (unsigned i = 0; i < 8; i++) {
		struct twin_binding b = n_twin > 0 && i < 5 ? twin[random_below((uint32_t)n_twin)] : random_binding();

		both_bind(&b);
	}
	ck_assert(demux_sync_end(d));
	for (size_t i = 0; i < n_twin; i++) {
		if (twin[i].generation != twin_generation)
			twin_remove(i--);
	}
}

static uint32_t
id_of(const struct demux_binding *b)
{
	return b != NULL ? b->lease.bind_id : 0;
}

static uint32_t
twin_whole(ip4_t addr)
{
	for (size_t i = 0; i < n_twin; i++) {
		if (twin[i].lease.local_addr == addr && twin[i].lease.method == RSIP_METHOD_RSA_IP)
			return twin[i].lease.bind_id;
	}
	return 0;
}

#define TWIN_FIND(name, type, test)                                          \
	static uint32_t name(ip4_t addr, type x)                               \
	{                                                                      \
		for (size_t i = 0; i < n_twin; i++) {                                \
			const struct twin_binding *b = &twin[i];                           \
			if (b->lease.local_addr == addr && (test))                         \
				return b->lease.bind_id;                                         \
		}                                                                    \
		return 0;                                                            \
	}

TWIN_FIND(twin_port, uint16_t, b->lease.n_ports > 0 && x >= b->ports.first && x <= b->ports.last)
TWIN_FIND(twin_spi, uint32_t, b->lease.n_spis > 0 && x >= b->spis.first && x <= b->spis.last)
TWIN_FIND(twin_cookie, uint64_t, (b->lease.flags & DP_F_COOKIE_BLOCK) != 0 &&
          (x & b->lease.cookie_mask) == b->lease.cookie_value)
TWIN_FIND(twin_listener, ip4_t, (b->lease.flags & DP_F_IKE_LISTENER) != 0 && x == b->lease.ike_listener)

static void
compare_addr(ip4_t addr)
{
	const struct addr_table *t = demux_addr(d, addr);
	struct demux_key key = { .local_addr = addr, .kind = DEMUX_PORT };

	if (t == NULL) {
		for (size_t i = 0; i < n_twin; i++)
			ck_assert_uint_ne(twin[i].lease.local_addr, addr);
		return;
	}
	ck_assert_uint_eq(id_of(t->whole), twin_whole(addr));
	for (unsigned i = 0; i < 700; i++) {
		uint64_t cookie = (uint64_t)random_below(256) << 56 | random_below(256);

		ck_assert_uint_eq(id_of(addr_table_port(t, (uint16_t)i)), twin_port(addr, (uint16_t)i));
		ck_assert_uint_eq(id_of(addr_table_spi(t, 256 + i * 8)), twin_spi(addr, 256 + i * 8));
		ck_assert_uint_eq(id_of(addr_table_cookie(t, cookie)), twin_cookie(addr, cookie));
		key.local_port = (uint16_t)i;
		ck_assert_uint_eq(id_of(demux_owner(d, &key)), t->whole ? twin_whole(addr) : twin_port(addr, (uint16_t)i));
	}
	for (ip4_t peer = 7000; peer < 7004; peer++)
		ck_assert_uint_eq(id_of(addr_table_listener(t, peer)), twin_listener(addr, peer));
}

static void
compare(void)
{
	for (ip4_t addr = 10; addr < 10 + ADDRS; addr++)
		compare_addr(addr);
	for (ip4_t host = 100; host < 100 + HOSTS; host++) {
		bool there = false;

		for (size_t i = 0; i < n_twin; i++)
			there = there || twin[i].lease.host_addr == host;
		ck_assert_int_eq(demux_host(d, host) != NULL, there);
	}
	for (size_t i = 0; i < n_twin; i++)
		ck_assert_ptr_nonnull(demux_binding(d, twin[i].lease.bind_id));
}

START_TEST(as_the_twin)
{
	srandom((unsigned)_i + 1);
	for (int step = 0; step < 300; step++) {
		uint32_t what = random_below(20);

		if (what == 0) {
			both_sync();
		} else if (what < 7) {
			both_unbind(1 + random_below(30));
		} else {
			struct twin_binding b = random_binding();
			both_bind(&b);
		}
		if (step % 10 == 0)
			compare();
	}
	compare();
}
END_TEST

/* ---- edges ---- */

static void
bind_ports(uint32_t id, ip4_t host, uint16_t first, uint16_t last)
{
	const struct dp_bind lease = { .op = DP_BIND, .bind_id = id, .host_addr = host, .local_addr = 10, .n_ports = 1,
		                       .method = RSIP_METHOD_RSAP_IP, .tunnel = RSIP_TUNNEL_IP_IP };
	const struct port_range ports = { first, last };

	demux_bind(d, &lease, &ports, NULL, NULL, NULL);
}

START_TEST(all_ports)
{
	bind_ports(1, 100, 1, 65535);
	ck_assert_ptr_null(addr_table_port(demux_addr(d, 10), 0));
	ck_assert_uint_eq(id_of(addr_table_port(demux_addr(d, 10), 1)), 1);
	ck_assert_uint_eq(id_of(addr_table_port(demux_addr(d, 10), 65535)), 1);
	demux_unbind(d, 1);
	ck_assert_ptr_null(demux_addr(d, 10));
	ck_assert_ptr_null(demux_host(d, 100));
}
END_TEST

START_TEST(last_spis)
{
	const struct dp_bind lease = { .op = DP_BIND, .bind_id = 1, .host_addr = 100, .local_addr = 10, .n_spis = 2,
		                       .method = RSIP_METHOD_RSIPSEC, .tunnel = RSIP_TUNNEL_IP_IP };
	const struct spi_range spis[] = { { 0xffffffff, 0xffffffff }, { 256, 256 } };

	demux_bind(d, &lease, NULL, spis, NULL, NULL);
	ck_assert_uint_eq(id_of(addr_table_spi(demux_addr(d, 10), 0xffffffff)), 1);
	ck_assert_uint_eq(id_of(addr_table_spi(demux_addr(d, 10), 256)), 1);
	ck_assert_ptr_null(addr_table_spi(demux_addr(d, 10), 0xfffffffe));
	ck_assert_ptr_null(addr_table_spi(demux_addr(d, 10), 257));
	ck_assert_ptr_null(addr_table_spi(demux_addr(d, 10), 0));
}
END_TEST

START_TEST(told_again_it_keeps_what_it_learned)
{
	const struct learned_key key = { .kind = LEARNED_ICMP_ID, .local_addr = 10, .value = 7 };
	struct demux_binding *b;

	bind_ports(1, 100, 1024, 2047);
	b = demux_binding(d, 1);
	learned_add(demux_learned(d), &key, &b->host->learner, b, 0);
	bind_ports(1, 100, 1024, 3000);
	ck_assert_uint_eq(id_of(addr_table_port(demux_addr(d, 10), 3000)), 1);
	ck_assert_ptr_nonnull(learned_find(demux_learned(d), &key));
	bind_ports(1, 101, 1024, 2047); /* the host has moved */
	ck_assert_ptr_eq(learned_find(demux_learned(d), &key)->learner, &demux_host(d, 101)->learner);
	ck_assert_ptr_eq(demux_binding(d, 1)->host, demux_host(d, 101));
	ck_assert_ptr_null(demux_host(d, 100));
	demux_unbind(d, 1);
	ck_assert_ptr_null(learned_find(demux_learned(d), &key));
	ck_assert_ptr_null(demux_host(d, 101));
}
END_TEST

START_TEST(pools)
{
	const struct dp_pool range = { .op = DP_POOL, .addresses = { 1000, 1999 } }, low = { .op = DP_POOL, .addresses = { 5, 5 } };
	const struct dp_pool own = { .op = DP_POOL, .addresses = { 1500, 1500 }, .own = true };

	ck_assert(!demux_add_pool(d, &range));
	ck_assert(!demux_sync_end(d));
	demux_sync_begin(d);
	ck_assert(demux_add_pool(d, &range) && demux_add_pool(d, &low) && demux_add_pool(d, &own));
	ck_assert_ptr_null(demux_pool(d, 1000)); /* not before it is complete */
	ck_assert(demux_sync_end(d));
	ck_assert_ptr_nonnull(demux_pool(d, 5));
	ck_assert_ptr_nonnull(demux_pool(d, 1000));
	ck_assert_ptr_nonnull(demux_pool(d, 1999));
	ck_assert_ptr_null(demux_pool(d, 999));
	ck_assert_ptr_null(demux_pool(d, 2000));
	ck_assert(demux_pool(d, 1500)->own);
	ck_assert(!demux_pool(d, 1501)->own);
	demux_sync_begin(d);
	ck_assert_ptr_nonnull(demux_pool(d, 1500));
	ck_assert(demux_sync_end(d));
	ck_assert_ptr_null(demux_pool(d, 1500));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("demux");
	TCase *tc = tcase_create("demux");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, as_the_twin, 0, 10);
	tcase_add_test(tc, all_ports);
	tcase_add_test(tc, last_spis);
	tcase_add_test(tc, told_again_it_keeps_what_it_learned);
	tcase_add_test(tc, pools);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
