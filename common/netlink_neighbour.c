/* Neighbours that the kernel asks for in vain: netlink.h. */
#include <linux/neighbour.h>
#include <netlink/route/neighbour.h>
#include <sys/socket.h>

#include "netlink_impl.h"

void
netlink_ask_anew(struct netlink *nl, unsigned ifindex)
{
	struct nl_cache *all = NULL;

	if (rtnl_neigh_alloc_cache(nl->sock, &all) != 0)
		return;
	for (struct nl_object *o = nl_cache_get_first(all); o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_neigh *neighbour = (struct rtnl_neigh *)o;

		if ((unsigned)rtnl_neigh_get_ifindex(neighbour) == ifindex && rtnl_neigh_get_family(neighbour) == AF_INET &&
		    rtnl_neigh_get_state(neighbour) == NUD_INCOMPLETE)
			rtnl_neigh_delete(nl->sock, neighbour, 0); /* it may just have answered: then the next packet asks again */
	}
	nl_cache_free(all);
}
