#include "esp_tcp.h"

#include "checksum.h"
#include "esp_inner.h"
#include "packet.h"
#include "wire.h"

static size_t
header_len_v4(const uint8_t *bytes)
{
	return (bytes[0] & 15u) * 4u;
}

/* Where TCP begins; 0: it is no TCP, or a fragment. */
static size_t
tcp_at(const uint8_t *bytes, size_t len)
{
	if (bytes[0] >> 4 == 4 && len >= IPV4_HEADER_LEN)
		return bytes[IPV4_PROTO] == IP_PROTO_TCP && (wire_get16(bytes + 6) & 0x3fff) == 0 ? header_len_v4(bytes) : 0;
	return len >= INNER_IPV6_HEADER_LEN && bytes[6] == IP_PROTO_TCP ? INNER_IPV6_HEADER_LEN : 0;
}

bool
tcp_find(struct tcp_packet *p, const uint8_t *bytes, size_t len, size_t tcp)
{
	size_t header;

	if (len < IPV4_HEADER_LEN)
		return false;
	p->version = bytes[0] >> 4;
	p->len = len;
	p->tcp = tcp != 0 ? tcp : tcp_at(bytes, len);
	if (p->tcp < IPV4_HEADER_LEN || p->tcp + TCP_HEADER_MIN > len || (p->version == 6 && p->tcp < INNER_IPV6_HEADER_LEN))
		return false;
	header = (bytes[p->tcp + TCP_OFFSET] >> 4) * 4u;
	p->payload = p->tcp + header;
	return header >= TCP_HEADER_MIN && p->payload <= len;
}

uint32_t
tcp_pseudo(const uint8_t *packet, uint8_t version, size_t len)
{
	const uint8_t *addresses = packet + (version == 4 ? IPV4_SRC : 8);
	uint32_t sum = IP_PROTO_TCP + (uint32_t)len;

	for (size_t i = 0; i < (version == 4 ? 8u : 32u); i += 2)
		sum += wire_get16(addresses + i);
	return sum;
}

void
tcp_set_ip_len(uint8_t *packet, uint8_t version, size_t len)
{
	if (version == 6) {
		wire_put16(packet + 4, (uint16_t)(len - INNER_IPV6_HEADER_LEN));
		return;
	}
	wire_put16(packet + 2, (uint16_t)len);
	wire_put16(packet + IPV4_CHECKSUM, 0);
	wire_put16(packet + IPV4_CHECKSUM, checksum(packet, header_len_v4(packet)));
}
