/* What goes into the outer IP header of a packet to a host; the kernel builds it. */
#ifndef RSIPD_TUNNEL_HEADER_H
#define RSIPD_TUNNEL_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct demux_binding;
struct packet;

struct tunnel_header {
	ip4_t src, dst;
	uint8_t type; /* enum rsip_tunnel_type */
	uint8_t tos;
	bool df;
};

/* The header that brings inner to the binding's host. gateway_addr is used when the binding names none. */
struct tunnel_header tunnel_header_to(const struct demux_binding *binding, const struct packet *inner,
                                      ip4_t gateway_addr);

#endif
