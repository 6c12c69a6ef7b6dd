/* Two ends of a tunnel: what passes, and each reason for which a packet does not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "esp_sequence.h"
#include "esp_tunnel.h"
#include "packet.h"
#include "run_suite.h"
#include "wire.h"

static struct esp_prefix net_a, net_b, net6_a, net6_b;
static struct esp_prefix nets_a[2], nets_b[2];
static struct esp_sa_conf conf_a, conf_b;
static struct esp_sequence *file;
static struct esp_tunnel *a, *b;
static uint8_t packet[4096], copy[4096];
static char name[] = "t";

static void
make_conf(struct esp_sa_conf *conf, uint32_t spi_in, uint32_t spi_out, struct esp_prefix *local,
    struct esp_prefix *remote)
{
	*conf = (struct esp_sa_conf){
		.name = name, .remote = 0xc6336402, .encap = true, .remote_port = 4500, .spi_in = spi_in, .spi_out = spi_out,
		.algorithm = esp_algorithm_find("aes-256-gcm"), .esn = true, .window = 64, .soft = { UINT64_MAX, UINT64_MAX },
		.hard = { UINT64_MAX, UINT64_MAX }, .local_nets = local, .remote_nets = remote, .n_local_nets = 2, .n_remote_nets = 2,
	};
}

static void
open_tunnels(void)
{
	uint8_t one[ESP_KEY_MAX], two[ESP_KEY_MAX];

	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	esp_tunnel_free(a);
	esp_tunnel_free(b);
	esp_sequence_close(file);
	ck_assert_ptr_nonnull(file = esp_sequence_open(NULL, 4));
	ck_assert_ptr_nonnull(a = esp_tunnel_new(&conf_a, one, two, file));
	ck_assert_ptr_nonnull(b = esp_tunnel_new(&conf_b, two, one, file));
}

static void
setup(void)
{
	ck_assert(esp_prefix_parse("10.1.0.0/16", &net_a) && esp_prefix_parse("10.2.0.0/16", &net_b));
	ck_assert(esp_prefix_parse("2001:db8:1::/48", &net6_a) && esp_prefix_parse("2001:db8:2::/48", &net6_b));
	nets_a[0] = net_a, nets_a[1] = net6_a, nets_b[0] = net_b, nets_b[1] = net6_b;
	make_conf(&conf_a, 0x1001, 0x1002, nets_a, nets_b);
	make_conf(&conf_b, 0x1002, 0x1001, nets_b, nets_a);
	open_tunnels();
}

static void
teardown(void)
{
	esp_tunnel_free(a);
	esp_tunnel_free(b);
	esp_sequence_close(file);
	a = b = NULL;
	file = NULL;
}

/* An IPv4 packet of len bytes at `at`, with this TOS. */
static void
ip4(uint8_t *at, ip4_t src, ip4_t dst, size_t len, uint8_t tos)
{
	memset(at, 0, len);
	at[0] = 0x45;
	at[1] = tos;
	wire_put16(at + 2, (uint16_t)len);
	at[8] = 64;
	at[9] = 17;
	wire_put32(at + 12, src);
	wire_put32(at + 16, dst);
	wire_put16(at + 10, checksum(at, 20));
}

static void
ip6(uint8_t *at, const struct esp_prefix *src, const struct esp_prefix *dst, size_t payload, uint8_t tos)
{
	memset(at, 0, 40 + payload);
	wire_put16(at, (uint16_t)(0x6000 | tos << 4));
	wire_put16(at + 4, (uint16_t)payload);
	at[6] = 17;
	memcpy(at + 8, src->addr, 16);
	memcpy(at + 24, dst->addr, 16);
}

static size_t
sealed_ip4(ip4_t src, ip4_t dst, size_t len, uint8_t tos)
{
	ip4(packet + esp_head_len(conf_a.algorithm), src, dst, len, tos);
	return esp_tunnel_seal(a, packet, len, ESP_NEXT_IPV4);
}

#define HOST_A 0x0a010001u
#define HOST_B 0x0a020001u

static size_t
sealed(void)
{
	return sealed_ip4(HOST_A, HOST_B, 100, 0);
}

static bool
opens(size_t len, uint8_t outer_tos, struct esp_arrival *arrival, struct inner *inner)
{
	return esp_tunnel_open(b, packet, len, outer_tos, arrival, inner);
}

