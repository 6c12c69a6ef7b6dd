#include "encap.h"

#include "checksum.h"
#include "rsip_proto.h"
#include "wire.h"

#define ETHERTYPE_IPV4 0x0800

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |C|       Reserved0       | Ver |         Protocol Type         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Checksum (optional)      |       Reserved1 (Optional)    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
#define GRE_CHECKSUM_PRESENT 0x8000
#define GRE_MUST_BE_ZERO 0x7c07 /* Reserved0 bits 1-5 (no RFC 1701 here), and the version */

const uint8_t encap_gre_header[GRE_HEADER_LEN] = { 0, 0, ETHERTYPE_IPV4 >> 8, ETHERTYPE_IPV4 & 0xff };

enum ecn { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3, ECN_MASK = 3 };

uint8_t
encap_tunnel_type(const struct packet *outer)
{
	if (outer->proto == IP_PROTO_IPIP)
		return RSIP_TUNNEL_IP_IP;
	return outer->proto == IP_PROTO_GRE ? RSIP_TUNNEL_GRE : 0;
}

static enum encap_fault
strip_gre(uint8_t *gre, size_t len, uint8_t **inner, size_t *inner_len)
{
	size_t header_len = GRE_HEADER_LEN;
	uint16_t flags;

	if (len < GRE_HEADER_LEN)
		return ENCAP_MALFORMED;
	flags = wire_get16(gre);
	if ((flags & GRE_MUST_BE_ZERO) != 0 || wire_get16(gre + 2) != ETHERTYPE_IPV4)
		return ENCAP_UNKNOWN;
	if ((flags & GRE_CHECKSUM_PRESENT) != 0) {
		header_len += 4;
		if (len < header_len || checksum(gre, len) != 0)
			return ENCAP_MALFORMED;
	}
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
encap_take_ecn(uint8_t outer_tos, struct packet *inner)
{
	uint8_t outer = outer_tos & ECN_MASK, ecn = inner->tos & ECN_MASK;

	if (ecn == ECN_NOT_ECT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (outer == ECN_ECT_1 && ecn == ECN_ECT_0))
		ecn = outer;
	if (ecn != (inner->tos & ECN_MASK))
		packet_set_tos(inner, (uint8_t)((inner->tos & ~ECN_MASK) | ecn));
	return true;
}

uint16_t
encap_mtu(uint16_t path_mtu, uint8_t type)
{
	return (uint16_t)(path_mtu - IPV4_HEADER_LEN - (type == RSIP_TUNNEL_GRE ? GRE_HEADER_LEN : 0));
}
