/* Next hops, as the kernel would choose them, kept at hand: a question to the kernel costs ten times what the packet
 * does. News from the kernel keeps them fresh. What is not at hand, or not simply sent on, goes the kernel's own way;
 * so does one packet of each neighbour every few seconds, so that the kernel goes on checking that the neighbour is there
 * (RFC 1122 2.3.2.1) and resolves the address of one that is new. */
#ifndef RSIPD_NEXTHOP_H
#define RSIPD_NEXTHOP_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "relay.h"

struct nexthops;

struct nexthop {
	unsigned ifindex;
	uint8_t header[14]; /* of the Ethernet frame */
};

/* fds and net must outlive it. NULL after a line in the log. */
struct nexthops *nexthops_new(const struct relay_fds *fds, const struct relay_net *net);
void nexthops_free(struct nexthops *all); /* accepts NULL */

/* For a packet of the gateway's own, resp. for one that a host sent through its tunnel, and of that length. NULL: let
 * the kernel. Valid until the next call. */
const struct nexthop *nexthops_own(struct nexthops *all, ip4_t src, ip4_t dst, size_t len, int64_t now);
const struct nexthop *nexthops_onward(struct nexthops *all, ip4_t src, ip4_t dst, size_t len, int64_t now);

/* To be called when fds->news is readable. */
void nexthops_news(struct nexthops *all);

#endif
