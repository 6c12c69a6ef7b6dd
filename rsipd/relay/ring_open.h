/* Opening the relay's packet rings: the part that needs root, called by the monitor. Nothing here reads a byte from the
 * network. */
#ifndef RSIPD_RING_OPEN_H
#define RSIPD_RING_OPEN_H

#include <stdbool.h>

#include "relay.h"
#include "ring_filter.h"

/* The longest frame that a ring of a device with this MTU takes, Ethernet header included. */
uint32_t ring_frame_max(unsigned mtu);

/* Opens a packet socket with a ring for frames that come in on the device, and lets filter, which returns 0 for a frame
 * that is left, choose among them. Returns false, with errno set and the reason in *what, having closed what it had
 * opened. */
bool ring_open(struct relay_ring *ring, unsigned ifindex, unsigned mtu, const struct ring_filter *filter,
               const char **what);

/* Another filter from now on. */
bool ring_refilter(const struct relay_ring *ring, const struct ring_filter *filter);

/* A fresh AF_XDP socket for each ring, where the kernel has such; and the end of them. */
void ring_open_xsk(struct relay_fds *fds);
void ring_close_xsk(struct relay_fds *fds);

/* The packet socket that frames are sent by, on any device. Returns -1 with errno set. */
int ring_open_sender(void);

#endif
