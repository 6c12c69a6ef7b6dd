/* One packet and the gateway's lease table: where it goes, or why it goes nowhere. The stages of the relay decide
 * (engine.h); here is told what they decided, for trace and replay alike.
 *
 * The same packet is seen up to twice at a gateway: when it comes, and when it has been sent on. What comes is given to
 * the stages, and teaches them what it teaches the relay. What has been sent on is only looked up. */
#ifndef RSIPCTL_EXPLAIN_H
#define RSIPCTL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "demux_key.h"
#include "lease_view.h"
#include "packet.h"

#define WHY_MAX 256

/* Where on its way through the gateway the packet was seen; the addresses tell. */
enum seen {
	SEEN_FROM_HOST,   /* in its tunnel, on the way to the gateway */
	SEEN_TO_PUBLIC,   /* sent by the gateway, or by itself */
	SEEN_FROM_PUBLIC, /* to a pool address */
	SEEN_TO_HOST,     /* in the tunnel, sent by the gateway */
	SEEN_ELSEWHERE,   /* nothing that concerns leases */
};

enum fate {
	FATE_PUBLIC,   /* to the public side */
	FATE_HOST,     /* through the tunnel to host */
	FATE_STACK,    /* to the gateway's own stack */
	FATE_ANSWERED, /* by the gateway itself */
	FATE_HELD,     /* a fragment that waits for its first */
	FATE_DROPPED,  /* for reason */
	FATE_SENT,     /* has been sent on already */
	FATE_NONE,     /* the gateway has no say in it */
};

/* A packet as it was captured. */
struct sighting {
	const uint8_t *ip; /* from the IP header on */
	size_t captured;   /* bytes there */
	size_t len;        /* bytes that the packet had; the capture may have cut it short */
	size_t link_mtu;   /* of the interface, 0 when not known: a longer packet was merged out of several on receipt */
	int64_t now;       /* engine.h */
};

struct explained {
	enum seen seen;
	enum fate fate;
	enum dp_drop reason;     /* FATE_DROPPED */
	uint8_t tunnel;          /* enum rsip_tunnel_type around the packet; 0 for none */
	ip4_t outer_src, outer_dst;
	bool readable;           /* packet and fields hold */
	struct packet packet;    /* without the tunnel; its bytes are valid until the next call */
	struct demux_key fields; /* of packet itself; kind DEMUX_OTHER where they could not be read */
	struct demux_key flow;   /* what it was looked up by: of an ICMP error, the packet that it is about */
	ip4_t host;              /* that it belongs to, or that sent it; 0 for none */
	uint32_t bind_id, client_id; /* of the binding it belongs to, or that forbids it; 0 for none */
	bool hairpin;            /* from one host of ours to another */
	unsigned released;       /* fragments that had waited for it and go the same way */
	char why[WHY_MAX];       /* the sentence for people */
};

void explain(struct lease_view *view, const struct sighting *s, struct explained *x);

const char *explain_seen_name(enum seen seen);    /* "from-host", ... */
const char *explain_fate_name(enum fate fate);    /* "public", "host", "stack", "answered", "held", ... */
const char *explain_protocol(uint8_t proto, char space[8]); /* "tcp"; the number where it has no name here */

#endif
