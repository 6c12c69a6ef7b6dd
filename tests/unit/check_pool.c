/* The pool against a naive twin: long random histories of leasing, freeing, holding and letting go in a universe small
 * enough that the twin can look at every number. Then the edges, one by one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "pool_state.h"
#include "random.h"
#include "run_suite.h"

static struct ip4_range addresses[] = { { 0xcb007108, 0xcb00710a }, { 0xcb007114, 0xcb007114 } };
static struct conf_pool pools[] = { {
	.addresses = addresses, .n_addresses = 2,
	.methods = CONF_METHOD(RSIP_METHOD_RSA_IP) | CONF_METHOD(RSIP_METHOD_RSAP_IP) | CONF_METHOD(RSIP_METHOD_RSIPSEC),
	.ports = { 1001, 1064 }, .ike_ports = { 500, 1010 }, .n_ike_ports = 2, .spis = { 0x1001, 0x1040 } } };
static const struct conf conf = { .pools = pools, .n_pools = 1 };
static const struct conf_pool *const all_pools[] = { &pools[0] };
static const ip4_t universe[] = { 0xcb007108, 0xcb007109, 0xcb00710a, 0xcb007114 };
enum { N_ADDRS = 4, N_HOSTS = 3, N_LEASES = 64, FIRST_HOST = 0x0a000001 };

#define COOKIE_MASK 0xfffe000000000000u /* blocks of 2^49: 32767 of them; the twin looks at the leased ones only */

static struct pool *pool;
static struct session sessions[N_HOSTS];
static struct session_table no_sessions;
static struct binding *leases[N_LEASES];
static struct hold *holds[1024];
static size_t n_holds;

static void
setup(void)
{
	memset(leases, 0, sizeof(leases));
	memset(sessions, 0, sizeof(sessions));
	n_holds = 0;
	for (uint32_t i = 0; i < N_HOSTS; i++)
		sessions[i].host_addr = FIRST_HOST + i;
	pool = pool_new();
	pool_configure(pool, &conf, &no_sessions);
}

static void
teardown(void)
{
	for (size_t i = 0; i < N_LEASES; i++)
		binding_free(leases[i]);
	pool_free(pool);
}

/* --- the twin --- */

static bool
tuples_clash(struct tuple a, struct tuple b)
{
	if (a.addr != b.addr)
		return false;
	if (a.kind == TUPLE_ADDRESS || b.kind == TUPLE_ADDRESS)
		return true;
	return a.kind == b.kind && a.first <= b.last && b.first <= a.last;
}

static bool
twin_leased(struct tuple tuple, const struct binding *except)
{
	for (size_t i = 0; i < N_LEASES; i++) {
		for (size_t k = 0; leases[i] != NULL && leases[i] != except && k < binding_n_tuples(leases[i]); k++) {
			if (tuples_clash(binding_tuple(leases[i], k), tuple))
				return true;
		}
	}
	return false;
}

/* A whole address that is held comes back only whole. */
static bool
twin_held(struct tuple tuple, ip4_t host)
{
	for (size_t i = 0; i < n_holds; i++) {
		struct tuple held = { holds[i]->addr, holds[i]->kind, holds[i]->node.first, holds[i]->node.last };
		if (tuples_clash(held, tuple) &&
		    (holds[i]->host != host || (held.kind == TUPLE_ADDRESS && tuple.kind != TUPLE_ADDRESS)))
			return true;
	}
	return false;
}

static bool
twin_free(ip4_t addr, enum tuple_kind kind, uint64_t first, uint64_t last, ip4_t host)
{
	struct tuple tuple = { addr, kind, first, last };

	return !twin_leased(tuple, NULL) && !twin_held(tuple, host);
}

static bool
twin_port_allowed(uint64_t first, uint64_t last)
{
	return first >= 1001 && last <= 1064 && !(first <= 1010 && last >= 1010);
}

static bool
twin_has_ports(ip4_t addr, unsigned n, ip4_t host)
{
	for (unsigned first = 1001; first + n - 1 <= 1064; first++) {
		if (twin_port_allowed(first, first + n - 1) && twin_free(addr, TUPLE_PORT, first, first + n - 1, host))
			return true;
	}
	return false;
}

