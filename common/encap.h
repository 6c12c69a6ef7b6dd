/* Tunnel headers off and on: IP in IP (RFC 2003) and GRE (RFC 2784, with a key RFC 2890), with what they do to DSCP
 * (RFC 2983), ECN (RFC 6040) and DF. Outer IP headers themselves are the kernel's to build; their users decide what
 * goes into them. */
#ifndef RSIP_ENCAP_H
#define RSIP_ENCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

#define GRE_HEADER_LEN 4
#define GRE_KEY_LEN 4
#define GRE_HEADER_MAX (GRE_HEADER_LEN + GRE_KEY_LEN) /* of those that we send */

/* What both ends of a tunnel must agree in. */
struct tunnel_kind {
	uint8_t type;     /* enum rsip_tunnel_type; 0 for none of ours */
	uint32_t gre_key; /* RFC 2890; 0 for GRE without a key, and for IP-IP */
};

/* The header of GRE packets without a key that we send: no checksum, no sequence number, IPv4 inside. */
extern const uint8_t encap_gre_header[GRE_HEADER_LEN];

/* What stands between the IP headers in a tunnel of this kind, into to[GRE_HEADER_MAX]. Returns its length: 0 for
 * IP-IP. */
size_t encap_write(struct tunnel_kind kind, uint8_t *to);
size_t encap_len(struct tunnel_kind kind);

enum encap_fault { ENCAP_OK, ENCAP_MALFORMED, ENCAP_UNKNOWN };

/* The tunnel type of an outer packet's protocol; 0 for none of ours. */
uint8_t encap_tunnel_type(const struct packet *outer);

/* The same with the key, which means something in an outer packet that encap_strip finds sound. */
struct tunnel_kind encap_kind(const struct packet *outer);
bool encap_same(struct tunnel_kind a, struct tunnel_kind b);

/* Finds the inner packet of an outer one that is IP in IP or GRE. ENCAP_UNKNOWN for another protocol, or GRE with
 * options that we do not know or something else than IPv4 inside. */
enum encap_fault encap_strip(const struct packet *outer, uint8_t **inner, size_t *len);

/* The TOS that the inner packet leaves the tunnel with, for congestion that was marked there; false when the packet
 * must be dropped because it could not be told (RFC 6040 4.2). */
bool encap_ecn(uint8_t outer_tos, uint8_t *inner_tos);

/* Carries congestion that was marked in the tunnel over to the inner packet; false when the packet must be dropped
 * because it could not be told (RFC 6040 4.2). The outer DSCP ends with the tunnel (RFC 2983, pipe model). */
bool encap_take_ecn(uint8_t outer_tos, struct packet *inner);

/* The longest inner packet that fits unfragmented into a tunnel of this kind over a path of this MTU. */
uint16_t encap_mtu(uint16_t path_mtu, struct tunnel_kind kind);

#endif
