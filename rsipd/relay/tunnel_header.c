#include "tunnel_header.h"

#include "demux_binding.h"
#include "packet.h"

/* RFC 2003 3.1: TOS is copied, DSCP as RFC 2983 would have it and ECN in RFC 6040's normal mode; DF MUST be copied when
 * set, and where it is not the packet may be fragmented in the tunnel. */
struct tunnel_header
tunnel_header_to(const struct demux_binding *binding, const struct packet *inner, ip4_t gateway_addr)
{
	return (struct tunnel_header){
		.src = binding->lease.gateway_addr != 0 ? binding->lease.gateway_addr : gateway_addr,
		.dst = binding->host->addr,
		.type = binding->lease.tunnel,
		.tos = inner->tos,
		.df = inner->dont_fragment,
	};
}
