/* What the relay writes into the tables of the XDP programs: under random changes, each table against the
 * demultiplexer's own; then edges by hand. With real maps, so as root; without them there is nothing to see. */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dataplane/packet_build.h"
#include "clock.h"
#include "demux.h"
#include "ike_demux.h"
#include "log.h"
#include "run_suite.h"
#include "xdp_blocks.h"
#include "xdp_feed.h"
#include "xdp_object.h"
#include "xdp_slots.h"

#define GW IP(10, 0, 0, 1)
#define X1 IP(10, 0, 0, 11)
#define X2 IP(10, 0, 0, 12)
#define A IP(203, 0, 113, 8)
#define B IP(203, 0, 113, 9)
#define Y IP(198, 51, 100, 7)

static struct xdp_object *object;
static struct xdp_tables t;
static struct demux *d;
static struct xdp_feed *feed;
static int64_t now;

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
relay_starts(void)
{
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };

	d = demux_new(&events);
	feed = xdp_feed_new(&t, d, GW);
	demux_sync_begin(d);
}

static void
relay_dies(void)
{
	xdp_feed_free(feed);
	demux_free(d);
}

static void
synced(void)
{
	const struct dp_pool pool = { .op = DP_POOL, .addresses = { A, B }, .ports = { 1024, 65535 },
		                      .ike_ports = { 500, 4500 }, .n_ike_ports = 2, .shared = true };

	ck_assert(demux_add_pool(d, &pool) && demux_sync_end(d));
}

static void
later(int64_t ms)
{
	now += ms;
	clock_set(now, 1000000);
}

static bool
load(void)
{
	const struct xdp_sizes sizes = { .addresses = 8, .port_tables = 4, .bindings = 512, .spi_lines = 48,
		                         .cookie_lines = 32, .claims = 8, .ipsec = 64, .flows = 64, .devices = 64, .cpus = 1 };
	int fd[XDP_MAP_COUNT];

	object = xdp_object_open(&sizes, NULL);
	if (object == NULL || !xdp_object_load(object))
		return false;
	xdp_object_maps(object, fd);
	return xdp_tables_open(&t, fd);
}

static void
setup(void)
{
	log_init("check_xdp_feed", LOG_TO_NONE, LOG_LVL_ERROR, false);
	ck_assert_msg(load(), "%s", xdp_object_error());
	now = 1000000;
	later(0);
	relay_starts();
}

static void
teardown(void)
{
	relay_dies();
	xdp_tables_close(&t);
	xdp_object_free(object);
}

/* ---- what the programs see ---- */

static bool
shown_addr(ip4_t addr, struct xdp_addr *a)
{
	uint32_t key = htonl(addr);

	return bpf_map_lookup_elem(t.fd[XDP_MAP_ADDRS], &key, a) == 0;
}

static uint32_t
port_word(ip4_t addr, uint16_t port)
{
	struct xdp_addr a;

	return shown_addr(addr, &a) && a.ports != 0 ? t.ports[a.ports].owner[port] : 0;
}

/* The bind ID that a binding's index stands for; 0 for one that is not live. */
static uint32_t
bind_id(uint32_t slot)
{
	return slot < XDP_PORT_NATT && xdp_slots_live(&t, slot) ? t.terms[slot].bind_id : 0;
}

static uint32_t
spi_holder(ip4_t addr, uint32_t spi)
{
	struct xdp_addr a;

	if (!shown_addr(addr, &a))
		return 0;
	for (unsigned i = 0; i < a.n_shifts; i++) {
		uint32_t shift = a.shifts[i];
		struct xdp_block_key key = xdp_spi_key(a.mix, spi >> shift << shift, shift);
		uint32_t slot = xdp_blocks_find(&t, XDP_BLOCKS_SPI, &key);
		if (slot != 0 && t.bindings[slot].local_addr == htonl(addr))
			return bind_id(slot);
	}
	return 0;
}

static uint32_t
claim_holder(ip4_t addr, uint64_t cookie)
{
	struct xdp_claim_key key = { .cookie = htobe64(cookie), .addr = htonl(addr) };
	struct xdp_claim claim;

	return bpf_map_lookup_elem(t.fd[XDP_MAP_CLAIMS], &key, &claim) == 0 ? bind_id(claim.binding) : 0;
}

