#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "netlink_impl.h"

#define BELOW_MAX 64

int
netlink_errno(int err)
{
	switch (abs(err)) {
	case 0: return 0;
	case NLE_EXIST: return EEXIST;
	case NLE_OBJ_NOTFOUND: return ENOENT;
	case NLE_NODEV: return ENODEV;
	case NLE_PERM: return EPERM;
	case NLE_NOACCESS: return EACCES;
	case NLE_NOMEM: return ENOMEM;
	case NLE_BUSY: return EBUSY;
	case NLE_OPNOTSUPP: return EOPNOTSUPP;
	case NLE_INVAL: return EINVAL;
	default: return EIO;
	}
}

void *
netlink_must(void *object)
{
	if (object == NULL)
		log_fatal("netlink", "out of memory");
	return object;
}

struct nl_addr *
netlink_nl_addr(struct ip4_prefix prefix)
{
	uint32_t wire = htonl(prefix.addr);
	struct nl_addr *addr = netlink_must(nl_addr_build(AF_INET, &wire, sizeof(wire)));

	nl_addr_set_prefixlen(addr, prefix.len);
	return addr;
}

ip4_t
netlink_ip4(struct nl_addr *addr)
{
	uint32_t wire;

	memcpy(&wire, nl_addr_get_binary_addr(addr), sizeof(wire));
	return ntohl(wire);
}

struct netlink *
netlink_open(void)
{
	struct netlink *nl = mem_zero(1, sizeof(*nl));
	int err;

	nl->sock = netlink_must(nl_socket_alloc());
	err = nl_connect(nl->sock, NETLINK_ROUTE);
	if (err == 0)
		return nl;
	log_error("netlink", "cannot be opened error=\"%s\"", nl_geterror(err));
	netlink_close(nl);
	return NULL;
}

void
netlink_close(struct netlink *nl)
{
	if (nl == NULL)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

unsigned
netlink_index(struct netlink *nl, const char *device)
{
	struct rtnl_link *link = NULL;
	unsigned index = 0;

	if (rtnl_link_get_kernel(nl->sock, 0, device, &link) == 0)
		index = (unsigned)rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return index;
}

int
netlink_link_up(struct netlink *nl, const char *device, unsigned mtu, unsigned queue_len)
{
	struct rtnl_link *link = NULL, *change = netlink_must(rtnl_link_alloc());
	int err = rtnl_link_get_kernel(nl->sock, 0, device, &link);

	if (err == 0) {
		rtnl_link_set_flags(change, IFF_UP);
		rtnl_link_set_mtu(change, mtu);
		rtnl_link_set_txqlen(change, queue_len);
		err = rtnl_link_change(nl->sock, link, change, 0);
	}
	rtnl_link_put(change);
	rtnl_link_put(link);
	return netlink_errno(err);
}

struct below {
	struct nl_cache *links;
	int seen[BELOW_MAX]; /* device indices, those before n are in the list, those before done were looked under */
	size_t n;
};

static void
below_add(struct below *below, int ifindex)
{
	for (size_t i = 0; i < below->n; i++) {
		if (below->seen[i] == ifindex)
			return;
	}
	if (ifindex > 0 && below->n < BELOW_MAX)
		below->seen[below->n++] = ifindex;
}

static void
below_look(struct below *below, int ifindex)
{
	for (struct nl_object *o = nl_cache_get_first(below->links); o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_link *link = (struct rtnl_link *)o;

		if (rtnl_link_get_master(link) == ifindex)
			below_add(below, rtnl_link_get_ifindex(link));
		/* A veth names its peer as the device below: it is not, and may be of another namespace. */
		if (rtnl_link_get_ifindex(link) == ifindex && !rtnl_link_is_veth(link))
			below_add(below, rtnl_link_get_link(link));
	}
}

void
netlink_below(struct netlink *nl, const char *device, netlink_visit *visit, void *arg)
{
	struct below below = { 0 };
	char name[16];

	if (rtnl_link_alloc_cache(nl->sock, AF_UNSPEC, &below.links) != 0)
		return;
	below_add(&below, rtnl_link_name2i(below.links, device));
	for (size_t i = 0; i < below.n; i++)
		below_look(&below, below.seen[i]);
	for (size_t i = 0; i < below.n; i++) {
		if (rtnl_link_i2name(below.links, below.seen[i], name, sizeof(name)) != NULL)
			visit(name, arg);
	}
	nl_cache_free(below.links);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static bool
address_of(struct rtnl_addr *from, struct nl_cache *links, struct netlink_addr *to)
{
	struct nl_addr *local = rtnl_addr_get_local(from);

	if (rtnl_addr_get_family(from) != AF_INET || local == NULL)
		return false;
	to->addr = netlink_ip4(local);
	to->prefix_len = (uint8_t)rtnl_addr_get_prefixlen(from);
	to->ifindex = (unsigned)rtnl_addr_get_ifindex(from);
	to->secondary = (rtnl_addr_get_flags(from) & IFA_F_SECONDARY) != 0;
	if (rtnl_link_i2name(links, (int)to->ifindex, to->device, sizeof(to->device)) == NULL)
		to->device[0] = '\0';
	return true;
}

size_t
netlink_addresses(struct netlink *nl, struct netlink_addr **out)
{
	struct nl_cache *links = NULL, *addrs = NULL;
	size_t n = 0;

	*out = NULL;
	if (rtnl_link_alloc_cache(nl->sock, AF_UNSPEC, &links) == 0 && rtnl_addr_alloc_cache(nl->sock, &addrs) == 0) {
		*out = mem_zero((size_t)nl_cache_nitems(addrs), sizeof(**out));
		/* The kernel tells a device's addresses in their order, primary first. */
		for (struct nl_object *o = nl_cache_get_first(addrs); o != NULL; o = nl_cache_get_next(o))
			n += address_of((struct rtnl_addr *)o, links, &(*out)[n]);
	}
	nl_cache_free(addrs);
	nl_cache_free(links);
	return n;
}

/* --- proxy neighbours --------------------------------------------------------------------------------------------- */

static struct rtnl_neigh *
proxy_build(unsigned ifindex, ip4_t addr)
{
	struct rtnl_neigh *neigh = netlink_must(rtnl_neigh_alloc());
	struct nl_addr *dst = netlink_nl_addr((struct ip4_prefix) { addr, 32 });

	rtnl_neigh_set_ifindex(neigh, (int)ifindex);
	rtnl_neigh_set_dst(neigh, dst);
	rtnl_neigh_set_flags(neigh, NTF_PROXY);
	rtnl_neigh_set_state(neigh, NUD_PERMANENT);
	nl_addr_put(dst);
	return neigh;
}

int
netlink_proxy_add(struct netlink *nl, unsigned ifindex, ip4_t addr)
{
	struct rtnl_neigh *neigh = proxy_build(ifindex, addr);
	int err = rtnl_neigh_add(nl->sock, neigh, NLM_F_CREATE);

	rtnl_neigh_put(neigh);
	return netlink_errno(err);
}

int
netlink_proxy_del(struct netlink *nl, unsigned ifindex, ip4_t addr)
{
	struct rtnl_neigh *neigh = proxy_build(ifindex, addr);
	int err = rtnl_neigh_delete(nl->sock, neigh, 0);

	rtnl_neigh_put(neigh);
	return netlink_errno(err);
}
