#include "unsummed.h"

#include "checksum.h"
#include "encap.h"
#include "packet.h"
#include "wire.h"

enum { TCP_CHECKSUM_AT = 16, TCP_HEADER_LEN = 20, UDP_CHECKSUM_AT = 6, UDP_HEADER_LEN = 8 };

/* RFC 9293 3.1, RFC 768: the sum covers the addresses, the protocol and the length as well. */
static uint16_t
pseudo_sum(const struct packet *p)
{
	uint8_t header[12];

	wire_put32(header, p->src);
	wire_put32(header + 4, p->dst);
	wire_put16(header + 8, p->proto);
	wire_put16(header + 10, p->payload_len);
	return (uint16_t)~checksum(header, sizeof(header));
}

static void
complete(const struct packet *p, size_t at, size_t header_len)
{
	uint8_t *transport = p->bytes + p->payload;
	uint16_t sum;

	if (packet_is_fragment(p) || p->payload_len < header_len)
		return;
	wire_put16(transport + at, pseudo_sum(p));
	sum = checksum(transport, p->payload_len);
	wire_put16(transport + at, sum == 0 && p->proto == IP_PROTO_UDP ? 0xffff : sum);
}

void
unsummed_complete(uint8_t *bytes, size_t len)
{
	struct packet p;

	if (!packet_parse(&p, bytes, len))
		return;
	if (encap_tunnel_type(&p) != 0 && (encap_strip(&p, &bytes, &len) != ENCAP_OK || !packet_parse(&p, bytes, len)))
		return;
	if (p.proto == IP_PROTO_TCP)
		complete(&p, TCP_CHECKSUM_AT, TCP_HEADER_LEN);
	else if (p.proto == IP_PROTO_UDP)
		complete(&p, UDP_CHECKSUM_AT, UDP_HEADER_LEN);
}