static bool
twin_has_spis(ip4_t addr, unsigned n, ip4_t host)
{
	unsigned align = 1;

	while (align < n)
		align *= 2;
	for (unsigned first = 0x1000; first + n - 1 <= 0x1040; first += align) {
		if (first >= 0x1001 && twin_free(addr, TUPLE_SPI, first, first + n - 1, host))
			return true;
	}
	return false;
}

/* Whether the request could be met at this address. Cookie blocks never run out here. */
static bool
twin_fits(ip4_t addr, const struct pool_want *want, const struct binding *b)
{
	const struct binding_terms *terms = binding_terms(b);

	ip4_t host = want->host;

	if (b->method == RSIP_METHOD_RSA_IP)
		return twin_free(addr, TUPLE_ADDRESS, 0, 0, host);
	for (size_t i = 0; want->ports == POOL_NAMED && i < b->n_ports; i++) {
		if (!twin_port_allowed(binding_ports(b)[i].first, binding_ports(b)[i].last) ||
		    !twin_free(addr, TUPLE_PORT, binding_ports(b)[i].first, binding_ports(b)[i].last, host))
			return false;
	}
	if (want->ports == POOL_ANY && !twin_has_ports(addr, want->n_any_ports, host))
		return false;
	for (size_t i = 0; want->spis == POOL_NAMED && i < b->n_spis; i++) {
		if (binding_spis(b)[i].first < 0x1001 || binding_spis(b)[i].last > 0x1040 ||
		    !twin_free(addr, TUPLE_SPI, binding_spis(b)[i].first, binding_spis(b)[i].last, host))
			return false;
	}
	if (want->spis == POOL_ANY && !twin_has_spis(addr, want->n_any_spis, host))
		return false;
	if (want->cookie == POOL_NAMED &&
	    !twin_free(addr, TUPLE_COOKIE, terms->cookie_value, terms->cookie_value | ~terms->cookie_mask, host))
		return false;
	if (terms->ike_listener != 0 && !twin_free(addr, TUPLE_IKE_PEER, terms->ike_listener, terms->ike_listener, host))
		return false;
	/* An address that is leased or held whole has nothing to give, whatever little is asked of it. */
	return twin_free(addr, TUPLE_IKE_PEER, 0, 0, host);
}

/* --- random requests --- */

static unsigned
pick(unsigned n)
{
	return (unsigned)random_below(n);
}

static struct binding *
random_request(struct pool_want *want)
{
	unsigned host = pick(N_HOSTS);
	unsigned n_port_ranges, n_spis;

	*want = (struct pool_want){ .host = FIRST_HOST + host, .pools = all_pools, .n_pools = 1 };
	want->addr = pick(2) ? POOL_ANY : POOL_NAMED;
	bool whole = pick(20) == 0, ipsec = pick(2);
	if (!whole) {
		want->ports = ipsec ? (enum pool_intent)pick(3) : (enum pool_intent)(1 + pick(2));
		want->spis = ipsec ? (enum pool_intent)(1 + pick(2)) : POOL_NONE;
		want->cookie = ipsec ? (enum pool_intent)pick(3) : POOL_NONE;
	}
	n_port_ranges = want->ports == POOL_NONE ? 0 : 1 + (want->ports == POOL_NAMED && pick(2));
	n_spis = want->spis != POOL_NONE;
	struct binding *b = binding_new(n_port_ranges, 0, n_spis);
	b->session = &sessions[host];
	b->method = whole ? RSIP_METHOD_RSA_IP : ipsec ? RSIP_METHOD_RSIPSEC : RSIP_METHOD_RSAP_IP;
	b->local_addr = universe[pick(N_ADDRS)];
	want->n_any_ports = (uint16_t)(1 + pick(12));
	want->n_any_spis = (uint16_t)(1 + pick(12));
	for (unsigned i = 0; want->ports == POOL_NAMED && i < n_port_ranges; i++) {
		uint16_t first = (uint16_t)(998 + 36 * i + pick(24));
		binding_ports(b)[i] = (struct port_range){ first, (uint16_t)(first + pick(8)) };
	}
	if (want->spis == POOL_NAMED) {
		uint32_t first = 0xffe + pick(64);
		binding_spis(b)[0] = (struct spi_range){ first, first + pick(8) };
	}
	if (want->cookie != POOL_NONE)
		binding_own_terms(b)->cookie_mask = COOKIE_MASK;
	if (want->cookie == POOL_NAMED)
		binding_own_terms(b)->cookie_value = (uint64_t)(1 + pick(4)) << 49;
	if (ipsec && !whole && pick(3) == 0)
		binding_own_terms(b)->ike_listener = 0x08080800 + pick(3);
	return b;
}

