/* Sees to it that tunnels leave from an address that the machine has. */
#ifndef RSIPC_KERNEL_WAY_H
#define RSIPC_KERNEL_WAY_H

/* Looks at all tunnels; arg is the struct kernel_backend, and backend->ways the event that calls this. May call
 * local_changed(). */
void kernel_ways_check(void *arg);

#endif