static uint32_t
ipsec_sender(ip4_t addr, ip4_t host)
{
	struct xdp_ipsec_key key = { .addr = htonl(addr), .host = htonl(host) };
	uint32_t slot;

	return bpf_map_lookup_elem(t.fd[XDP_MAP_IPSEC], &key, &slot) == 0 ? bind_id(slot) : 0;
}

static unsigned
count_elements(enum xdp_map map)
{
	uint8_t key[32], next[32];
	unsigned n = 0;

	for (int err = bpf_map_get_next_key(t.fd[map], NULL, next); err == 0; n++) {
		memcpy(key, next, sizeof(key));
		err = bpf_map_get_next_key(t.fd[map], key, next);
	}
	return n;
}

/* ---- what control says ---- */

static struct dp_bind
lease(uint32_t id, ip4_t host, ip4_t addr, enum rsip_method method)
{
	return (struct dp_bind) { .op = DP_BIND, .bind_id = id, .client_id = id, .host_addr = host, .local_addr = addr,
		                  .method = (uint8_t)method, .tunnel = RSIP_TUNNEL_IP_IP };
}

static void
bind_ports(uint32_t id, ip4_t host, ip4_t addr, uint16_t first, uint16_t last)
{
	struct dp_bind b = lease(id, host, addr, RSIP_METHOD_RSAP_IP);
	const struct port_range ports = { first, last };

	b.n_ports = 1;
	demux_bind(d, &b, &ports, NULL, NULL, NULL);
}

static void
bind_spis(uint32_t id, ip4_t host, ip4_t addr, uint32_t first, uint32_t last, uint16_t flags)
{
	struct dp_bind b = lease(id, host, addr, RSIP_METHOD_RSIPSEC);
	const struct spi_range spis = { first, last };

	b.n_spis = 1;
	b.max_claims = 32;
	b.flags = flags;
	demux_bind(d, &b, NULL, &spis, NULL, NULL);
}

static void
bind_block(uint32_t id, ip4_t host, uint64_t value, uint64_t mask)
{
	struct dp_bind b = lease(id, host, A, RSIP_METHOD_RSIPSEC);
	const struct spi_range spis = { id << 8, id << 8 };

	b.n_spis = 1;
	b.flags = DP_F_COOKIE_BLOCK;
	b.cookie_value = value;
	b.cookie_mask = mask;
	demux_bind(d, &b, NULL, &spis, NULL, NULL);
}

/* ---- against the demultiplexer ---- */

static uint32_t
id_of(const struct demux_binding *b)
{
	return b != NULL ? b->lease.bind_id : 0;
}

static void
same_address(ip4_t addr)
{
	const struct addr_table *theirs = demux_addr(d, addr);
	struct xdp_addr a;

	ck_assert_int_eq(shown_addr(addr, &a), theirs != NULL);
	if (theirs == NULL)
		return;
	ck_assert_uint_eq(bind_id(a.whole), id_of(theirs->whole));
	for (uint32_t port = 1024; port < 1400; port++)
		ck_assert_uint_eq(bind_id(port_word(addr, (uint16_t)port)), id_of(addr_table_port(theirs, (uint16_t)port)));
	for (uint32_t spi = 256; spi < 512; spi++)
		ck_assert_uint_eq(spi_holder(addr, spi), id_of(addr_table_spi(theirs, spi)));
}

/* Ranges of any alignment, but of few sizes: the programs look for four. */
static void
random_change(void)
{
	uint32_t id = 1 + (uint32_t)rand() % 40, first = (uint32_t)rand() % 300, size = 1u << rand() % 3;
	ip4_t host = X1 + (uint32_t)rand() % 3, addr = A + (uint32_t)rand() % 2;

	switch (rand() % 8) {
	case 0:
	case 1:
		demux_unbind(d, id);
		break;
	case 2: {
		struct dp_bind b = lease(id, host, addr, RSIP_METHOD_RSA_IP);
		if (rand() % 8 == 0)
			demux_bind(d, &b, NULL, NULL, NULL, NULL);
		break;
	}
	case 3:
	case 4:
		bind_spis(id, host, addr, 256 + first % 250, 256 + first % 250 + size - 1, 0);
		break;
	default:
		bind_ports(id, host, addr, (uint16_t)(1024 + first), (uint16_t)(1024 + first + (uint32_t)rand() % 70));
	}
}