static void
note_hold(struct hold *hold, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(n_holds, sizeof(holds) / sizeof(holds[0]));
	holds[n_holds++] = hold;
}

static void
forget_hold(struct hold *hold, void *arg)
{
	size_t i = 0;

	(void)arg;
	while (holds[i] != hold)
		ck_assert_uint_lt(++i, n_holds);
	holds[i] = holds[--n_holds];
}

/* Whether anything of the address is held for the host: there it is served first. */
static bool
twin_holds_on(ip4_t addr, ip4_t host)
{
	for (size_t i = 0; i < n_holds; i++) {
		if (holds[i]->addr == addr && holds[i]->host == host)
			return true;
	}
	return false;
}

/* What came out is what was asked for, free, allowed and aligned. */
static void
check_granted(const struct pool_want *want, const struct binding *b)
{
	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);
		ck_assert(!twin_leased(tuple, b) && !twin_held(tuple, want->host));
		ck_assert(pool_is_leased(pool, tuple));
	}
	for (size_t i = 0; i < b->n_ports; i++)
		ck_assert(twin_port_allowed(binding_ports(b)[i].first, binding_ports(b)[i].last));
	if (want->ports == POOL_ANY)
		ck_assert_uint_eq(binding_port_count(b), want->n_any_ports);
	if (want->spis == POOL_ANY) {
		uint32_t align = 1;
		while (align < want->n_any_spis)
			align *= 2;
		ck_assert_uint_eq(binding_spi_count(b), want->n_any_spis);
		ck_assert_uint_eq(binding_spis(b)[0].first % align, 0);
	}
	if (binding_terms(b)->cookie_mask != 0)
		ck_assert(binding_terms(b)->cookie_value != 0 &&
		          (binding_terms(b)->cookie_value & ~binding_terms(b)->cookie_mask) == 0);
}

/* How many numbers are held for a host, ports and SPIs and cookies added up; less what the binding has, if any. */
static uint64_t
held_for(ip4_t host, const struct binding *less)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n_holds; i++) {
		const struct hold *h = holds[i];
		if (h->host != host)
			continue;
		sum += h->node.last - h->node.first + 1;
		for (size_t k = 0; less != NULL && k < binding_n_tuples(less); k++) {
			struct tuple t = binding_tuple(less, k);
			if (!tuples_clash(t, (struct tuple){ h->addr, h->kind, h->node.first, h->node.last }))
				continue;
			if (t.kind == TUPLE_ADDRESS)
				sum -= h->node.last - h->node.first + 1;
			else
				sum -= (t.last < h->node.last ? t.last : h->node.last) -
				       (t.first > h->node.first ? t.first : h->node.first) + 1;
		}
	}
	return sum;
}

