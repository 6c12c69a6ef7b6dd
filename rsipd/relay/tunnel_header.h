/* What goes into the outer IP header of a packet to a host. The kernel builds it where its raw sockets send the packet, we
 * do where the relay sends frames. */
#ifndef RSIPD_TUNNEL_HEADER_H
#define RSIPD_TUNNEL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "encap.h"

struct demux_binding;
struct packet;

struct tunnel_header {
	ip4_t src, dst;
	struct tunnel_kind kind;
	uint8_t tos;
	bool df;
};

/* The header that brings inner to the binding's host. gateway_addr is used when the binding names none. */
struct tunnel_header tunnel_header_to(const struct demux_binding *binding, const struct packet *inner,
                                      ip4_t gateway_addr);

/* The bytes in front of the inner packet: outer IP header, and GRE's with its key. */
size_t tunnel_header_len(const struct tunnel_header *header);

/* Writes them for an inner packet of inner_len bytes. id tells packets apart that may be fragmented on the way. */
void tunnel_header_write(const struct tunnel_header *header, size_t inner_len, uint16_t id, uint8_t *to);

#endif
