#include "classify.h"

#include <string.h>

#include "wire.h"

/* RFC 3947 4, RFC 7296 2: plain IKE is on 500. Any other shared port is spoken to as 4500 is, RFC 3948: four zero bytes
 * before IKE, else ESP, else one byte 0xff to keep a NAT's mapping. */
#define IKE_PLAIN_PORT 500
#define NON_ESP_MARKER_LEN 4
#define NAT_KEEPALIVE 0xff

#define UDP_HEADER_LEN 8
#define IKE_HEADER_LEN 28  /* RFC 2408 3.1, RFC 7296 3.1 */
#define IKE_COOKIES_LEN 16
#define IKE_VERSION_AT 17
#define IKE_FLAGS_AT 19
#define IKEV2_FLAG_INITIATOR 0x08

#define QUOTED_PAYLOAD_MIN 8 /* RFC 792: what an ICMP error quotes at least */

/* Shortest header of each protocol that we look into. A first fragment with less is an attack (RFC 1858 3). */
static uint16_t
header_min(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_TCP:
		return 20;
	case IP_PROTO_SCTP:
	case IP_PROTO_DCCP:
	case IP_PROTO_AH:
		return 12;
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
	case IP_PROTO_ESP:
	case IP_PROTO_ICMP:
		return 8;
	default:
		return 0;
	}
}

static bool
is_ike_port(const struct dp_pool *pool, uint16_t port)
{
	for (unsigned i = 0; pool != NULL && i < pool->n_ike_ports; i++) {
		if (pool->ike_ports[i] == port)
			return true;
	}
	return false;
}

static void
spi_key(struct demux_key *key, enum local_side side, uint8_t proto, uint32_t spi)
{
	key->kind = side == LOCAL_IS_DST ? DEMUX_LOCAL_SPI : DEMUX_PEER_SPI;
	key->proto = proto;
	key->spi = spi;
}

/* The ISAKMP header of both versions of IKE:
 *
 *   | initiator cookie (8) | responder cookie (8) | next payload, version, exchange, flags (4) | message ID | length |
 */
static bool
classify_ike(struct demux_key *key, const uint8_t *ike, size_t len, bool quoted)
{
	key->kind = DEMUX_IKE;
	if (len < (quoted ? IKE_COOKIES_LEN : IKE_HEADER_LEN))
		return quoted;
	key->initiator_cookie = wire_get64(ike);
	key->responder_cookie = wire_get64(ike + 8);
	if (key->initiator_cookie == 0)
		return false;
	if (len >= IKE_HEADER_LEN && ike[IKE_VERSION_AT] >> 4 == 2)
		key->ike_sender = (ike[IKE_FLAGS_AT] & IKEV2_FLAG_INITIATOR) != 0 ? IKE_SENDER_INITIATOR : IKE_SENDER_RESPONDER;
	return true;
}

/* What follows the UDP header on a shared port that is not 500. */
static bool
classify_natt(struct demux_key *key, enum local_side side, const uint8_t *data, size_t len, bool quoted)
{
	if (len == 1 && data[0] == NAT_KEEPALIVE) {
		key->kind = DEMUX_KEEPALIVE;
		return true;
	}
	if (len < NON_ESP_MARKER_LEN) {
		key->kind = DEMUX_IKE;
		return quoted;
	}
	if (wire_get32(data) == 0)
		return classify_ike(key, data + NON_ESP_MARKER_LEN, len - NON_ESP_MARKER_LEN, quoted);
	spi_key(key, side, IP_PROTO_ESP, wire_get32(data));
	return true;
}

static bool
classify_udp(const struct packet *p, enum local_side side, const struct dp_pool *pool, struct demux_key *key)
{
	const uint8_t *udp = packet_payload(p);
	size_t len = wire_get16(udp + 4); /* header and data, RFC 768 */

	if (!p->quoted && !packet_is_fragment(p) && (len < UDP_HEADER_LEN || len > p->payload_len))
		return false;
	if (len > p->payload_len)
		len = p->payload_len;
	if (!is_ike_port(pool, key->local_port))
		return true;
	if (len < UDP_HEADER_LEN)
		return false;
	if (key->local_port == IKE_PLAIN_PORT)
		return classify_ike(key, udp + UDP_HEADER_LEN, len - UDP_HEADER_LEN, p->quoted);
	return classify_natt(key, side, udp + UDP_HEADER_LEN, len - UDP_HEADER_LEN, p->quoted);
}

