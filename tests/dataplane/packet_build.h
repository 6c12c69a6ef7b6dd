/* Packets for tests, described field by field and built into bytes with right checksums and lengths. A field that is not
 * named is 0, except those whose comment says otherwise. */
#ifndef TESTS_PACKET_BUILD_H
#define TESTS_PACKET_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define IP(a, b, c, d) ((ip4_t)(a) << 24 | (ip4_t)(b) << 16 | (ip4_t)(c) << 8 | (ip4_t)(d))

enum { ICMP = 1, TCP = 6, UDP = 17, DCCP = 33, ESP = 50, AH = 51, OSPF = 89, SCTP = 132, UDPLITE = 136 };

/* What follows a UDP header. */
enum udp_payload { UDP_DATA, UDP_IKE, UDP_MARKED_IKE /* non-ESP marker first */, UDP_ESP, UDP_KEEPALIVE };

struct test_packet {
	ip4_t src, dst;
	uint8_t proto;
	uint8_t ttl; /* default 64 */
	uint8_t tos;
	uint16_t id;
	bool df, mf; /* with mf, a UDP length field counts 1000 bytes of later fragments */
	uint16_t offset;       /* in bytes */
	uint8_t options;       /* bytes of IP options, a multiple of 4 */
	uint8_t option[2];     /* type and length of the first one; default two no-operations, as all that follows */
	uint16_t sport, dport; /* the five transports */
	bool syn;
	uint16_t mss; /* TCP option, with the SYN; mss_odd puts it at an odd offset */
	bool mss_odd;
	enum udp_payload carries;
	uint64_t ci, cr;      /* IKE */
	uint8_t ike_version;  /* default 0x20 */
	uint8_t ike_flags;
	uint32_t spi; /* ESP, AH; behind AH, sport and dport of UDP when sport is not 0 */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_mtu;
	const struct test_packet *quotes; /* ICMP errors: the packet they are about */
	uint16_t quote_len;               /* default 28: its header and 8 bytes */
	uint16_t data;                    /* bytes behind the last header */
	/* Damage, done last: a byte overwritten (when break_at or break_to is not 0; the header checksum is then put right again
	 * unless the byte is in it), bytes missing at the end. */
	uint16_t break_at;
	uint8_t break_to;
	uint16_t cut;
	uint16_t pad; /* bytes that the wire added behind the packet */
	/* The tunnel around it; type 0 is none, 4 and 47 are the protocols. */
	uint8_t tunnel;
	ip4_t outer_src, outer_dst;
	uint8_t outer_tos;
	uint16_t gre_flags; /* 0x8000 puts a right checksum in */
	uint16_t gre_type;  /* default 0x0800 */
	uint32_t gre_key;   /* what 0x2000 says is there */
};

/* Builds the packet, with its tunnel, into out, which has room for 65535 bytes. Returns the length. */
size_t test_packet_build(const struct test_packet *p, uint8_t *out);

/* The same without the tunnel. */
size_t test_packet_build_inner(const struct test_packet *p, uint8_t *out);

#endif
