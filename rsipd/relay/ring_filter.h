/* Which frames the rings take past the kernel: those that need nothing of the kernel but to be sent on. One program
 * with two users, so that they cannot disagree: the ring's socket takes what it accepts, and at the device's ingress hook it
 * keeps the very same frames from the kernel's own stack. */
#ifndef RSIPD_RING_FILTER_H
#define RSIPD_RING_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define RING_FILTER_MAX 4096 /* BPF_MAXINSNS, what the kernel takes */

/* Classic BPF over an Ethernet frame: it returns taken or left, as told when it was made. */
struct ring_filter {
	struct sock_filter code[RING_FILTER_MAX];
	uint16_t len;
	bool full; /* it did not fit: not to be used */
};

struct ring_filter_site {
	const struct ip4_range *pools; /* sorted, disjoint */
	size_t n_pools;
	const ip4_t *own; /* the machine's: the kernel sees to what is for them, and to what pretends to be from them */
	size_t n_own;
	const ip4_t *gateways; /* the addresses that hosts send their tunnel packets to */
	size_t n_gateways;
};

/* What comes in on the public interface to a pool address, resp. on a private one through a tunnel. In both cases
 * unicast to us, untagged, unfragmented, without IP options, not longer than frame_max, Ethernet header included; on
 * the public side also with a hop to live and from a source that may be. False when the site has too many pools or addresses. */
bool ring_filter_public(struct ring_filter *f, const struct ring_filter_site *site, uint32_t frame_max, uint32_t taken,
                        uint32_t left);
bool ring_filter_private(struct ring_filter *f, const struct ring_filter_site *site, uint32_t frame_max, uint32_t taken,
                         uint32_t left);

#endif
