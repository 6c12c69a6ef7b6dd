/* The kernel's settings that the gateway needs: forwarding, what the TUN may carry, ARP for others without delay, and
 * no receive offload on the private side, no VLAN tags beside frames where XDP reads these. Each is noted in the
 * journal and put back at the end. */
#ifndef RSIPD_SETTINGS_H
#define RSIPD_SETTINGS_H

#include <stdbool.h>

#include "addr.h"

struct conf;
struct netlink;
struct undo;

/* The TUN must be there, and is better not up yet. Returns false after a line in the log. */
bool settings_apply(struct undo *undo, struct netlink *nl, const struct conf *conf);

/* What own-address mode needs besides, for a pool with these ports. Returns false after a line in the log. */
bool settings_apply_own(struct undo *undo, struct port_range ports);

/* No receive offload on what leads to this device: see settings.c. */
void settings_no_merging(struct undo *undo, struct netlink *nl, const char *device);

#endif
