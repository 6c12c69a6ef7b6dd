/* Opening the relay's descriptors: the part of packet I/O that needs root (CAP_NET_ADMIN, CAP_NET_RAW) and is called by
 * the monitor. Nothing here reads a byte from the network. */
#ifndef RSIPD_PKTIO_OPEN_H
#define RSIPD_PKTIO_OPEN_H

#include <stdbool.h>

#include "relay.h"

/* The default name of the TUN device. */
#define PKTIO_TUN_NAME "rsipd0"

/* Opens /dev/net/tun and makes the device, which goes with the last descriptor. Returns -1, having logged why and what
 * to do. The device is down and has no MTU or address of note: see relay.h. */
int pktio_open_tun(const char *name);

/* False when the device behind tun was removed: nothing can be read from the descriptor any more, or written to it. */
bool pktio_tun_there(int tun);

/* Opens the raw and probe sockets into fds: ipip, gre, icmp, probe. Returns false, having logged why and closed what
 * it had opened. */
bool pktio_open_tunnels(struct relay_fds *fds);

#endif
