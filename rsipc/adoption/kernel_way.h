/* Sees to it that tunnels leave from an address that the machine has. */
#ifndef RSIPC_KERNEL_WAY_H
#define RSIPC_KERNEL_WAY_H

#include "addr.h"

struct kernel_backend;

/* Looks at all tunnels; arg is the struct kernel_backend, and backend->ways the event that calls this. May call
 * local_changed(). */
void kernel_ways_check(void *arg);

/* To be called when packets have begun to leave from that address, before any is sent for its own sake. Where the new
 * address came before the old one goes, the first packets left by the new way from the old address. */
void kernel_way_begin(struct kernel_backend *backend, ip4_t from, ip4_t before);

#endif
