/* Keeps the kernel's own tunnel drivers quiet. Where the kernel has ipip or gre, its driver sees each tunnel packet after
 * the relay's raw socket had its copy, and answers one that belongs to no tunnel device with ICMP port unreachable; the
 * sending host's kernel then lets its tunnel fail for a moment. A device for all tunnels to the gateway's address takes
 * these packets, and drops them. */
#ifndef RSIPD_SINK_H
#define RSIPD_SINK_H

#include "addr.h"

struct netlink;
struct undo;

/* Makes the devices rsipd-ipip and rsipd-gre for packets to gateway_addr, each if the kernel has that driver; the
 * journal undo removes them. What fails is logged and no reason not to start: packets pass without them. */
void sink_make(struct undo *undo, struct netlink *nl, ip4_t gateway_addr);

#endif
