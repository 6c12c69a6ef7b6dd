/* Which ports of this network namespace have sockets, those that only wait for stragglers (TIME_WAIT) among them: as the
 * kernel's choice of an ephemeral port sees them. */
#ifndef RSIPC_PORTS_USED_H
#define RSIPC_PORTS_USED_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct ports_used { uint64_t bits[65536 / 64]; };

void ports_used_add(struct ports_used *used, uint16_t port);

/* How many of a range are in use. */
unsigned ports_used_count(const struct ports_used *used, struct port_range range);

/* Reads the kernel's tables. False, with errno, when they cannot be read. */
bool ports_used_read(struct ports_used *used);

#endif
