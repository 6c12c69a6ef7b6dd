#include "packet_build.h"

#include <string.h>

/* All checksums here are computed in a way of their own, so that the code under test does not vouch for itself. */
static uint16_t
sum16(uint32_t sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static void
put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void
put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static void
put64(uint8_t *at, uint64_t v)
{
	put32(at, (uint32_t)(v >> 32));
	put32(at + 4, (uint32_t)v);
}

static size_t
put_data(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)('a' + i % 26);
	return len;
}

/* RFC 768, RFC 793: over the pseudo header too. */
static void
transport_checksum(const struct test_packet *p, uint8_t *segment, size_t len, size_t at)
{
	uint8_t pseudo[12];
	uint16_t sum;

	put32(pseudo, p->src);
	put32(pseudo + 4, p->dst);
	put16(pseudo + 8, p->proto);
	put16(pseudo + 10, (uint32_t)len);
	put16(segment + at, 0);
	sum = (uint16_t)~sum16(sum16(0, pseudo, sizeof(pseudo)), segment, len);
	put16(segment + at, sum);
}

static size_t
build_tcp(const struct test_packet *p, uint8_t *at)
{
	size_t header = 20;

	memset(at, 0, 20);
	put16(at, p->sport);
	put16(at + 2, p->dport);
	put32(at + 4, 0x01020304);
	at[13] = p->syn ? 0x02 : 0x10;
	put16(at + 14, 64240);
	if (p->mss != 0) {
		static const uint8_t even[4] = { 2, 4, 0, 0 }, odd[8] = { 1, 2, 4, 0, 0, 1, 1, 1 };

		memcpy(at + 20, p->mss_odd ? odd : even, p->mss_odd ? 8 : 4);
		put16(at + (p->mss_odd ? 23 : 22), p->mss);
		header += p->mss_odd ? 8 : 4;
	}
	at[12] = (uint8_t)(header / 4 << 4);
	return header + put_data(at + header, p->data);
}

static size_t
build_ike(const struct test_packet *p, uint8_t *at)
{
	put64(at, p->ci);
	put64(at + 8, p->cr);
	at[16] = 33;
	at[17] = p->ike_version != 0 ? p->ike_version : 0x20;
	at[18] = 34;
	at[19] = p->ike_flags;
	put32(at + 20, 1);
	put32(at + 24, 28u + p->data);
	return 28 + put_data(at + 28, p->data);
}

static size_t
build_esp(const struct test_packet *p, uint8_t *at)
{
	put32(at, p->spi);
	put32(at + 4, 7);
	return 8 + put_data(at + 8, p->data);
}

static size_t
build_udp_payload(const struct test_packet *p, uint8_t *at)
{
	switch (p->carries) {
	case UDP_IKE:
		return build_ike(p, at);
	case UDP_MARKED_IKE:
		put32(at, 0);
		return 4 + build_ike(p, at + 4);
	case UDP_ESP:
		return build_esp(p, at);
	case UDP_KEEPALIVE:
		at[0] = 0xff;
		return 1;
	default:
		return put_data(at, p->data);
	}
}

static size_t
build_udp(const struct test_packet *p, uint8_t *at)
{
	size_t len = 8 + build_udp_payload(p, at + 8);

	put16(at, p->sport);
	put16(at + 2, p->dport);
	put16(at + 4, (uint32_t)len + (p->mf ? 1000 : 0));
	transport_checksum(p, at, len, 6);
	return len;
}

static size_t
build_icmp(const struct test_packet *p, uint8_t *at)
{
	static uint8_t quoted[65535];
	size_t len = 8;

	at[0] = p->icmp_type;
	at[1] = p->icmp_code;
	put16(at + 4, p->icmp_id);
	put16(at + 6, p->icmp_mtu);
	if (p->quotes != NULL) {
		size_t whole = test_packet_build_inner(p->quotes, quoted), quote = p->quote_len != 0 ? p->quote_len : 28;

		if (quote > whole)
			quote = whole;
		memcpy(at + 8, quoted, quote);
		len += quote;
	}
	len += put_data(at + len, p->data);
	put16(at + 2, 0);
	put16(at + 2, (uint16_t)~sum16(0, at, len));
	return len;
}

