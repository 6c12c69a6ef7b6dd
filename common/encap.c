#include "encap.h"

#include <string.h>

#include "checksum.h"
#include "rsip_proto.h"
#include "wire.h"

#define ETHERTYPE_IPV4 0x0800

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |C| |K|S|    Reserved0    | Ver |         Protocol Type         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Checksum (optional)      |       Reserved1 (Optional)    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Key (optional)                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * RFC 2784 2 and RFC 2890 2. Sequence numbers (S) are not spoken: nobody may send them before they are agreed on.
 */
#define GRE_CHECKSUM_PRESENT 0x8000
#define GRE_KEY_PRESENT 0x2000
#define GRE_MUST_BE_ZERO 0x5c07 /* bits 1 and 3-5 (no RFC 1701 here), and the version */

const uint8_t encap_gre_header[GRE_HEADER_LEN] = { 0, 0, ETHERTYPE_IPV4 >> 8, ETHERTYPE_IPV4 & 0xff };

enum ecn { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3, ECN_MASK = 3 };

uint8_t
encap_tunnel_type(const struct packet *outer)
{
	if (outer->proto == IP_PROTO_IPIP)
		return RSIP_TUNNEL_IP_IP;
	return outer->proto == IP_PROTO_GRE ? RSIP_TUNNEL_GRE : 0;
}

/* Where the key is, in a header with these flags. */
static size_t
key_at(uint16_t flags)
{
	return GRE_HEADER_LEN + ((flags & GRE_CHECKSUM_PRESENT) != 0 ? 4 : 0);
}

struct tunnel_kind
encap_kind(const struct packet *outer)
{
	struct tunnel_kind kind = { .type = encap_tunnel_type(outer) };
	const uint8_t *gre = outer->bytes + outer->payload;
	uint16_t flags;

	if (kind.type != RSIP_TUNNEL_GRE || outer->payload_len < GRE_HEADER_LEN)
		return kind;
	flags = wire_get16(gre);
	if ((flags & GRE_KEY_PRESENT) != 0 && outer->payload_len >= key_at(flags) + GRE_KEY_LEN)
		kind.gre_key = wire_get32(gre + key_at(flags));
	return kind;
}

bool
encap_same(struct tunnel_kind a, struct tunnel_kind b)
{
	return a.type == b.type && a.gre_key == b.gre_key;
}

size_t
encap_len(struct tunnel_kind kind)
{
	if (kind.type != RSIP_TUNNEL_GRE)
		return 0;
	return kind.gre_key != 0 ? GRE_HEADER_LEN + GRE_KEY_LEN : GRE_HEADER_LEN;
}

size_t
encap_write(struct tunnel_kind kind, uint8_t *to)
{
	size_t len = encap_len(kind);

	if (len >= GRE_HEADER_LEN)
		memcpy(to, encap_gre_header, GRE_HEADER_LEN);
	if (len > GRE_HEADER_LEN) {
		wire_put16(to, GRE_KEY_PRESENT);
		wire_put32(to + GRE_HEADER_LEN, kind.gre_key);
	}
	return len;
}

/* Key 0 is never agreed on: it stands for none. */
static enum encap_fault
strip_key(const uint8_t *gre, size_t len, size_t *header_len)
{
	if (len < *header_len + GRE_KEY_LEN)
		return ENCAP_MALFORMED;
	if (wire_get32(gre + *header_len) == 0)
		return ENCAP_UNKNOWN;
	*header_len += GRE_KEY_LEN;
	return ENCAP_OK;
}

static enum encap_fault
strip_gre(uint8_t *gre, size_t len, uint8_t **inner, size_t *inner_len)
{
	enum encap_fault fault = ENCAP_OK;
	size_t header_len;
	uint16_t flags;

	if (len < GRE_HEADER_LEN)
		return ENCAP_MALFORMED;
	flags = wire_get16(gre);
	if ((flags & GRE_MUST_BE_ZERO) != 0 || wire_get16(gre + 2) != ETHERTYPE_IPV4)
		return ENCAP_UNKNOWN;
	header_len = key_at(flags);
	if (len < header_len || ((flags & GRE_CHECKSUM_PRESENT) != 0 && checksum(gre, len) != 0))
		return ENCAP_MALFORMED;
	if ((flags & GRE_KEY_PRESENT) != 0 && (fault = strip_key(gre, len, &header_len)) != ENCAP_OK)
		return fault;
	*inner = gre + header_len;
	*inner_len = len - header_len;
	return ENCAP_OK;
}

enum encap_fault
encap_strip(const struct packet *outer, uint8_t **inner, size_t *len)
{
	uint8_t *payload = outer->bytes + outer->payload;

	switch (encap_tunnel_type(outer)) {
	case RSIP_TUNNEL_IP_IP:
		*inner = payload;
		*len = outer->payload_len;
		return ENCAP_OK;
	case RSIP_TUNNEL_GRE:
		return strip_gre(payload, outer->payload_len, inner, len);
	default:
		return ENCAP_UNKNOWN;
	}
}

/* RFC 6040 figure 4, the outgoing ECN field:
 *
 *   inner \ outer   Not-ECT   ECT(0)    ECT(1)    CE
 *   Not-ECT         Not-ECT   Not-ECT   Not-ECT   drop
 *   ECT(0)          ECT(0)    ECT(0)    ECT(1)    CE
 *   ECT(1)          ECT(1)    ECT(1)    ECT(1)    CE
 *   CE              CE        CE        CE        CE
 */
bool
encap_ecn(uint8_t outer_tos, uint8_t *inner_tos)
{
	uint8_t outer = outer_tos & ECN_MASK, ecn = *inner_tos & ECN_MASK;

	if (ecn == ECN_NOT_ECT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (outer == ECN_ECT_1 && ecn == ECN_ECT_0))
		ecn = outer;
	*inner_tos = (uint8_t)((*inner_tos & ~ECN_MASK) | ecn);
	return true;
}

bool
encap_take_ecn(uint8_t outer_tos, struct packet *inner)
{
	uint8_t tos = inner->tos;

	if (!encap_ecn(outer_tos, &tos))
		return false;
	if (tos != inner->tos)
		packet_set_tos(inner, tos);
	return true;
}

uint16_t
encap_mtu(uint16_t path_mtu, struct tunnel_kind kind)
{
	return (uint16_t)(path_mtu - IPV4_HEADER_LEN - encap_len(kind));
}
