/* What becomes of a frame that reaches the gateway, as an observer on its links sees it. */
#ifndef TESTS_OUTCOME_H
#define TESTS_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "dataplane.h"
#include "frame.h"

enum fate {
	FATE_SENT,      /* leaves on a link, as one frame */
	FATE_DROPPED,   /* by the data plane, for reason, and nobody is told */
	FATE_VANISHED,  /* the kernel throws it away: the data plane never sees it */
	FATE_ELSEWHERE, /* only the slow path can do what has to be done: see because */
};

struct outcome {
	enum fate fate;
	enum dp_drop reason;
	const char *because;     /* never NULL */
	enum direction towards;  /* FATE_SENT. IN: to a host, by the private link; OUT: by the public one */
	ip4_t next_hop;          /* FATE_SENT: the station that it goes to */
	uint8_t packet[FRAME_ROOM];
	size_t len;
};

#endif