static void
step_lease(void)
{
	struct pool_want want;
	unsigned slot = pick(N_LEASES);

	if (leases[slot] != NULL)
		return;
	struct binding *b = random_request(&want);
	bool possible = false;
	bool kept_possible = false;
	ip4_t named = b->local_addr, lowest = 0;
	for (unsigned i = 0; i < N_ADDRS; i++) {
		if ((want.addr == POOL_ANY || universe[i] == named) && twin_fits(universe[i], &want, b)) {
			lowest = possible ? lowest : universe[i];
			possible = true;
			kept_possible = kept_possible || twin_holds_on(universe[i], want.host);
		}
	}
	bool granted = pool_acquire(pool, &want, b) == RSIP_OK;
	ck_assert_int_eq(granted, possible);
	if (!granted) {
		binding_free(b);
		return;
	}
	if (want.addr == POOL_NAMED || !kept_possible) /* what is held for a host may draw it to another address */
		ck_assert_uint_eq(b->local_addr, want.addr == POOL_NAMED ? named : lowest);
	check_granted(&want, b);
	leases[slot] = b;
	uint64_t still_held = held_for(want.host, b);
	pool_settle(pool, b, forget_hold, note_hold, NULL);
	ck_assert_uint_eq(held_for(want.host, NULL), still_held);
	for (size_t i = 0; i < binding_n_tuples(b); i++)
		ck_assert(!pool_is_held(pool, binding_tuple(b, i)));
}

static void
step_free(void)
{
	unsigned slot = pick(N_LEASES);
	struct binding *b = leases[slot];

	if (b == NULL)
		return;
	leases[slot] = NULL;
	bool held = pick(2);
	pool_release(pool, b, held);
	for (size_t i = 0; held && i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);
		if (tuple.kind != TUPLE_IKE_PEER)
			note_hold(pool_hold(pool, tuple, b->session->host_addr, 0), NULL);
	}
	binding_free(b);
}

static void
step_let_go(void)
{
	if (n_holds == 0)
		return;
	struct hold *hold = holds[pick((unsigned)n_holds)];
	forget_hold(hold, NULL);
	pool_unhold(pool, hold);
}

static void
check_totals(void)
{
	struct pool_totals t = pool_totals(pool, &pools[0]), sum = { 0 };
	uint64_t held = 0;

	for (size_t i = 0; i < N_LEASES; i++) {
		if (leases[i] != NULL)
			pool_totals_count(&sum, leases[i], 1, false);
	}
	for (size_t i = 0; i < n_holds; i++)
		held += holds[i]->kind == TUPLE_PORT ? holds[i]->node.last - holds[i]->node.first + 1 : 0;
	ck_assert_uint_eq(t.ports_leased, sum.ports_leased);
	ck_assert_uint_eq(t.spis_leased, sum.spis_leased);
	ck_assert_uint_eq(t.cookies_leased, sum.cookies_leased);
	ck_assert_uint_eq(t.addresses_leased, sum.addresses_leased);
	ck_assert_uint_eq(t.bindings, sum.bindings);
	ck_assert_uint_eq(t.ports_held, held);
	ck_assert_uint_eq(t.ports_total, 4 * 63);
}

START_TEST(random_history)
{
	random_seed((uint64_t)_i + 1);
	for (int i = 0; i < 3000; i++) {
		unsigned what = pick(10);
		if (what < 5)
			step_lease();
		else if (what < 8)
			step_free();
		else
			step_let_go();
		check_totals();
	}
	for (size_t i = 0; i < N_LEASES; i++) {
		if (leases[i] != NULL)
			pool_release(pool, leases[i], false);
	}
	while (n_holds > 0)
		step_let_go();
	ck_assert(pool_is_full(pool));
}
END_TEST

/* --- edges --- */

static struct binding *
ask(struct pool_want want, uint8_t method, ip4_t addr, const struct port_range *ports, size_t n_ports,
    enum rsip_error *error)
{
	struct binding *b = binding_new(want.ports != POOL_NONE ? (n_ports > 0 ? n_ports : 1) : 0, 0, 0);

	want.pools = all_pools;
	want.n_pools = 1;
	if (want.host == 0)
		want.host = FIRST_HOST;
	if (want.addr == POOL_NONE)
		want.addr = addr != 0 ? POOL_NAMED : POOL_ANY;
	b->session = &sessions[0];
	b->method = method;
	b->local_addr = addr;
	if (n_ports > 0)
		memcpy(binding_ports(b), ports, n_ports * sizeof(*ports));
	*error = pool_acquire(pool, &want, b);
	if (*error == RSIP_OK)
		return b;
	binding_free(b);
	return NULL;
}

