/* TCP inside an IP packet, as far as segmentation offload needs it: what may be joined and what it is taken apart
 * into. */
#ifndef RSIPC_ESP_TCP_H
#define RSIPC_ESP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_HEADER_MIN 20
enum tcp_offset { TCP_SEQ = 4, TCP_ACK = 8, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_CHECKSUM = 16 };
enum tcp_flag { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACKS = 0x10, TCP_CWR = 0x80 };

struct tcp_packet {
	uint8_t version;
	size_t tcp;     /* offset of the TCP header */
	size_t payload; /* offset of what it carries */
	size_t len;     /* of the whole packet */
};

/* Finds the TCP header of a packet whose IP header is sound; IPv6 with extension headers is not looked through. tcp !=
 * 0: it is known to be there. */
bool tcp_find(struct tcp_packet *p, const uint8_t *bytes, size_t len, size_t tcp);

/* The sum of the pseudo-header's words (RFC 9293 3.1), for len bytes of TCP. */
uint32_t tcp_pseudo(const uint8_t *packet, uint8_t version, size_t len);

/* Writes the lengths of the IP header (and the checksum of IPv4's) for a packet of len bytes. */
void tcp_set_ip_len(uint8_t *packet, uint8_t version, size_t len);

#endif
