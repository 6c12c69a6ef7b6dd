/* The stages of the relay, run in order over one packet: bytes in, verdict out. No descriptor and no clock in here,
 * so that tests and fuzzers drive what ships. inbound.c and outbound.c are the two directions, tunnel_error.c what
 * comes back out of tunnels, release.c what had to wait.
 *
 * State that packets leave behind, which a data plane beside this one must leave to it: learned.h, fragment_hold.h. A
 * packet from one host to the public address of another (hairpin) goes out and in within one call: only then is it
 * known who sent it, and where both are on one address nothing in the packet tells. */
#ifndef RSIPD_ENGINE_H
#define RSIPD_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "demux.h"
#include "icmp.h"
#include "token_bucket.h"
#include "verdict.h"

struct engine {
	struct demux *demux;
	int64_t now;        /* clock_now(), set by the caller as often as it likes */
	uint32_t ms_of_day; /* for ICMP timestamps */
	ip4_t gateway_addr; /* see struct relay_net */
	ip4_t public_addr;
	struct token_bucket errors;  /* ICMP errors made */
	struct token_bucket answers; /* pings answered */
	struct held_fragment *released; /* in work by the caller of engine_next_released */
	uint8_t error[ICMP_ERROR_MAX];
};

/* A packet that the public side sent to an address of ours: design section 2, inbound. bytes may be changed, and *v
 * borrows them; what *v points to in the engine is valid until the next call. */
void engine_inbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v);

/* A packet that came in on a private interface with our address as outer destination, as a raw socket delivers it. */
void engine_outbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v);

/* After a call of either: a fragment that had waited for the one just handled, as a verdict of its own. False: no more.
 * *v borrows from the engine until the next call of this, so call it until it returns false. */
bool engine_next_released(struct engine *e, struct verdict *v);

/* An ICMP error that came to the gateway from the private side. True when it is about a packet in a tunnel of ours:
 * *v then has its host, whose path may have changed, and as answer what the sender of the inner packet is told
 * (RFC 2003 4), if anything. */
bool engine_tunnel_error(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v);

/* Forgets what is too old, at e->now, and counts the packets that are lost by it. Call about once a second. */
void engine_expire(struct engine *e, struct dp_counters *counters);

/* The path to the host of *v, VERDICT_HOST, turned out too narrow: makes it a drop with the answer that RFC 2003 5.1
 * asks for, by host->path_mtu. */
void engine_too_big(struct engine *e, struct verdict *v);

#endif