/* The numbered cases run one after the other on one pool: what is leased in one is in the way of the next. */
START_TEST(edges)
{
	enum rsip_error error;
	struct pool_want named = { .ports = POOL_NAMED }, any = { .ports = POOL_ANY, .n_any_ports = 1 };
	struct port_range p = { 1001, 1001 };
	const uint8_t rsap = RSIP_METHOD_RSAP_IP, rsa = RSIP_METHOD_RSA_IP;

#define CASE(n, want, method, addr, first_, last_, expected)                                                    \
	do {                                                                                                   \
		p = (struct port_range){ first_, last_ };                                                      \
		struct binding *got_ = ask(want, method, addr, &p, (want).ports == POOL_NAMED, &error);        \
		ck_assert_msg(error == (expected), "case %d: error %d", n, (int)error);                        \
		for (size_t i_ = 0; got_ != NULL && i_ < N_LEASES; i_++) {                                     \
			if (leases[i_] == NULL) {                                                              \
				leases[i_] = got_;                                                             \
				break;                                                                         \
			}                                                                                      \
		}                                                                                              \
	} while (0)
	const struct pool_want whole = { 0 };

	CASE(1, named, rsap, universe[0], 1001, 1001, RSIP_OK);                            /* first port */
	CASE(2, named, rsap, universe[0], 1064, 1064, RSIP_OK);                            /* last port */
	CASE(3, named, rsap, universe[0], 1000, 1002, RSIP_LOCAL_ADDRPORT_UNALLOWED);      /* one below */
	CASE(4, named, rsap, universe[0], 1064, 1065, RSIP_LOCAL_ADDRPORT_UNALLOWED);      /* one above */
	CASE(5, named, rsap, universe[0], 1009, 1011, RSIP_LOCAL_ADDRPORT_UNALLOWED);      /* IKE port inside */
	CASE(6, named, rsap, universe[0], 1001, 1002, RSIP_LOCAL_ADDRPORT_INUSE);          /* own port again */
	CASE(7, named, rsap, 0, 1001, 1001, RSIP_OK);                                      /* next address has it */
	CASE(8, whole, rsa, universe[0], 0, 0, RSIP_LOCAL_ADDR_INUSE);                     /* in part */
	CASE(9, whole, rsa, 0, 0, 0, RSIP_OK);                                             /* lowest untouched: 10a */
	CASE(10, whole, rsa, universe[2], 0, 0, RSIP_LOCAL_ADDR_INUSE);
	CASE(11, named, rsap, universe[2], 1020, 1020, RSIP_LOCAL_ADDR_INUSE);             /* leased whole */
	CASE(12, named, rsap, 0x01020304, 1020, 1020, RSIP_LOCAL_ADDR_UNALLOWED);
	CASE(13, whole, rsa, 0, 0, 0, RSIP_OK);                                            /* 114 */
	CASE(14, whole, rsa, 0, 0, 0, RSIP_LOCAL_ADDR_UNAVAILABLE);
	any.n_any_ports = 53;
	CASE(15, any, rsap, 0, 0, 0, RSIP_OK);                                             /* 1011..1063 exactly */
	any.n_any_ports = 55;
	CASE(16, any, rsap, 0, 0, 0, RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	ck_assert_uint_eq(leases[2]->local_addr, universe[1]);
	ck_assert_uint_eq(leases[3]->local_addr, universe[2]);
	ck_assert_uint_eq(binding_ports(leases[5])[0].first, 1011);
}
END_TEST

static void
fill_port_by_port(ip4_t addr)
{
	enum rsip_error error;
	struct pool_want any = { .ports = POOL_ANY, .n_any_ports = 1 };

	for (int i = 0; i < 63; i++) {
		struct binding *b = ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error);
		ck_assert_int_eq(error, RSIP_OK);
		ck_assert_uint_eq(b->local_addr, addr);
		binding_free(b);
	}
}

