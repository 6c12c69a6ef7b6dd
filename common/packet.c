#include "packet.h"

#include "checksum.h"
#include "wire.h"

#define FLAG_DF 0x4000
#define FLAG_MF 0x2000
#define OFFSET_MASK 0x1fff

/* RFC 791 3.1. The caller has proven that the fixed header is there. Returns false when version, IHL and total length do
 * not hold together. */
static bool
parse_header(struct packet *p, uint8_t *bytes)
{
	size_t header_len = (size_t)(bytes[0] & 0x0f) * 4;
	uint16_t fragment = wire_get16(bytes + 6);

	if (bytes[0] >> 4 != 4 || header_len < IPV4_HEADER_LEN)
		return false;
	p->bytes = bytes;
	p->len = wire_get16(bytes + 2);
	if (p->len < header_len)
		return false;
	p->tos = bytes[IPV4_TOS];
	p->id = wire_get16(bytes + 4);
	p->dont_fragment = (fragment & FLAG_DF) != 0;
	p->more_fragments = (fragment & FLAG_MF) != 0;
	p->fragment_offset = (uint16_t)((fragment & OFFSET_MASK) * 8);
	p->ttl = bytes[IPV4_TTL];
	p->proto = bytes[IPV4_PROTO];
	p->src = wire_get32(bytes + IPV4_SRC);
	p->dst = wire_get32(bytes + IPV4_DST);
	p->payload = (uint16_t)header_len;
	return true;
}

/* All fragments but the last carry a multiple of 8 bytes, and none reaches past the largest packet. */
static bool
fragment_possible(const struct packet *p)
{
	if (p->more_fragments && (p->payload_len == 0 || p->payload_len % 8 != 0))
		return false;
	return (size_t)p->payload + p->fragment_offset + p->payload_len <= PACKET_MAX;
}

bool
packet_parse(struct packet *p, uint8_t *bytes, size_t len)
{
	p->bad_checksum = false;
	if (len < IPV4_HEADER_LEN || !parse_header(p, bytes) || p->len > len)
		return false;
	p->quoted = false;
	p->payload_len = (uint16_t)(p->len - p->payload);
	p->bad_checksum = checksum(bytes, p->payload) != 0;
	return !p->bad_checksum && fragment_possible(p);
}

bool
packet_parse_quoted(struct packet *p, uint8_t *bytes, size_t len)
{
	if (len < IPV4_HEADER_LEN || !parse_header(p, bytes) || p->payload > len)
		return false;
	p->quoted = true;
	p->bad_checksum = false;
	if (p->len > len)
		p->len = len;
	p->payload_len = (uint16_t)(p->len - p->payload);
	return true;
}

/* Writes the byte at offset at, which lies in the 16-bit word at offset word_at. */
static void
set_byte(struct packet *p, size_t word_at, size_t at, uint8_t value)
{
	uint16_t before = wire_get16(p->bytes + word_at);
	uint16_t sum = wire_get16(p->bytes + IPV4_CHECKSUM);

	p->bytes[at] = value;
	wire_put16(p->bytes + IPV4_CHECKSUM, checksum_adjust(sum, before, wire_get16(p->bytes + word_at)));
}

void
packet_set_tos(struct packet *p, uint8_t tos)
{
	set_byte(p, IPV4_TOS - 1, IPV4_TOS, tos);
	p->tos = tos;
}

void
packet_hop(uint8_t *bytes)
{
	uint16_t before = wire_get16(bytes + IPV4_TTL), sum = wire_get16(bytes + IPV4_CHECKSUM);

	bytes[IPV4_TTL]--;
	wire_put16(bytes + IPV4_CHECKSUM, checksum_adjust(sum, before, wire_get16(bytes + IPV4_TTL)));
}

void
packet_set_ttl(struct packet *p, uint8_t ttl)
{
	set_byte(p, IPV4_TTL, IPV4_TTL, ttl);
	p->ttl = ttl;
}