START_TEST(passes)
{
	struct esp_arrival arrival;
	struct inner inner;

	for (uint64_t i = 1; i <= 200; i++) {
		ck_assert(opens(sealed(), 0, &arrival, &inner));
		ck_assert(arrival.authentic && arrival.newest);
		ck_assert_uint_eq(arrival.sequence, i);
		ck_assert_uint_eq(inner.len, 100);
		ck_assert_uint_eq(wire_get32(inner.src), HOST_A);
	}
	ck_assert_uint_eq(a->sa.out.packets, 200);
	ck_assert_uint_eq(b->sa.in.packets, 200);
	ck_assert_uint_eq(a->sa.out.bytes, 200 * 100);
}
END_TEST

START_TEST(ipv6_passes)
{
	struct esp_arrival arrival;
	struct inner inner;

	ip6(packet + esp_head_len(conf_a.algorithm), &net6_a, &net6_b, 33, 0xb8);
	ck_assert(opens(esp_tunnel_seal(a, packet, 73, ESP_NEXT_IPV6), 0, &arrival, &inner));
	ck_assert_uint_eq(inner.version, 6);
	ck_assert_uint_eq(inner.len, 73);
	ck_assert_uint_eq(inner.tos, 0xb8);
	/* The next header must say what is inside. */
	ip6(packet + esp_head_len(conf_a.algorithm), &net6_a, &net6_b, 33, 0);
	ck_assert(!opens(esp_tunnel_seal(a, packet, 73, ESP_NEXT_IPV4), 0, &arrival, &inner));
	ck_assert_uint_eq(b->drops.malformed, 1);
}
END_TEST

START_TEST(replayed_and_late)
{
	struct esp_arrival arrival;
	struct inner inner;
	size_t len = sealed();

	memcpy(copy, packet, len);
	ck_assert(opens(len, 0, &arrival, &inner));
	memcpy(packet, copy, len);
	ck_assert(!opens(len, 0, &arrival, &inner));
	ck_assert(!arrival.authentic);
	ck_assert_uint_eq(b->drops.replayed, 1);
	/* A late one is authentic, and not the newest; behind the window it is neither. */
	len = sealed();
	memcpy(copy, packet, len);
	ck_assert(opens(sealed(), 0, &arrival, &inner));
	memcpy(packet, copy, len);
	ck_assert(opens(len, 0, &arrival, &inner));
	ck_assert(arrival.authentic && !arrival.newest);
	len = sealed();
	memcpy(copy, packet, len);
	for (int i = 0; i < 64; i++)
		ck_assert(opens(sealed(), 0, &arrival, &inner));
	memcpy(packet, copy, len);
	ck_assert(!opens(len, 0, &arrival, &inner));
	ck_assert(!arrival.authentic); /* with ESN it is read as one of the next turn, which the ICV refutes */
	ck_assert_uint_eq(b->drops.unauthentic, 1);
}
END_TEST

/* A forged number far ahead must not move the window. */
START_TEST(forged_moves_nothing)
{
	struct esp_arrival arrival;
	struct inner inner;
	size_t len = sealed();

	memcpy(copy, packet, len);
	wire_put32(packet + 4, 0x7fffffff);
	ck_assert(!opens(len, 0, &arrival, &inner));
	ck_assert(!arrival.authentic);
	ck_assert_uint_eq(b->drops.unauthentic, 1);
	memcpy(packet, copy, len);
	ck_assert(opens(len, 0, &arrival, &inner));
	ck_assert_uint_eq(b->replay.highest, 1);
}
END_TEST

/* RFC 4303 2.6 and 2.7: dummies are authentic and discarded; padding behind the inner packet is cut off. */
START_TEST(dummies_and_tfc_padding)
{
	struct esp_arrival arrival;
	struct inner inner;

	ck_assert(!opens(esp_tunnel_seal(a, packet, 0, ESP_NEXT_NONE), 0, &arrival, &inner));
	ck_assert(arrival.authentic && arrival.newest);
	ck_assert_uint_eq(b->drops.dummies, 1);
	ip4(packet + esp_head_len(conf_a.algorithm), HOST_A, HOST_B, 60, 0);
	memset(packet + esp_head_len(conf_a.algorithm) + 60, 0xaa, 500);
	ck_assert(opens(esp_tunnel_seal(a, packet, 560, ESP_NEXT_IPV4), 0, &arrival, &inner));
	ck_assert_uint_eq(inner.len, 60);
}
END_TEST

