/* A public address that other machines hold, too: to the kernel it is this machine's, so packets to it would never leave.
 * Those to ports that are not ours are for another holder of the address and go into the tunnel, to come back to that
 * machine by the gateway (RFC 3102 3.1; RFC 4787 REQ-9). Rules for this stand before the one that looks up the machine's
 * own addresses, which is moved behind them:
 *
 *   priority 0   packets out of the tunnel that are for a command (hostroutes.c)    drop
 *            1   packets to the address and a port of ours                          table local
 *            2   what we send to the address, by a transport with ports             the tunnel's table
 *            3   everything                                                         table local
 *
 * What comes from another holder has our own address as its source. It passes the kernel's source check because the way
 * back is found by the same rules. */
#ifndef RSIPC_SHARING_H
#define RSIPC_SHARING_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

struct netlink;
struct routes;

#define SHARING_PRIORITY_DROP 0

/* Adds the rules of priority 1 and 2 to the next set. table leads into the tunnel. */
void sharing_want_port(struct routes *routes, ip4_t addr, struct port_range ports);
void sharing_want_address(struct routes *routes, ip4_t addr, unsigned table);

/* Moves the kernel's own rule for table local behind these, or back to priority 0. At each moment there is one. protocol
 * marks the moved one. Returns false when the kernel refuses. */
bool sharing_move_local(struct netlink *nl, bool away, unsigned char protocol);

/* Is it away? */
bool sharing_local_is_away(struct netlink *nl);

#endif
