/* Super-packets: taken apart they are what a wire would have carried, joined again they are what they were. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "esp_merge.h"
#include "esp_segment.h"
#include "run_suite.h"
#include "wire.h"

#define OPTIONS 12 /* timestamps */

static uint8_t super[70000], segments[64][2000];
static size_t segment_lens[64];
static struct merger merger;

static size_t
headers(uint8_t version)
{
	return (version == 4 ? 20 : 40) + TCP_HEADER_MIN + OPTIONS;
}

/* A TCP packet with `payload` bytes, its checksum left to the device. */
static size_t
build(uint8_t version, size_t payload, struct virtio_net_hdr *header, uint16_t mss)
{
	size_t ip = version == 4 ? 20 : 40, len = headers(version) + payload;
	uint8_t *tcp = super + ip;

	memset(super, 0, headers(version));
	if (version == 4) {
		super[0] = 0x45;
		wire_put16(super + 4, 0xfffe); /* the ID wraps */
		super[6] = 0x40;
		super[8] = 64;
		super[9] = 6;
		wire_put32(super + 12, 0x0a010001);
		wire_put32(super + 16, 0x0a020001);
	} else {
		super[0] = 0x60;
		super[6] = 6;
		super[7] = 64;
		super[8] = super[24] = 0x20;
		super[23] = 1;
		super[39] = 2;
	}
	tcp_set_ip_len(super, version, len);
	wire_put16(tcp, 40000);
	wire_put16(tcp + 2, 5201);
	wire_put32(tcp + TCP_SEQ, 0xfffffe00); /* wraps too */
	wire_put32(tcp + TCP_ACK, 77);
	tcp[TCP_OFFSET] = (TCP_HEADER_MIN + OPTIONS) / 4 << 4;
	tcp[TCP_FLAGS] = TCP_ACKS | TCP_PSH;
	memset(tcp + TCP_HEADER_MIN, 1, OPTIONS);
	for (size_t i = 0; i < payload; i++)
		super[headers(version) + i] = (uint8_t)(i * 31 + i / 251);
	wire_put16(tcp + TCP_CHECKSUM, (uint16_t)~checksum_with(tcp_pseudo(super, version, len - ip), NULL, 0));
	*header = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)ip,
	                                   .csum_offset = TCP_CHECKSUM, .gso_size = mss,
	                                   .gso_type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6 };
	if (mss == 0)
		header->gso_type = VIRTIO_NET_HDR_GSO_NONE;
	return len;
}

static unsigned
take_apart(const struct virtio_net_hdr *header, size_t len)
{
	struct segmenter s;
	unsigned n = 0;

	ck_assert(segmenter_begin(&s, header, super, len));
	while ((segment_lens[n] = segmenter_peek(&s)) > 0)
		segmenter_next(&s, segments[n++]);
	return n;
}

static const uint8_t versions[] = { 4, 6 };

START_TEST(taken_apart)
{
	uint8_t version = versions[_i];
	size_t ip = version == 4 ? 20 : 40, done = 0, len;
	struct virtio_net_hdr header;
	unsigned n;

	len = build(version, 3500, &header, 1000);
	n = take_apart(&header, len);
	ck_assert_uint_eq(n, 4);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = segments[i], *tcp = p + ip;
		size_t payload = segment_lens[i] - headers(version);

		ck_assert_uint_eq(payload, i < 3 ? 1000 : 500);
		ck_assert_uint_eq(version == 4 ? wire_get16(p + 2) : wire_get16(p + 4) + 40u, segment_lens[i]);
		if (version == 4) {
			ck_assert_uint_eq(checksum(p, 20), 0);
			ck_assert_uint_eq(wire_get16(p + 4), (uint16_t)(0xfffe + i));
		}
		ck_assert_uint_eq(checksum_with(tcp_pseudo(p, version, segment_lens[i] - ip), tcp, segment_lens[i] - ip), 0);
		ck_assert_uint_eq(wire_get32(tcp + TCP_SEQ), (uint32_t)(0xfffffe00 + done));
		ck_assert_uint_eq(tcp[TCP_FLAGS], i == 3 ? TCP_ACKS | TCP_PSH : TCP_ACKS);
		ck_assert_mem_eq(p + headers(version), super + headers(version) + done, payload);
		done += payload;
	}
	ck_assert_uint_eq(done, 3500);
}
END_TEST

START_TEST(checksum_completed)
{
	uint8_t version = versions[_i];
	size_t ip = version == 4 ? 20 : 40, len;
	struct virtio_net_hdr header;

	len = build(version, 333, &header, 0);
	ck_assert_uint_eq(take_apart(&header, len), 1);
	ck_assert_uint_eq(segment_lens[0], len);
	ck_assert_uint_eq(checksum_with(tcp_pseudo(segments[0], version, len - ip), segments[0] + ip, len - ip), 0);
}
END_TEST

