/* The stages of the relay, run in order over one packet: bytes in, verdict out. No descriptor and no clock in here, so
 * that tests and fuzzers drive what ships. inbound.c and outbound.c are the two directions. */
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
	struct token_bucket errors; /* ICMP errors made */
	uint8_t error[ICMP_ERROR_MAX];
};

/* A packet that the public side sent to an address of ours: design section 2, inbound. bytes may be changed, and *v
 * borrows them; what *v points to in the engine is valid until the next call. */
void engine_inbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v);

/* A packet that came in on a private interface with our address as outer destination, as a raw socket delivers it. */
void engine_outbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v);

/* The path to the host of *v, VERDICT_HOST, turned out too narrow: makes it a drop with the answer that RFC 2003 5.1
 * asks for, by host->path_mtu. */
void engine_too_big(struct engine *e, struct verdict *v);

#endif