START_TEST(as_the_demultiplexer)
{
	srand((unsigned)_i);
	synced();
	for (int i = 0; i < 300; i++) {
		random_change();
		later(rand() % 3 == 0 ? 500 : 0);
		if (i % 10 == 0) {
			same_address(A);
			same_address(B);
		}
	}
	for (uint32_t id = 1; id <= 40; id++)
		demux_unbind(d, id);
	ck_assert_uint_eq(count_elements(XDP_MAP_ADDRS), 0);
	ck_assert_uint_eq(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 0);
	ck_assert_uint_eq(count_elements(XDP_MAP_IPSEC), 0);
}
END_TEST

/* ---- by hand ---- */

START_TEST(a_freed_port_leads_nowhere)
{
	bind_ports(1, X1, A, 2000, 2063);
	synced();
	uint32_t slot = port_word(A, 2063);
	ck_assert_uint_eq(bind_id(slot), 1);
	demux_unbind(d, 1);
	ck_assert_uint_eq(port_word(A, 2063), 0);
	ck_assert(!xdp_slots_live(&t, slot));
	bind_ports(1, X2, A, 2000, 2000);
	ck_assert_uint_ne(port_word(A, 2000), slot); /* a program may still look at the entry */
	demux_unbind(d, 1);
	later(2000);
	bind_ports(1, X2, A, 2000, 2000);
	ck_assert_uint_eq(port_word(A, 2000), slot);
}
END_TEST

START_TEST(a_change_keeps_what_was_counted)
{
	bind_ports(1, X1, A, 2000, 2063);
	synced();
	t.counts_in[port_word(A, 2000)].packets = 7;
	bind_ports(1, X1, A, 2032, 2095);
	ck_assert_uint_eq(port_word(A, 2000), 0);
	ck_assert_uint_eq(bind_id(port_word(A, 2095)), 1);
	ck_assert_uint_eq(t.counts_in[port_word(A, 2095)].packets, 7);
}
END_TEST

START_TEST(told_again_nothing_moves)
{
	bind_ports(1, X1, A, 2000, 2063);
	synced();
	uint32_t slot = port_word(A, 2000);
	bind_ports(1, X1, A, 2000, 2063);
	ck_assert_uint_eq(port_word(A, 2000), slot);
}
END_TEST

START_TEST(shared_ports_are_nobodys)
{
	bind_ports(1, X1, A, 490, 510);
	synced();
	ck_assert_uint_eq(port_word(A, 500), XDP_PORT_IKE);
	ck_assert_uint_eq(port_word(A, 4500), XDP_PORT_NATT);
	bind_ports(1, X1, A, 495, 505);
	ck_assert_uint_eq(port_word(A, 500), XDP_PORT_IKE);
	demux_sync_begin(d);
	bind_ports(1, X1, A, 495, 505);
	ck_assert(demux_sync_end(d)); /* the pool is gone, the lease is not */
	ck_assert_uint_eq(bind_id(port_word(A, 499)), 1);
}
END_TEST

START_TEST(what_the_programs_cannot_serve)
{
	struct xdp_addr a;

	synced();
	bind_spis(1, X1, A, 0x1000, 0x1000, DP_F_REMOTE_NAME);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_COOKIES_UP) != 0);
	ck_assert_uint_eq(spi_holder(A, 0x1000), 0);
	ck_assert_uint_eq(ipsec_sender(A, X1), 0);
	bind_spis(1, X1, A, 0x1000, 0x1000, 0);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_COOKIES_UP) == 0);
	ck_assert_uint_eq(spi_holder(A, 0x1000), 1);
}
END_TEST