/* All five transports begin with source and destination port. */
static void
port_key(const struct packet *p, enum local_side side, struct demux_key *key)
{
	uint16_t src = wire_get16(packet_payload(p)), dst = wire_get16(packet_payload(p) + 2);

	key->kind = DEMUX_PORT;
	key->local_port = side == LOCAL_IS_DST ? dst : src;
	key->peer_port = side == LOCAL_IS_DST ? src : dst;
}

static bool
begins_with_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_SCTP || proto == IP_PROTO_DCCP ||
	       proto == IP_PROTO_UDPLITE;
}

/* What AH protects is in the clear: in transport mode the ports stand behind its header (RFC 4302 2), for flow policy to look
 * at. Length is in words of four bytes, less two. A fragment that ends before them hides them. */
static bool
classify_ah(const struct packet *p, enum local_side side, struct demux_key *key)
{
	const uint8_t *ah = packet_payload(p);
	size_t len = ((size_t)ah[1] + 2) * 4;

	spi_key(key, side, IP_PROTO_AH, wire_get32(ah + 4));
	if (!begins_with_ports(ah[0]) || p->quoted)
		return true;
	if (p->payload_len < len + 4)
		return !packet_is_fragment(p);
	key->local_port = wire_get16(ah + len + (side == LOCAL_IS_DST ? 2 : 0));
	key->peer_port = wire_get16(ah + len + (side == LOCAL_IS_DST ? 0 : 2));
	return true;
}

static void
classify_icmp(const struct packet *p, struct demux_key *key)
{
	const uint8_t *icmp = packet_payload(p);

	key->icmp_id = wire_get16(icmp + 4);
	switch (icmp[0]) {
	case 8:  /* echo */
	case 13: /* timestamp */
	case 17: /* address mask */
		key->kind = DEMUX_ICMP_REQUEST;
		key->icmp_type = icmp[0];
		break;
	case 0:
	case 14:
	case 18:
		key->kind = DEMUX_ICMP_REPLY;
		key->icmp_type = icmp[0] == 0 ? 8 : icmp[0] - 1;
		break;
	case 3:  /* destination unreachable */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		key->kind = DEMUX_ICMP_ERROR;
		break;
	default: /* redirects and source quench (RFC 6633) have no place here */
		key->kind = DEMUX_OTHER;
	}
}

bool
classify(const struct packet *p, enum local_side side, const struct dp_pool *pool, struct demux_key *key)
{
	uint16_t need = header_min(p->proto);

	memset(key, 0, sizeof(*key));
	key->proto = p->proto;
	key->local_addr = side == LOCAL_IS_DST ? p->dst : p->src;
	key->peer_addr = side == LOCAL_IS_DST ? p->src : p->dst;
	if (!packet_is_first(p))
		return true;
	if (p->quoted && need > QUOTED_PAYLOAD_MIN)
		need = QUOTED_PAYLOAD_MIN;
	if (p->payload_len < need)
		return false;
	switch (p->proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_SCTP:
	case IP_PROTO_DCCP:
	case IP_PROTO_UDPLITE:
		port_key(p, side, key);
		return true;
	case IP_PROTO_UDP:
		port_key(p, side, key);
		return classify_udp(p, side, pool, key);
	case IP_PROTO_ESP:
		spi_key(key, side, IP_PROTO_ESP, wire_get32(packet_payload(p)));
		return true;
	case IP_PROTO_AH:
		return classify_ah(p, side, key);
	case IP_PROTO_ICMP:
		classify_icmp(p, key);
		return true;
	default:
		return true;
	}
}
