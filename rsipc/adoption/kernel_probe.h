/* Return probes of a tunnel of the kernel's: one packet of it that goes elsewhere, while all others go where they went.
 *
 * The kernel has no way to send one, so the agent seals it: an echo request, by the keys of the outbound SA, from its outer
 * end to the candidate. The kernel goes on numbering its own packets meanwhile, so the probe takes a number some ahead:
 *
 *  - The packet of the kernel's that has it later is taken for a replay by the peer: a probe costs a tunnel one packet.
 *  - Its nonce is no other's, but for the chance of 2^-64 for each packet of the SA: the kernel's IVs are the sequence
 *    number and a salt that it draws and does not tell, ours are drawn.
 *
 * What answers is the peer's echo reply, through the tunnel, to an address of our own inside: with the bytes in it that were
 * drawn for the probe, which who cannot open the probe does not know. */
#ifndef RSIPC_KERNEL_PROBE_H
#define RSIPC_KERNEL_PROBE_H

#include <linux/xfrm.h>

#include "sa_backend.h"

struct kernel_probe;
struct kernel_state;
struct loop;
struct netlink;
struct xfrm_nl;

/* answered: the probe to that end was. Never NULL. */
struct kernel_probe *kernel_probe_new(struct loop *loop, void (*answered)(struct sa_end to, void *arg), void *arg);
void kernel_probe_free(struct kernel_probe *probe); /* accepts NULL */

/* out: the tunnel's outbound SA, without ->raw; selector: that of a policy which leads to it. 0 or an errno number:
 * EADDRNOTAVAIL when the machine has no address of its own inside, to which an answer could come; ENOTSUP when the selector
 * is for another protocol, or the algorithm is not known here; EOVERFLOW when numbers run out. */
struct kernel_probe_nl { struct xfrm_nl *xfrm; struct netlink *net; };
int kernel_probe_send(struct kernel_probe *probe, struct kernel_probe_nl nl, const struct kernel_state *out,
                      const struct xfrm_selector *selector, struct sa_end to);

#endif
