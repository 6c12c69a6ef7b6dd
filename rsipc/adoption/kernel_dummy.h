/* A packet through a tunnel of the kernel's that says nothing, for the sake of its outer header. */
#ifndef RSIPC_KERNEL_DUMMY_H
#define RSIPC_KERNEL_DUMMY_H

#include <linux/xfrm.h>

struct netlink;

/* One inner packet of protocol 59 (no next header), TTL 1, between two addresses that the selector of an outbound policy
 * allows: the policy takes it into the tunnel, and its far end drops it, having counted it and raised its replay
 * window. 0 or an errno number: ENOTSUP when the selector is for one protocol only. */
int kernel_dummy_send(struct netlink *nl, const struct xfrm_selector *selector);

#endif