/* RFC 4303 3.4.3: it passed the ICV, so its number has been received. */
START_TEST(bad_padding_is_received_once)
{
	size_t head = esp_head_len(conf_a.algorithm), text = 48, len = head + text + ESP_ICV_LEN;
	struct esp_arrival arrival;
	struct inner inner;

	memset(packet + head, 0xee, text);
	wire_put32(packet, conf_b.spi_in);
	wire_put32(packet + 4, 5);
	ck_assert(esp_transform_seal(a->seal, packet, text, 5, 5));
	memcpy(copy, packet, len);
	ck_assert(!opens(len, 0, &arrival, &inner));
	ck_assert(arrival.authentic && arrival.newest);
	ck_assert_uint_eq(b->drops.malformed, 1);
	memcpy(packet, copy, len);
	ck_assert(!opens(len, 0, &arrival, &inner));
	ck_assert_uint_eq(b->drops.replayed, 1);
}
END_TEST

/* The peer's answer to a probe. */
static bool
answers(const uint8_t echo[ESP_PROBE_LEN], struct esp_probe *probe)
{
	struct inner inner;

	memcpy(copy, echo, ESP_PROBE_LEN);
	copy[IPV4_HEADER_LEN] = 0;
	ck_assert(inner_parse(&inner, copy, ESP_PROBE_LEN));
	return esp_probe_answered(probe, &inner);
}

START_TEST(return_probes)
{
	struct sa_end one = { HOST_B, 4500 }, two = { HOST_B, 4501 };
	uint8_t first[ESP_PROBE_LEN], again[ESP_PROBE_LEN], other[ESP_PROBE_LEN];

	ck_assert(esp_probe_make(&a->probe, one, HOST_A, HOST_B, first));
	ck_assert(esp_probe_make(&b->probe, one, HOST_A, HOST_B, other)); /* another tunnel's, at the same time */
	ck_assert(!answers(other, &a->probe));
	ck_assert(esp_probe_make(&a->probe, one, HOST_A, HOST_B, again));
	ck_assert(answers(first, &a->probe)); /* later than the next probe */
	ck_assert(!answers(again, &a->probe));
	ck_assert(answers(other, &b->probe));
	ck_assert(esp_probe_make(&a->probe, two, HOST_A, HOST_B, other));
	ck_assert(!answers(first, &a->probe));
	ck_assert(answers(other, &a->probe));
}
END_TEST

START_TEST(selectors)
{
	struct esp_arrival arrival;
	struct inner inner;

	ck_assert(!opens(sealed_ip4(0x0a030001, HOST_B, 100, 0), 0, &arrival, &inner));
	ck_assert(arrival.authentic);
	ck_assert(!opens(sealed_ip4(HOST_A, 0x0a010002, 100, 0), 0, &arrival, &inner));
	ck_assert_uint_eq(b->drops.unselected, 2);
	ip4(packet, HOST_A, HOST_B, 100, 0);
	ck_assert(inner_parse(&inner, packet, 100));
	ck_assert(esp_tunnel_selects(a, &inner));
	ck_assert(!esp_tunnel_selects(b, &inner));
}
END_TEST

/* RFC 6040 4.2. */
START_TEST(congestion)
{
	struct esp_arrival arrival;
	struct inner inner;

	ck_assert(opens(sealed_ip4(HOST_A, HOST_B, 100, 0x02), 0x03, &arrival, &inner)); /* ECT(0), marked on the way */
	ck_assert_uint_eq(inner.bytes[1], 0x03);
	ck_assert_uint_eq(checksum(inner.bytes, 20), 0);
	ck_assert(!opens(sealed_ip4(HOST_A, HOST_B, 100, 0xb8), 0x03, &arrival, &inner)); /* no ECT */
	ck_assert_uint_eq(b->drops.congested, 1);
	ck_assert(opens(sealed_ip4(HOST_A, HOST_B, 100, 0xb8), 0x20, &arrival, &inner)); /* the outer DSCP ends */
	ck_assert_uint_eq(inner.bytes[1], 0xb8);
	ip6(packet + esp_head_len(conf_a.algorithm), &net6_a, &net6_b, 8, 0x02);
	ck_assert(opens(esp_tunnel_seal(a, packet, 48, ESP_NEXT_IPV6), 0x03, &arrival, &inner));
	ck_assert_uint_eq(wire_get16(inner.bytes), 0x6030);
}
END_TEST