START_TEST(many_sizes_of_cookie_blocks)
{
	struct xdp_addr a;

	synced();
	for (uint32_t i = 0; i < XDP_FIXED_MAX; i++)
		bind_block(i + 1, X1, (uint64_t)(i + 1) << 32, (uint64_t)UINT64_MAX << (i + 1));
	ck_assert(shown_addr(A, &a) && a.n_fixed == XDP_FIXED_MAX && (a.flags & XDP_ADDR_COOKIES_UP) == 0);
	bind_block(9, X1, (uint64_t)9 << 32, (uint64_t)UINT64_MAX << 9);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_COOKIES_UP) != 0);
	demux_unbind(d, 2);
	ck_assert(shown_addr(A, &a) && a.n_fixed == XDP_FIXED_MAX && (a.flags & XDP_ADDR_COOKIES_UP) == 0);
}
END_TEST

static void
claim(uint32_t id, uint64_t cookie)
{
	const struct dp_claim told = { .op = DP_CLAIM, .bind_id = id, .local_addr = A, .peer = Y, .cookie = cookie };

	ike_restore(d, &told, now);
}

START_TEST(claims)
{
	struct xdp_addr a;

	synced();
	bind_spis(1, X1, A, 0x1000, 0x1000, 0);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_CLAIMS) == 0);
	claim(1, 0x77);
	ck_assert_uint_eq(claim_holder(A, 0x77), 1);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_CLAIMS) != 0);
	bind_spis(1, X1, A, 0x1001, 0x1001, 0); /* another entry: the claim follows */
	ck_assert_uint_eq(claim_holder(A, 0x77), 1);
	for (uint64_t cookie = 0x100; cookie < 0x110; cookie++)
		claim(1, cookie);
	ck_assert(shown_addr(A, &a) && (a.flags & XDP_ADDR_COOKIES_UP) != 0); /* more than the table holds */
	demux_unbind(d, 1);
	ck_assert_uint_eq(count_elements(XDP_MAP_CLAIMS), 0);
}
END_TEST

/* Block number i, of an address for each hundred, and the entry that it is to lead to. */
static struct xdp_block_key
block(uint32_t i, enum xdp_block_table table)
{
	uint32_t mix = xdp_addr_mix(t.state->seed, A + i / 100), fixed = i % 100 < 50 ? 32 : 40;

	t.bindings[1 + i].local_addr = htonl(A + i / 100);
	t.terms[1 + i].cookie_value = (uint64_t)(1 + i % 50) << (64 - fixed);
	if (table == XDP_BLOCKS_SPI)
		return xdp_spi_key(mix, (i + 1) << 4, 4);
	return xdp_cookie_key(mix, t.terms[1 + i].cookie_value, fixed);
}

static void
all_lead(enum xdp_block_table table, uint32_t first, uint32_t n, uint32_t step)
{
	for (uint32_t i = first; i < n; i += step) {
		struct xdp_block_key key = block(i, table);
		ck_assert_uint_eq(xdp_blocks_find(&t, table, &key), 1 + i);
	}
}

/* As many as the tables are made for, and then some: none that was taken is lost when lines are split and others make
 * room. */
START_TEST(full_lines)
{
	enum xdp_block_table table = (enum xdp_block_table)_i;
	uint32_t lines = table == XDP_BLOCKS_SPI ? t.sizes.spi_lines : t.sizes.cookie_lines;
	uint32_t n = 0, made_for = lines * XDP_LINE_ITEMS * 2 / 3;
	struct xdp_block_key key;

	for (key = block(0, table); xdp_blocks_set(&t, table, &key, 1 + n); key = block(n, table))
		n++;
	ck_assert_uint_ge(n, made_for);
	ck_assert_uint_eq(xdp_blocks_count(&t, table), n);
	all_lead(table, 0, n, 1);
	for (uint32_t i = 0; i < n; i += 2) {
		key = block(i, table);
		xdp_blocks_drop(&t, table, &key, 511); /* not its own */
		xdp_blocks_drop(&t, table, &key, 1 + i);
		ck_assert_uint_eq(xdp_blocks_find(&t, table, &key), 0);
	}
	all_lead(table, 1, n, 2);
	ck_assert_uint_eq(xdp_blocks_count(&t, table), n / 2);
	xdp_blocks_sweep(&t); /* none of those entries is live */
	ck_assert_uint_eq(xdp_blocks_count(&t, table), 0);
}
END_TEST

