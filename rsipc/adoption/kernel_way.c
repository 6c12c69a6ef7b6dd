#include "kernel_way.h"

#include <stdlib.h>
#include <utlist.h>

#include "kernel_tunnel.h"
#include "netlink.h"

static bool
is_ours(struct netlink *net, ip4_t addr)
{
	struct netlink_addr *all;
	size_t n = netlink_addresses(net, &all), i = 0;

	while (i < n && all[i].addr != addr)
		i++;
	free(all);
	return i < n;
}

/* A tunnel leaves from elsewhere when its address has gone from the machine, and when the routes, which said one thing
 * before, now say another: one that was set up against the routes stays as it is. */
static void
check_way(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	ip4_t way = netlink_source(backend->net, tunnel->sa.remote.addr);
	struct sa_end local = { way, tunnel->sa.local.port };

	if (way == 0 || !tunnel->found)
		return;
	if (way != tunnel->sa.local.addr && (way != tunnel->way || !is_ours(backend->net, tunnel->sa.local.addr))) {
		backend->events->local_changed(&tunnel->sa, local, backend->arg);
		if (tunnel->sa.local.addr != way)
			return; /* an IKE daemon is at work on it: the next reading asks again */
	}
	tunnel->way = way;
}

void
kernel_ways_check(void *arg)
{
	struct kernel_backend *backend = arg;
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE(backend->tunnels, tunnel, next)
		check_way(tunnel);
}
