/* Tunnel headers off and on: IP in IP (RFC 2003) and GRE (RFC 2784), with what they do to DSCP (RFC 2983), ECN (RFC 6040)
 * and DF. Outer IP headers themselves are the kernel's to build; their users decide what goes into them. */
#ifndef RSIP_ENCAP_H
#define RSIP_ENCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

#define GRE_HEADER_LEN 4

/* The header of every GRE packet we send: no checksum, no key, IPv4 inside. */
extern const uint8_t encap_gre_header[GRE_HEADER_LEN];

enum encap_fault { ENCAP_OK, ENCAP_MALFORMED, ENCAP_UNKNOWN };

/* The tunnel type of an outer packet's protocol; 0 for none of ours. */
uint8_t encap_tunnel_type(const struct packet *outer);

/* Finds the inner packet of an outer one that is IP in IP or GRE. ENCAP_UNKNOWN for another protocol, or GRE with options
 * that we do not know or something else than IPv4 inside. */
enum encap_fault encap_strip(const struct packet *outer, uint8_t **inner, size_t *len);

/* Carries congestion that was marked in the tunnel over to the inner packet; false when the packet must be dropped
 * because it could not be told (RFC 6040 4.2). The outer DSCP ends with the tunnel (RFC 2983, pipe model). */
bool encap_take_ecn(uint8_t outer_tos, struct packet *inner);

/* The longest inner packet that fits unfragmented into a tunnel of this type over a path of this MTU. */
uint16_t encap_mtu(uint16_t path_mtu, uint8_t type);

#endif
