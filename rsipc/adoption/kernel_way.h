/* Sees to it that tunnels leave from an address that the machine has. */
#ifndef RSIPC_KERNEL_WAY_H
#define RSIPC_KERNEL_WAY_H

#include "addr.h"

struct kernel_backend;
struct tunnel;

/* From which address the machine's routes send to this one, 0 = they do not: netlink_ways_source(). */
ip4_t kernel_way(struct kernel_backend *backend, ip4_t to);

/* Looks at the tunnels that are due; arg is the struct kernel_backend, and backend->check_ways the event that calls this.
 * May call local_changed(). */
void kernel_ways_check(void *arg);
/* Routes or addresses may be others than they were: all tunnels are due. */
void kernel_ways_changed(struct kernel_backend *backend);
/* This one, or no longer. */
void kernel_way_due(struct tunnel *tunnel);
void kernel_way_not_due(struct tunnel *tunnel);

/* To be called when packets have begun to leave from that address, before any is sent for its own sake. Where the new
 * address came before the old one goes, the first packets left by the new way from the old address. */
void kernel_way_begin(struct kernel_backend *backend, ip4_t from, ip4_t before);

#endif
