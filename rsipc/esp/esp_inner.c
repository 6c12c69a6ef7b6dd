#include "esp_inner.h"

#include <string.h>

#include "checksum.h"
#include "encap.h"
#include "icmp.h"
#include "packet.h"
#include "wire.h"

#define PROTO_NONE 59
#define PROTO_ICMPV6 58
#define ICMPV6_TOO_BIG 2
#define ICMPV6_INFORMATIONAL 128 /* types from here on are no errors */
#define ICMPV6_HEADER_LEN 8

static bool
parse_v4(struct inner *p, uint8_t *bytes, size_t len)
{
	struct packet v4;

	if (!packet_parse(&v4, bytes, len))
		return false;
	*p = (struct inner){ .bytes = bytes, .len = v4.len, .version = 4, .tos = v4.tos, .dont_fragment = v4.dont_fragment,
	                     .src = bytes + IPV4_SRC, .dst = bytes + IPV4_DST };
	return true;
}

static bool
parse_v6(struct inner *p, uint8_t *bytes, size_t len)
{
	size_t whole;

	if (len < INNER_IPV6_HEADER_LEN)
		return false;
	whole = INNER_IPV6_HEADER_LEN + (size_t)wire_get16(bytes + 4);
	if (whole > len)
		return false;
	*p = (struct inner){ .bytes = bytes, .len = whole, .version = 6, .tos = (uint8_t)(wire_get16(bytes) >> 4),
	                     .dont_fragment = true, .src = bytes + 8, .dst = bytes + 24 };
	return true;
}

bool
inner_parse(struct inner *p, uint8_t *bytes, size_t len)
{
	if (len == 0)
		return false;
	switch (bytes[0] >> 4) {
	case 4: return parse_v4(p, bytes, len);
	case 6: return parse_v6(p, bytes, len);
	default: return false;
	}
}

static void
set_tos(struct inner *p, uint8_t tos)
{
	struct packet v4;

	if (p->version == 6)
		wire_put16(p->bytes, (uint16_t)((wire_get16(p->bytes) & 0xf00f) | tos << 4));
	else if (packet_parse(&v4, p->bytes, p->len))
		packet_set_tos(&v4, tos);
	p->tos = tos;
}

bool
inner_take_ecn(uint8_t outer_tos, struct inner *p)
{
	uint8_t tos = p->tos;

	if (!encap_ecn(outer_tos, &tos))
		return false;
	if (tos != p->tos)
		set_tos(p, tos);
	return true;
}

/* No error about an error (RFC 4443 2.4 (e)), nor to who is no single host. Extension headers are not looked through:
 * an error behind one gets an answer, which its receiver ignores. */
static bool
answerable_v6(const struct inner *about)
{
	static const uint8_t unspecified[16];

	if (about->src[0] == 0xff || about->dst[0] == 0xff || memcmp(about->src, unspecified, sizeof(unspecified)) == 0)
		return false;
	return about->bytes[6] != PROTO_ICMPV6 || about->len <= INNER_IPV6_HEADER_LEN ||
	       about->bytes[INNER_IPV6_HEADER_LEN] >= ICMPV6_INFORMATIONAL;
}

/* The checksum of an ICMPv6 message at packet + 40 with its pseudo-header (RFC 4443 2.3). */
static uint16_t
icmpv6_checksum(const uint8_t *packet, size_t len)
{
	uint8_t covered[INNER_ERROR_MAX];

	memcpy(covered, packet + 8, 32);
	wire_put32(covered + 32, (uint32_t)len);
	wire_put32(covered + 36, PROTO_ICMPV6);
	memcpy(covered + INNER_IPV6_HEADER_LEN, packet + INNER_IPV6_HEADER_LEN, len);
	return checksum(covered, INNER_IPV6_HEADER_LEN + len);
}

static size_t
too_big_v6(uint8_t *out, const struct inner *about, unsigned mtu)
{
	size_t quoted = INNER_ERROR_MAX - INNER_IPV6_HEADER_LEN - ICMPV6_HEADER_LEN, len;
	uint8_t *icmp = out + INNER_IPV6_HEADER_LEN;

	if (!answerable_v6(about))
		return 0;
	if (quoted > about->len)
		quoted = about->len;
	len = ICMPV6_HEADER_LEN + quoted;
	memset(out, 0, INNER_IPV6_HEADER_LEN + ICMPV6_HEADER_LEN);
	out[0] = 0x60;
	wire_put16(out + 4, (uint16_t)len);
	out[6] = PROTO_ICMPV6;
	out[7] = 64;
	memcpy(out + 8, about->dst, 16);
	memcpy(out + 24, about->src, 16);
	icmp[0] = ICMPV6_TOO_BIG;
	wire_put32(icmp + 4, mtu);
	memcpy(icmp + ICMPV6_HEADER_LEN, about->bytes, quoted);
	wire_put16(icmp + 2, icmpv6_checksum(out, len));
	return INNER_IPV6_HEADER_LEN + len;
}

size_t
inner_too_big(uint8_t out[INNER_ERROR_MAX], const struct inner *about, unsigned mtu, ip4_t from)
{
	struct packet v4;

	if (about->version == 6)
		return too_big_v6(out, about, mtu);
	if (!packet_parse(&v4, about->bytes, about->len))
		return 0;
	return icmp_error(out, &v4, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, (uint16_t)mtu, from);
}

size_t
inner_dummy(uint8_t out[INNER_DUMMY_LEN], uint8_t version, const uint8_t *src, const uint8_t *dst)
{
	memset(out, 0, INNER_DUMMY_LEN);
	if (version == 6) {
		out[0] = 0x60;
		out[6] = PROTO_NONE;
		out[7] = 1;
		memcpy(out + 8, src, 16);
		memcpy(out + 24, dst, 16);
		return INNER_IPV6_HEADER_LEN;
	}
	out[0] = 0x45;
	wire_put16(out + 2, IPV4_HEADER_LEN);
	out[IPV4_TTL] = 1;
	out[IPV4_PROTO] = PROTO_NONE;
	memcpy(out + IPV4_SRC, src, 4);
	memcpy(out + IPV4_DST, dst, 4);
	wire_put16(out + IPV4_CHECKSUM, checksum(out, IPV4_HEADER_LEN));
	return IPV4_HEADER_LEN;
}