/* RFC 4303 3.3.3: no number is used again. */
START_TEST(no_number_left)
{
	conf_a.esn = conf_b.esn = false;
	open_tunnels();
	a->sent->sequence = a->sent->reserved = UINT32_MAX - 2;
	ck_assert_uint_gt(sealed(), 0);
	ck_assert_uint_gt(sealed(), 0);
	ck_assert_uint_eq(sealed(), 0);
	ck_assert_uint_eq(a->drops.overflow, 1);
	ck_assert_uint_eq(a->sent->sequence, UINT32_MAX);
	conf_a.esn = true;
	open_tunnels();
	a->sent->sequence = UINT32_MAX;
	ck_assert_uint_gt(sealed(), 0);
	a->sent->sequence = a->sent->reserved = UINT64_MAX;
	ck_assert_uint_eq(sealed(), 0);
}
END_TEST

START_TEST(hard_limits)
{
	struct esp_arrival arrival;
	struct inner inner;

	conf_a.hard.packets = 3;
	for (int i = 0; i < 3; i++)
		ck_assert_uint_gt(sealed(), 0);
	ck_assert_uint_eq(sealed(), 0);
	ck_assert_uint_eq(a->drops.over_limit, 1);
	conf_a.hard.packets = UINT64_MAX;
	conf_a.hard.bytes = 450;
	ck_assert_uint_gt(sealed(), 0);
	ck_assert_uint_eq(sealed(), 0);
	conf_a.hard.bytes = UINT64_MAX;
	conf_b.hard.packets = 1;
	ck_assert(opens(sealed(), 0, &arrival, &inner));
	ck_assert(!opens(sealed(), 0, &arrival, &inner));
	ck_assert(!arrival.authentic);
}
END_TEST

/* RFC 4303 with RFC 3948 over 1500 bytes: 20 + 8 + 8 + IV, a trailer of 2, the ICV of 16. */
START_TEST(mtu)
{
	ck_assert_uint_eq(esp_tunnel_inner_max(a, 1500), 1438);
	conf_a.encap = false;
	ck_assert_uint_eq(esp_tunnel_inner_max(a, 1500), 1446);
	conf_a.algorithm = esp_algorithm_find("aes-256-cbc-sha256");
	ck_assert_uint_eq(esp_tunnel_inner_max(a, 1500), 1438);
	ck_assert_uint_eq(esp_tunnel_inner_max(a, 20), 0);
}
END_TEST

START_TEST(prefixes)
{
	static const char *const bad[] = {
		"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "2001:db8::1/32", "::/129", "10.0.0/8", "x",
	};
	struct esp_prefix p;
	char text[ESP_PREFIX_STRLEN];
	uint8_t addr[16] = { 10, 129, 0, 1 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!esp_prefix_parse(bad[i], &p), "%s", bad[i]);
	ck_assert(esp_prefix_parse("10.128.0.0/9", &p));
	ck_assert_str_eq(esp_prefix_str(&p, text), "10.128.0.0/9");
	ck_assert(esp_prefix_has(&p, 4, addr));
	addr[1] = 127;
	ck_assert(!esp_prefix_has(&p, 4, addr));
	ck_assert(!esp_prefix_has(&p, 6, addr));
	ck_assert(esp_prefix_parse("0.0.0.0/0", &p) && esp_prefix_has(&p, 4, addr));
	ck_assert(esp_prefix_parse("2001:db8::/32", &p));
	ck_assert_str_eq(esp_prefix_str(&p, text), "2001:db8::/32");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_tunnel");
	TCase *tc = tcase_create("tunnel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, passes);
	tcase_add_test(tc, ipv6_passes);
	tcase_add_test(tc, replayed_and_late);
	tcase_add_test(tc, forged_moves_nothing);
	tcase_add_test(tc, dummies_and_tfc_padding);
	tcase_add_test(tc, bad_padding_is_received_once);
	tcase_add_test(tc, return_probes);
	tcase_add_test(tc, selectors);
	tcase_add_test(tc, congestion);
	tcase_add_test(tc, no_number_left);
	tcase_add_test(tc, hard_limits);
	tcase_add_test(tc, mtu);
	tcase_add_test(tc, prefixes);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
