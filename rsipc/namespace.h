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

struct namespace;

/* Moves this process into a new namespace and sets it up. Returns it, with the TUN device's descriptor in *tun, or NULL after
 * a line on standard error. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. */
struct namespace *namespace_enter(const struct namespace_plan *plan, int *tun);

/* The plan's ports are others now. wider: they were fewer before. From its return on no program gets one that is not among
 * them without asking for it by number. False with errno. */
bool namespace_set_ports(struct namespace *ns, const struct namespace_plan *plan, bool wider);

void namespace_free(struct namespace *ns); /* its owner's view of it: it lives as long as a process is in it. Accepts NULL */

#endif
