/* A network namespace for one command, with nothing in it but the loopback device and the tunnel. */
#ifndef RSIPC_NAMESPACE_H
#define RSIPC_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

struct namespace_plan {
	const char *device;
	ip4_t addr;
	const struct port_range *ports; /* what programs in it get when they ask for no port */
	size_t n_ports;
	unsigned mtu;
	const ip4_t *resolvers; /* name servers for /etc/resolv.conf; none: the host's file is seen */
	size_t n_resolvers;
};

/* Moves this process into a new namespace and sets it up. Returns the TUN device's descriptor, or -1 after a line on
 * standard error. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. */
int namespace_enter(const struct namespace_plan *plan);

#endif