/* What the device's header says must be there. */
START_TEST(header_that_lies)
{
	struct virtio_net_hdr good, bad;
	size_t len = build(4, 3500, &good, 1000);
	struct segmenter s;

	ck_assert(segmenter_begin(&s, &good, super, len));
	bad = good, bad.gso_size = 0;
	ck_assert(!segmenter_begin(&s, &bad, super, len));
	bad = good, bad.flags = 0;
	ck_assert(!segmenter_begin(&s, &bad, super, len));
	bad = good, bad.csum_start = (uint16_t)(len - 10);
	ck_assert(!segmenter_begin(&s, &bad, super, len));
	bad = good, bad.gso_type = VIRTIO_NET_HDR_GSO_NONE, bad.csum_offset = (uint16_t)len;
	ck_assert(!segmenter_begin(&s, &bad, super, len));
	super[20 + TCP_OFFSET] = 0x40; /* a TCP header of 16 bytes */
	ck_assert(!segmenter_begin(&s, &good, super, len));
}
END_TEST

/* Back to the same super-packet, byte for byte, with the header that says how to take it apart again. */
START_TEST(joined_again)
{
	uint8_t version = versions[_i], *joined;
	struct virtio_net_hdr header, out;
	size_t len = build(version, 3500, &header, 1000);
	unsigned n = take_apart(&header, len);

	for (unsigned i = 0; i < n; i++)
		ck_assert(merger_take(&merger, segments[i], segment_lens[i]));
	ck_assert_uint_eq(merger_finish(&merger, &joined, &out), len);
	ck_assert_mem_eq(joined, super, len);
	ck_assert_uint_eq(out.gso_size, 1000);
	ck_assert_uint_eq(out.gso_type, header.gso_type);
	ck_assert_uint_eq(out.csum_start, header.csum_start);
	ck_assert_uint_eq(merger_finish(&merger, &joined, &out), 0);
}
END_TEST

/* One by itself is passed on as it came. */
START_TEST(single)
{
	struct virtio_net_hdr header, out;
	size_t len = build(4, 3500, &header, 1000);
	uint8_t *joined;

	take_apart(&header, len);
	ck_assert(merger_take(&merger, segments[0], segment_lens[0]));
	ck_assert_uint_eq(merger_finish(&merger, &joined, &out), segment_lens[0]);
	ck_assert_mem_eq(joined, segments[0], segment_lens[0]);
	ck_assert_uint_eq(out.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	ck_assert_uint_eq(out.flags, 0);
}
END_TEST

/* Repairs the checksums of a segment of IPv4 after a change. */
static void
repair(uint8_t *p, size_t len)
{
	tcp_set_ip_len(p, 4, len);
	wire_put16(p + 20 + TCP_CHECKSUM, 0);
	wire_put16(p + 20 + TCP_CHECKSUM, checksum_with(tcp_pseudo(p, 4, len - 20), p + 20, len - 20));
}

/* Each field that makes a segment another stream's, another moment's, or more than data. */
START_TEST(not_joined)
{
	static const struct { size_t at; uint8_t value; bool alone; } changes[] = {
		{ 1, 0x20, false },                    /* TOS */
		{ 5, 9, false },                       /* ID */
		{ 6, 0, false },                       /* DF */
		{ 8, 63, false },                      /* TTL */
		{ 15, 9, false },                      /* source */
		{ 20 + 1, 9, false },                  /* port */
		{ 20 + TCP_SEQ + 3, 9, false },
		{ 20 + TCP_ACK + 3, 9, false },
		{ 20 + 15, 9, false },                 /* window */
		{ 20 + TCP_HEADER_MIN, 0, false },     /* an option */
		{ 20 + TCP_FLAGS, TCP_ACKS | TCP_FIN, true },
		{ 20 + TCP_FLAGS, TCP_ACKS | 0x02, true }, /* SYN */
		{ 20 + TCP_FLAGS, TCP_ACKS | TCP_CWR, true },
		{ 6, 0x20, true },                     /* a fragment */
		{ 9, 17, true },                       /* no TCP */
	};
	struct virtio_net_hdr header, out;
	size_t len = build(4, 3000, &header, 1000);
	uint8_t *joined, changed[2000];

	take_apart(&header, len);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(changed, segments[1], segment_lens[1]);
		changed[changes[i].at] = changes[i].value;
		repair(changed, segment_lens[1]);
		ck_assert(merger_take(&merger, segments[0], segment_lens[0]));
		ck_assert_msg(!merger_take(&merger, changed, segment_lens[1]), "change %zu", i);
		ck_assert(merger_take(&merger, segments[1], segment_lens[1]));
		merger_finish(&merger, &joined, &out);
		ck_assert_int_eq(merger_take(&merger, changed, segment_lens[1]), !changes[i].alone);
		merger_finish(&merger, &joined, &out);
	}
	/* Damaged: the stack must see it. */
	memcpy(changed, segments[0], segment_lens[0]);
	changed[100] ^= 1;
	ck_assert(!merger_take(&merger, changed, segment_lens[0]));
	/* Nothing goes behind a short one, or behind PSH. */
	ck_assert(merger_take(&merger, segments[2], segment_lens[2]));
	ck_assert(!merger_take(&merger, segments[0], segment_lens[0]));
	merger_finish(&merger, &joined, &out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_offload");
	TCase *tc = tcase_create("offload");

	tcase_add_loop_test(tc, taken_apart, 0, 2);
	tcase_add_loop_test(tc, checksum_completed, 0, 2);
	tcase_add_test(tc, header_that_lies);
	tcase_add_loop_test(tc, joined_again, 0, 2);
	tcase_add_test(tc, single);
	tcase_add_test(tc, not_joined);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
