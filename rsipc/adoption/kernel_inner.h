/* The inner addresses of what the agent itself sends through a tunnel of the kernel's. */
#ifndef RSIPC_KERNEL_INNER_H
#define RSIPC_KERNEL_INNER_H

#include <linux/xfrm.h>
#include <stdint.h>

struct netlink;

struct kernel_inner {
	uint8_t version;          /* 4 or 6 */
	uint8_t src[16], dst[16]; /* network order; of version 4 the first four bytes */
};

/* Two addresses that the selector of an outbound policy allows: the machine's own where it has one, else the first of the
 * prefix that a host may have; and the first of the far prefix. */
void kernel_inner_ends(struct netlink *nl, const struct xfrm_selector *selector, struct kernel_inner *out);

#endif