static size_t
build_payload(const struct test_packet *p, uint8_t *at)
{
	size_t len;

	if (p->offset != 0)
		return put_data(at, p->data);
	switch (p->proto) {
	case TCP:
		len = build_tcp(p, at);
		transport_checksum(p, at, len, 16);
		return len;
	case UDP:
		return build_udp(p, at);
	case SCTP:
	case DCCP:
	case UDPLITE:
		memset(at, 0, 16);
		put16(at, p->sport);
		put16(at + 2, p->dport);
		return 16 + put_data(at + 16, p->data);
	case ESP:
		return build_esp(p, at);
	case AH:
		put32(at, 0x11040000); /* UDP next, 24 bytes in all */
		put32(at + 4, p->spi);
		put32(at + 8, 7);
		put_data(at + 12, 12u + p->data);
		if (p->sport != 0)
			put32(at + 24, (uint32_t)p->sport << 16 | p->dport);
		return 24u + p->data;
	case ICMP:
		return build_icmp(p, at);
	default:
		return put_data(at, p->data);
	}
}

static void
put_ip_header(uint8_t *ip, uint8_t tos, size_t len, uint16_t id, uint16_t fragment, uint8_t ttl, uint8_t proto, ip4_t src,
              ip4_t dst, size_t options, const uint8_t option[2])
{
	memset(ip, 0, 20);
	memset(ip + 20, 1, options); /* no operation */
	if (options > 0 && option[0] != 0)
		memcpy(ip + 20, option, 2);
	ip[0] = (uint8_t)(0x45 + options / 4);
	ip[1] = tos;
	put16(ip + 2, (uint32_t)len);
	put16(ip + 4, id);
	put16(ip + 6, fragment);
	ip[8] = ttl;
	ip[9] = proto;
	put32(ip + 12, src);
	put32(ip + 16, dst);
	put16(ip + 10, (uint16_t)~sum16(0, ip, 20 + options));
}

size_t
test_packet_build_inner(const struct test_packet *p, uint8_t *out)
{
	size_t header = 20u + p->options, len = header + build_payload(p, out + header);

	put_ip_header(out, p->tos, len, p->id, (uint16_t)((p->df ? 0x4000 : 0) | (p->mf ? 0x2000 : 0) | p->offset / 8),
	              p->ttl != 0 ? p->ttl : 64, p->proto, p->src, p->dst, p->options, p->option);
	if (p->break_at != 0 || p->break_to != 0) {
		out[p->break_at] = p->break_to;
		if (p->break_at < header && p->break_at / 2 != 5) {
			put16(out + 10, 0);
			put16(out + 10, (uint16_t)~sum16(0, out, header));
		}
	}
	memset(out + len, 0, p->pad);
	return len - p->cut + p->pad;
}

size_t
test_packet_build(const struct test_packet *p, uint8_t *out)
{
	size_t header = 20, len;

	if (p->tunnel == 0)
		return test_packet_build_inner(p, out);
	if (p->tunnel == 47)
		header += 4u + ((p->gre_flags & 0x8000) != 0 ? 4 : 0) + ((p->gre_flags & 0x2000) != 0 ? 4 : 0);
	len = header + test_packet_build_inner(p, out + header);
	if (p->tunnel == 47) {
		memset(out + 20, 0, header - 20);
		put16(out + 20, p->gre_flags);
		put16(out + 22, p->gre_type != 0 ? p->gre_type : 0x0800);
		if ((p->gre_flags & 0x2000) != 0) {
			put16(out + header - 4, (uint16_t)(p->gre_key >> 16));
			put16(out + header - 2, (uint16_t)p->gre_key);
		}
		if ((p->gre_flags & 0x8000) != 0)
			put16(out + 24, (uint16_t)~sum16(0, out + 20, len - 20));
	}
	put_ip_header(out, p->outer_tos, len, 99, 0, 64, p->tunnel, p->outer_src, p->outer_dst, 0, NULL);
	return len;
}
