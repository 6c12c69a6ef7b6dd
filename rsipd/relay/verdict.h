/* What becomes of one packet: the stages decide, relay.c does it. */
#ifndef RSIPD_VERDICT_H
#define RSIPD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane.h"
#include "demux_key.h"
#include "tunnel_header.h"

enum verdict_action {
	VERDICT_DROP,     /* for reason */
	VERDICT_HOST,     /* through the tunnel to host */
	VERDICT_PUBLIC,   /* to the public side */
	VERDICT_STACK,    /* to the gateway's own stack */
	VERDICT_ANSWERED, /* it was for the gateway: see answer */
	VERDICT_HELD,     /* a fragment, copied, that waits for its first: engine_next_released */
};

struct verdict {
	enum verdict_action action;
	enum dp_drop reason;
	uint8_t *bytes; /* the packet to send on: lies in the bytes that came, or DROPped ones for reference */
	size_t len;
	struct tunnel_header tunnel; /* VERDICT_HOST */
	struct demux_host *host;     /* whom it goes to, or who sent it; NULL where unknown */
	const struct demux_binding *binding; /* with which it is forwarded, or that does not allow it; NULL for none */
	struct demux_key key;        /* what it was looked up by; of an ICMP error about a packet, that packet's */
	const uint8_t *answer;       /* what the gateway itself says to the sender, on the public side; NULL for nothing */
	size_t answer_len;
	unsigned claims;               /* IKE cookies that the host has learned with it */
	bool hairpin;                  /* went out and came in again */
	const struct demux_binding *from; /* hairpin: with which it went out */
	struct dp_violation violation; /* error 0: none to report */
};

void verdict_drop(struct verdict *v, enum dp_drop reason);

/* Counts it as done. */
void verdict_count(const struct verdict *v, struct dp_counters *counters);

#endif