/* A relay that was killed between two writes has left an item more than once: but one of them goes. */
START_TEST(left_twice)
{
	struct xdp_block_key key;

	for (uint32_t i = 0; i < 100; i++) {
		key = block(i, XDP_BLOCKS_SPI);
		ck_assert(xdp_blocks_set(&t, XDP_BLOCKS_SPI, &key, 1 + i));
		xdp_slots_publish(&t, 1 + i, 0);
	}
	key = block(0, XDP_BLOCKS_SPI);
	for (uint32_t line = 0; line < t.state->spis.n; line++) {
		for (uint32_t i = 0; i < XDP_LINE_ITEMS; i++) {
			if (t.spis[line].items[i] == 0)
				t.spis[line].items[i] = key.id | 1;
		}
	}
	ck_assert_uint_gt(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 100);
	xdp_blocks_sweep(&t);
	ck_assert_uint_eq(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 100);
	all_lead(XDP_BLOCKS_SPI, 0, 100, 1);
	xdp_blocks_drop(&t, XDP_BLOCKS_SPI, &key, 1);
	ck_assert_uint_eq(xdp_blocks_find(&t, XDP_BLOCKS_SPI, &key), 0);
	ck_assert_uint_eq(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 99);
}
END_TEST

/* Two blocks that cannot be told apart: the later one is the relay's, unless it is of the same address. */
START_TEST(blocks_alike)
{
	struct xdp_block_key key = { .id = xdp_item_id(77, 4), .bits = 3ull << 32 };

	t.bindings[1].local_addr = t.bindings[2].local_addr = htonl(A);
	t.bindings[3].local_addr = htonl(B);
	ck_assert(xdp_blocks_set(&t, XDP_BLOCKS_SPI, &key, 1));
	ck_assert(!xdp_blocks_set(&t, XDP_BLOCKS_SPI, &key, 3));
	ck_assert_uint_eq(xdp_blocks_find(&t, XDP_BLOCKS_SPI, &key), 1);
	ck_assert(xdp_blocks_set(&t, XDP_BLOCKS_SPI, &key, 2));
	ck_assert_uint_eq(xdp_blocks_find(&t, XDP_BLOCKS_SPI, &key), 2);
	ck_assert_uint_eq(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 1);
}
END_TEST

START_TEST(who_sends_ipsec)
{
	synced();
	bind_spis(1, X1, A, 0x1000, 0x1000, 0);
	bind_spis(2, X1, A, 0x2000, 0x2000, 0);
	ck_assert_uint_ne(ipsec_sender(A, X1), 0);
	demux_unbind(d, ipsec_sender(A, X1));
	ck_assert_uint_ne(ipsec_sender(A, X1), 0);
	demux_unbind(d, ipsec_sender(A, X1));
	ck_assert_uint_eq(ipsec_sender(A, X1), 0);
}
END_TEST

/* Packets go on by the entries that an earlier relay has left; what is told again stays in its place. */
START_TEST(a_relay_after_another)
{
	bind_ports(1, X1, A, 2000, 2063);
	bind_ports(2, X1, A, 3000, 3063);
	bind_ports(3, X1, A, 4000, 4063);
	bind_spis(4, X1, B, 0x1000, 0x100f, 0);
	claim(4, 0x77);
	synced();
	uint32_t slot = port_word(A, 2000);
	t.counts_in[slot].packets = 7;
	relay_dies();
	later(5000);
	relay_starts();
	ck_assert_uint_eq(bind_id(port_word(A, 3000)), 2);
	bind_ports(1, X1, A, 2000, 2063);
	bind_ports(3, X1, A, 4064, 4127); /* freed and granted anew while no relay listened */
	ck_assert_uint_eq(spi_holder(B, 0x1000), 4);
	synced();
	ck_assert_uint_eq(port_word(A, 2000), slot);
	ck_assert_uint_eq(t.counts_in[slot].packets, 7);
	ck_assert_uint_eq(port_word(A, 3000), 0);
	ck_assert_uint_eq(port_word(A, 4000), 0);
	ck_assert_uint_eq(bind_id(port_word(A, 4064)), 3);
	ck_assert_uint_eq(spi_holder(B, 0x1000), 0);
	ck_assert_uint_eq(xdp_blocks_count(&t, XDP_BLOCKS_SPI), 0);
	ck_assert_uint_eq(count_elements(XDP_MAP_CLAIMS), 0);
	ck_assert_uint_eq(count_elements(XDP_MAP_ADDRS), 1);
}
END_TEST

