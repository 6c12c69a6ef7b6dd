/* An IPv4 packet as the stages see it: its header proven and taken apart once, so that nobody behind needs to. */
#ifndef RSIP_PACKET_H
#define RSIP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define IPV4_HEADER_LEN 20 /* without options */
#define PACKET_MAX 65535

/* Offsets of the fields that we write. */
enum ipv4_offset { IPV4_TOS = 1, IPV4_TTL = 8, IPV4_PROTO = 9, IPV4_CHECKSUM = 10, IPV4_SRC = 12, IPV4_DST = 16 };

/* Assigned protocol numbers of the ones we look into. */
enum ip_proto {
	IP_PROTO_ICMP = 1,
	IP_PROTO_IPIP = 4,
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_DCCP = 33,
	IP_PROTO_GRE = 47,
	IP_PROTO_ESP = 50,
	IP_PROTO_AH = 51,
	IP_PROTO_SCTP = 132,
	IP_PROTO_UDPLITE = 136,
};

struct packet {
	uint8_t *bytes; /* borrowed */
	size_t len;     /* the header's total length: what follows it is cut off */
	ip4_t src, dst;
	uint8_t proto, ttl, tos;
	bool dont_fragment, more_fragments;
	bool bad_checksum;        /* why packet_parse refused it */
	bool quoted;              /* inside an ICMP error: may end early, with 8 bytes of payload or more */
	uint16_t id;
	uint16_t fragment_offset; /* in bytes */
	uint16_t payload;         /* offset of what follows the header and its options */
	uint16_t payload_len;     /* bytes there */
};

/* Takes the packet at bytes[0..len) apart. False when it is no IPv4 packet, its lengths do not hold together, its header
 * checksum is wrong, or it is a fragment that no packet can have (RFC 791 3.2). *p borrows bytes. */
bool packet_parse(struct packet *p, uint8_t *bytes, size_t len);

/* The same for a packet quoted in an ICMP error: it may be cut short, and routers on the way may have changed what its
 * checksum covers, so that is not looked at. */
bool packet_parse_quoted(struct packet *p, uint8_t *bytes, size_t len);

static inline const uint8_t *
packet_payload(const struct packet *p)
{
	return p->bytes + p->payload;
}

/* The first or only part of a packet: the one that has the transport header. */
static inline bool
packet_is_first(const struct packet *p)
{
	return p->fragment_offset == 0;
}

static inline bool
packet_is_fragment(const struct packet *p)
{
	return p->more_fragments || p->fragment_offset != 0;
}

/* Changing one header byte of p keeps the header checksum right. */
void packet_set_tos(struct packet *p, uint8_t tos);
void packet_set_ttl(struct packet *p, uint8_t ttl);

/* One hop on: the TTL of the IPv4 header at bytes, which is not 0, goes down by one. */
void packet_hop(uint8_t *bytes);

#endif
