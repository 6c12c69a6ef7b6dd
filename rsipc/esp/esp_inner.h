/* The inner packet: what of its IP header tunnel mode looks at and changes (RFC 4301 5.1.2), IPv4 or IPv6. */
#ifndef RSIPC_ESP_INNER_H
#define RSIPC_ESP_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define INNER_IPV6_HEADER_LEN 40
#define INNER_ERROR_MAX 1280 /* RFC 4443 2.4 (c); those of ICMP are shorter */
#define INNER_DUMMY_LEN 40   /* room for a packet of inner_dummy */

struct inner {
	uint8_t *bytes; /* borrowed */
	size_t len;     /* what the header says: TFC padding behind it is cut off (RFC 4303 2.7) */
	uint8_t version;
	uint8_t tos;        /* TOS or traffic class: DSCP and ECN */
	bool dont_fragment; /* IPv6: always */
	const uint8_t *src, *dst; /* 4 or 16 bytes */
};

/* Proves the IP header. False for what is neither. */
bool inner_parse(struct inner *p, uint8_t *bytes, size_t len);

/* Carries congestion from the outer header over; false: drop (RFC 6040 4.2). */
bool inner_take_ecn(uint8_t outer_tos, struct inner *p);

/* The ICMP or ICMPv6 error for the sender of a packet that is longer than mtu, from `from` (IPv4) or the packet's own
 * destination (IPv6, since a tunnel's end need not have an address). Returns its length; 0: none may be sent. */
size_t inner_too_big(uint8_t out[INNER_ERROR_MAX], const struct inner *about, unsigned mtu, ip4_t from);

/* A packet without content that no host answers: protocol 59 (no next header), TTL 1. src and dst: 4 or 16 bytes. */
size_t inner_dummy(uint8_t out[INNER_DUMMY_LEN], uint8_t version, const uint8_t *src, const uint8_t *dst);

#endif
