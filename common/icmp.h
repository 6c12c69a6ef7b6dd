/* ICMP at the gateway: errors taken apart to see whom they concern (RFC 3102 6.2), errors that the gateway itself makes
 * (RFC 1812 4.3.2), and its answers to queries. */
#ifndef RSIP_ICMP_H
#define RSIP_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

#define ICMP_HEADER_LEN 8
#define ICMP_ERROR_MAX 576 /* RFC 1812 4.3.2.3: as much of the packet as fits into this */

enum icmp_type {
	ICMP_TYPE_ECHO_REPLY = 0,
	ICMP_TYPE_UNREACHABLE = 3,
	ICMP_TYPE_ECHO = 8,
	ICMP_TYPE_TIME_EXCEEDED = 11,
	ICMP_TYPE_PARAMETER = 12,
	ICMP_TYPE_TIMESTAMP = 13,
	ICMP_TYPE_TIMESTAMP_REPLY = 14,
};
#define ICMP_CODE_FRAG_NEEDED 4

/* Parses the packet that an ICMP error is about. *quoted borrows error's bytes. */
bool icmp_quoted(const struct packet *error, struct packet *quoted);

/* Whether an ICMP packet's own checksum is right. */
bool icmp_checksum_good(const struct packet *p);

/* Writes into out an ICMP error from src to the sender of about, with mtu in the second half of the header where the
 * code is fragmentation needed (RFC 1191 4), else 0. Returns its length, or 0 when no error may be sent about such a
 * packet (RFC 1812 4.3.2.7: ICMP errors, later fragments, sources that name no single host). */
size_t icmp_error(uint8_t out[ICMP_ERROR_MAX], const struct packet *about, uint8_t type, uint8_t code, uint16_t mtu,
                  ip4_t src);

/* Turns an echo or timestamp request into its reply, where it stands. False, leaving it alone, for another packet, a
 * fragment, or a wrong ICMP checksum. ms_of_day: milliseconds since midnight UT. */
bool icmp_reply(struct packet *request, uint32_t ms_of_day);

#endif
