#include "kernel_way.h"

#include <utlist.h>

#include "kernel_tunnel.h"
#include "loop.h"
#include "netlink.h"

/* What was read serves all tunnels until the kernel tells that it has changed. */
static const struct netlink_ways *
known(struct kernel_backend *backend)
{
	if (backend->ways == NULL)
		backend->ways = netlink_ways_read(backend->net);
	return backend->ways;
}

ip4_t
kernel_way(struct kernel_backend *backend, ip4_t to)
{
	const struct netlink_ways *ways = known(backend);

	return ways != NULL ? netlink_ways_source(ways, to) : 0;
}

/* 0 = the machine does not have it. */
static unsigned
device_of(struct kernel_backend *backend, ip4_t addr)
{
	const struct netlink_ways *ways = known(backend);

	return ways != NULL ? netlink_ways_device(ways, addr) : 0;
}

/* A tunnel leaves from elsewhere when its address has gone from the machine, and when the routes, which said one thing
 * before, now say another: one that was set up against the routes stays as it is. */
static void
check_way(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	ip4_t way = kernel_way(backend, tunnel->sa.remote.addr);
	struct sa_end local = { way, tunnel->sa.local.port };

	if (way == 0 || !tunnel->found)
		return;
	if (way != tunnel->sa.local.addr && (way != tunnel->way || device_of(backend, tunnel->sa.local.addr) == 0)) {
		backend->events->local_changed(&tunnel->sa, local, backend->arg);
		if (tunnel->sa.local.addr != way)
			return; /* an IKE daemon is at work on it: the next reading asks again */
	}
	tunnel->way = way;
}

void
kernel_way_due(struct tunnel *tunnel)
{
	if (!tunnel->way_due)
		DL_APPEND2(tunnel->backend->ways_due, tunnel, way_prev, way_next);
	tunnel->way_due = true;
}

void
kernel_way_not_due(struct tunnel *tunnel)
{
	if (tunnel->way_due)
		DL_DELETE2(tunnel->backend->ways_due, tunnel, way_prev, way_next);
	tunnel->way_due = false;
}

void
kernel_ways_check(void *arg)
{
	struct kernel_backend *backend = arg;
	struct tunnel *tunnel;

	while ((tunnel = backend->ways_due) != NULL) {
		kernel_way_not_due(tunnel);
		check_way(tunnel);
	}
}

void
kernel_ways_changed(struct kernel_backend *backend)
{
	struct tunnel *tunnel;

	netlink_ways_free(backend->ways);
	backend->ways = NULL;
	backend->begun_from = backend->begun_before = 0;
	DL_FOREACH(backend->tunnels, tunnel)
		kernel_way_due(tunnel);
	loop_deferred_raise(backend->check_ways);
}

/* The kernel's ARP request for the next hop has the source of the oldest packet that waits for the answer, when that is
 * an address of the machine's (arp_announce 0). Routers do not answer one from another network, and it is asked again a
 * second later: so long all packets would wait, whatever they are from. What waits goes when it is asked anew: once for all
 * tunnels that take the same way. */
void
kernel_way_begin(struct kernel_backend *backend, ip4_t from, ip4_t before)
{
	unsigned old = device_of(backend, before), new = device_of(backend, from);

	if (backend->begun_from == from && backend->begun_before == before)
		return;
	backend->begun_from = from;
	backend->begun_before = before;
	if (old != 0 && new != 0 && old != new)
		netlink_ask_anew(backend->net, new);
}
