/* What a run of rsipperf is to do: the options, as values. Read-only once parsed. */
#ifndef RSIPPERF_PLAN_H
#define RSIPPERF_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "ops.h"

struct plan {
	ip4_t gateway;
	uint16_t port;
	bool tcp;             /* else UDP */
	ip4_t first_host;     /* the simulated hosts are this address and those that follow it */
	uint32_t hosts;
	unsigned bindings;    /* that a host holds at most */
	bool fill;            /* every host takes all its bindings before the mix begins */
	bool keep;            /* nobody de-registers at the end */
	uint8_t method;       /* enum rsip_method */
	uint8_t ports;        /* asked for by one request */
	uint16_t spis;
	bool cookies;         /* RSIPSEC: a cookie block beside the SPIs */
	uint32_t lease_s;     /* 0 = the gateway's default */
	unsigned weight[OPS]; /* of each operation in the mix */
	double rate;          /* requests a second in the mix, 0 = as fast as answers come */
	uint32_t window;      /* requests that may wait for their answers at a time */
	unsigned at_once;     /* of them a host's; more than one only over TCP, RFC 3103 10.1 */
	int64_t duration_us;  /* of the mix */
	unsigned tries;       /* of a request over UDP, RFC 3103 5 */
	uint64_t seed;        /* of the order of hosts and operations */
	bool json, quiet;
};

#endif
