#include "tunnel_header.h"

#include "checksum.h"
#include "demux_binding.h"
#include "encap.h"
#include "packet.h"
#include "wire.h"

#define OUTER_TTL 64 /* RFC 2003 3.1: what brings it to the end of the tunnel */
#define VERSION_IHL 0x45
#define FLAG_DF 0x4000

/* RFC 2003 3.1: TOS is copied, DSCP as RFC 2983 would have it and ECN in RFC 6040's normal mode; DF MUST be copied when
 * set, and where it is not the packet may be fragmented in the tunnel. */
struct tunnel_header
tunnel_header_to(const struct demux_binding *binding, const struct packet *inner, ip4_t gateway_addr)
{
	return (struct tunnel_header){
		.src = binding->lease.gateway_addr != 0 ? binding->lease.gateway_addr : gateway_addr,
		.dst = binding->host->addr,
		.kind = demux_binding_tunnel(binding),
		.tos = inner->tos,
		.df = inner->dont_fragment,
	};
}

size_t
tunnel_header_len(const struct tunnel_header *header)
{
	return IPV4_HEADER_LEN + encap_len(header->kind);
}

/* What cannot be fragmented needs no ID of its own (RFC 6864 4.1), and gets none from the kernel either. */
void
tunnel_header_write(const struct tunnel_header *header, size_t inner_len, uint16_t id, uint8_t *to)
{
	to[0] = VERSION_IHL;
	to[IPV4_TOS] = header->tos;
	wire_put16(to + 2, (uint16_t)(tunnel_header_len(header) + inner_len));
	wire_put16(to + 4, header->df ? 0 : id);
	wire_put16(to + 6, header->df ? FLAG_DF : 0);
	to[IPV4_TTL] = OUTER_TTL;
	to[IPV4_PROTO] = header->kind.type == RSIP_TUNNEL_GRE ? IP_PROTO_GRE : IP_PROTO_IPIP;
	wire_put16(to + IPV4_CHECKSUM, 0);
	wire_put32(to + IPV4_SRC, header->src);
	wire_put32(to + IPV4_DST, header->dst);
	wire_put16(to + IPV4_CHECKSUM, checksum(to, IPV4_HEADER_LEN));
	encap_write(header->kind, to + IPV4_HEADER_LEN);
}