START_TEST(more_than_fits)
{
	synced();
	for (uint32_t id = 1; id <= 2000; id++)
		bind_ports(id, X1, A, (uint16_t)(2000 + id), (uint16_t)(2000 + id));
	for (uint32_t id = 1; id <= 2000; id++) {
		uint32_t shown = bind_id(port_word(A, (uint16_t)(2000 + id)));

		ck_assert(shown == id || shown == 0);
	}
	for (uint32_t i = 0; i < 8; i++)
		bind_ports(3000 + i, X1, IP(192, 0, 2, 1) + i, 1024, 1024); /* four tables of ports, eight addresses */
	for (uint32_t id = 1; id < 3008; id++)
		demux_unbind(d, id);
	ck_assert_uint_eq(count_elements(XDP_MAP_ADDRS), 0);
	later(2000);
	bind_ports(1, X1, A, 2000, 2000);
	ck_assert_uint_eq(bind_id(port_word(A, 2000)), 1);
}
END_TEST

/* The tables have room for so many ends of tunnels; what has another one is the relay's. */
START_TEST(many_gateways)
{
	const struct port_range ports = { 2000, 2000 };

	synced();
	for (uint32_t i = 0; i <= XDP_GATEWAYS_MAX; i++) {
		struct dp_bind b = lease(1, X1, A, RSIP_METHOD_RSAP_IP);

		b.n_ports = 1;
		b.gateway_addr = GW + i;
		demux_bind(d, &b, &ports, NULL, NULL, NULL);
		uint32_t slot = port_word(A, 2000);
		ck_assert_uint_eq(bind_id(slot), i < XDP_GATEWAYS_MAX ? 1 : 0);
		if (slot != 0)
			ck_assert_uint_eq(t.state->gateways[t.bindings[slot].gateway], htonl(GW + i));
	}
}
END_TEST

START_TEST(path_mtu)
{
	synced();
	bind_ports(1, X1, A, 2000, 2000);
	struct demux_host *host = demux_host(d, X1);
	host->path_mtu = 1280;
	xdp_feed_path_mtu(feed, host);
	ck_assert_uint_eq(t.bindings[port_word(A, 2000)].path_mtu, 1280);
}
END_TEST

static Suite *
suite_of_all(void)
{
	Suite *suite = suite_create("xdp_feed");
	TCase *tc = tcase_create("xdp_feed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, as_the_demultiplexer, 0, 5);
	tcase_add_test(tc, a_freed_port_leads_nowhere);
	tcase_add_test(tc, a_change_keeps_what_was_counted);
	tcase_add_test(tc, told_again_nothing_moves);
	tcase_add_test(tc, shared_ports_are_nobodys);
	tcase_add_test(tc, what_the_programs_cannot_serve);
	tcase_add_test(tc, many_sizes_of_cookie_blocks);
	tcase_add_test(tc, claims);
	tcase_add_loop_test(tc, full_lines, XDP_BLOCKS_SPI, XDP_BLOCKS_COOKIE + 1);
	tcase_add_test(tc, left_twice);
	tcase_add_test(tc, blocks_alike);
	tcase_add_test(tc, who_sends_ipsec);
	tcase_add_test(tc, a_relay_after_another);
	tcase_add_test(tc, more_than_fits);
	tcase_add_test(tc, many_gateways);
	tcase_add_test(tc, path_mtu);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{

	if (!load()) {
		printf("SKIP: XDP tables cannot be made here: %s\n", xdp_object_error());
		return 77;
	}
	xdp_tables_close(&t);
	xdp_object_free(object);
	return run_suite(suite_of_all());
}
