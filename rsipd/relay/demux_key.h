/* The demultiplexing fields of a packet (RFC 3102 3.2, RFC 3104 4 and 5): what tells whose it is. One shape for both
 * directions; "local" is the leased side, wherever in the packet it stands. Integers are in host byte order. */
#ifndef RSIPD_DEMUX_KEY_H
#define RSIPD_DEMUX_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "packet.h"

/* The rows of the design's table; each says which fields of the key hold beside the addresses and proto. */
enum demux_kind {
	DEMUX_OTHER,        /* no fields to tell by: only an address leased whole can have it */
	DEMUX_PORT,         /* TCP, UDP, SCTP, DCCP, UDP-Lite: local_port, peer_port */
	DEMUX_LOCAL_SPI,    /* ESP, AH towards the local side: spi. The ports too of UDP around ESP, and of what AH protects */
	DEMUX_PEER_SPI,     /* the same towards the peer, which chose the spi */
	DEMUX_IKE,          /* shared IKE port: ports, cookies; the cookies are 0 in a quoted packet cut before them */
	DEMUX_KEEPALIVE,    /* NAT keepalive on a shared port (RFC 3948 2.3): ports */
	DEMUX_ICMP_REQUEST, /* icmp_id, icmp_type */
	DEMUX_ICMP_REPLY,   /* icmp_id, icmp_type: that of the request */
	DEMUX_ICMP_ERROR,   /* see the quoted packet */
};

/* Which side of the IKE SA sent it. IKEv2 says so in every message (RFC 7296 3.1), IKEv1 does not. */
enum ike_sender { IKE_SENDER_UNKNOWN, IKE_SENDER_INITIATOR, IKE_SENDER_RESPONDER };

struct demux_key {
	ip4_t local_addr, peer_addr;
	uint8_t kind;  /* enum demux_kind */
	uint8_t proto; /* of the IP header; 50 for ESP inside UDP */
	uint16_t local_port, peer_port;
	uint16_t icmp_id;
	uint8_t icmp_type;
	uint8_t ike_sender; /* enum ike_sender */
	uint8_t pad[2];
	uint32_t spi;
	uint64_t initiator_cookie, responder_cookie;
};

_Static_assert(sizeof(struct demux_key) == 40, "struct demux_key has no hidden padding");

/* Whether the peer's port can be seen, so that micro-flow policy holds: inside AH it can, inside ESP it cannot (RFC 3104
 * Appendix D). Port 0 is none. */
static inline bool
demux_key_shows_port(const struct demux_key *key)
{
	return key->kind == DEMUX_PORT || (key->proto == IP_PROTO_AH && key->peer_port != 0);
}

#endif