/* Every port of an address is given out before the next address is touched; one given back is found again. */
START_TEST(lowest_address_first)
{
	enum rsip_error error;
	struct pool_want any = { .ports = POOL_ANY, .n_any_ports = 1 };

	for (int i = 0; i < N_ADDRS; i++)
		fill_port_by_port(universe[i]);
	ck_assert_ptr_null(ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error));
	ck_assert_int_eq(error, RSIP_LOCAL_ADDRPORT_UNAVAILABLE);

	struct binding *back = binding_new(1, 0, 0);
	back->session = &sessions[0];
	back->method = RSIP_METHOD_RSAP_IP;
	back->local_addr = universe[1];
	binding_ports(back)[0] = (struct port_range){ 1033, 1033 };
	pool_release(pool, back, false);
	binding_free(back);
	back = ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error);
	ck_assert_uint_eq(back->local_addr, universe[1]);
	ck_assert_uint_eq(binding_ports(back)[0].first, 1033);
	binding_free(back);
}
END_TEST

static uint64_t
search_begins(void)
{
	return pool_room_from(&pool_entry_of(pool, universe[0])->room, 1);
}

/* A full address is not searched again because a host took back there what was held for it; but when it gives it to all. */
START_TEST(what_is_taken_back_opens_nothing)
{
	enum rsip_error error;
	struct pool_want any = { .ports = POOL_ANY, .n_any_ports = 1, .host = FIRST_HOST };
	struct tuple held = { universe[0], TUPLE_PORT, 1033, 1033 };
	struct binding *b = binding_new(1, 0, 0);

	fill_port_by_port(universe[0]);
	binding_free(ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error));
	ck_assert_uint_eq(search_begins(), 1);
	b->session = &sessions[0];
	b->method = RSIP_METHOD_RSAP_IP;
	b->local_addr = universe[0];
	binding_ports(b)[0] = (struct port_range){ 1033, 1033 };
	pool_release(pool, b, true);
	note_hold(pool_hold(pool, held, FIRST_HOST, 0), NULL);
	binding_free(b);
	b = ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error);
	ck_assert(b->local_addr == universe[0] && binding_ports(b)[0].first == 1033);
	pool_settle(pool, b, forget_hold, note_hold, NULL);
	ck_assert_uint_eq(search_begins(), 1);
	pool_release(pool, b, false);
	ck_assert_uint_eq(search_begins(), 0);
	binding_free(b);
}
END_TEST

/* A host goes on with the address it has, although a lower one has room. */
START_TEST(keeps_its_address)
{
	enum rsip_error error;
	struct pool_want want = { .ports = POOL_ANY, .n_any_ports = 4, .keep = &universe[2], .n_keep = 1 };
	struct binding *b = ask(want, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error);

	ck_assert_uint_eq(b->local_addr, universe[2]);
	ck_assert_uint_eq(binding_ports(b)[0].first % 4, 0);
	binding_free(b);
}
END_TEST

/* Unpredictable means spread: of 630 draws of one port on an empty address no place is favoured. */
START_TEST(ports_are_spread)
{
	unsigned seen[65] = { 0 };
	enum rsip_error error;
	struct pool_want any = { .ports = POOL_ANY, .n_any_ports = 1 };

	random_seed(4711);
	for (int i = 0; i < 630; i++) {
		struct binding *b = ask(any, RSIP_METHOD_RSAP_IP, 0, NULL, 0, &error);
		seen[binding_ports(b)[0].first - 1001]++;
		pool_release(pool, b, false);
		binding_free(b);
	}
	for (unsigned i = 0; i < 64; i++)
		ck_assert_msg(i == 9 ? seen[i] == 0 : seen[i] > 0 && seen[i] < 40, "port %u: %u times", 1001 + i, seen[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, random_history, 0, 12);
	tcase_add_test(tc, edges);
	tcase_add_test(tc, lowest_address_first);
	tcase_add_test(tc, what_is_taken_back_opens_nothing);
	tcase_add_test(tc, keeps_its_address);
	tcase_add_test(tc, ports_are_spread);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
