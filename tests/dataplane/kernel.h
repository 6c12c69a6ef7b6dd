/* What the kernel does to a packet before the relay has it and after: the one place that makes the relay's output
 * comparable to the frames of a fast path, which does it all by itself.
 *
 * In, public link: Ethernet, ip_rcv (version, IHL, header checksum, lengths, what the wire added is cut off), martian
 * sources, the hop to the TUN (TTL). In, private link: the same without the hop, outer fragments put together. Out, to
 * a host: the outer header (TTL 64, no TOS of its own). Out, to the Internet: the hop from the TUN (TTL), martian
 * destinations, the MTU, the next hop. */
#ifndef TESTS_KERNEL_H
#define TESTS_KERNEL_H

#include "outcome.h"
#include "verdict.h"

/* The frame arrives. True when the relay gets a packet of it: *len bytes in o->packet. Else *o is what becomes of it.
 */
bool kernel_receives(const struct frame *f, struct outcome *o, size_t *len);

/* The relay's verdict, carried out. */
void kernel_sends(const struct verdict *v, struct outcome *o);

#endif
