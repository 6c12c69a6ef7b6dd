/* Hosts that tunnel packets to us without a registration: each is told, but not with every packet. They have lost it
 * with us, when the database was restored from an older copy (RFC 3103 10.2.2). */
#ifndef RSIPD_STRANGERS_H
#define RSIPD_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

#define STRANGERS_SLOTS 4096
#define STRANGERS_PAUSE_MS 1000 /* from one time that a host is told to the next */

/* Zero-initialised. Hosts that share a slot wait for each other. */
struct strangers {
	int64_t told[STRANGERS_SLOTS]; /* clock_now(), 0 for never */
};

/* Whether this host may be told now; it then is taken to have been. */
bool strangers_take(struct strangers *s, ip4_t host_addr, int64_t now);

#endif
