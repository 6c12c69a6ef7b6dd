/* Devices that a host makes and sets up: netlink.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tunnel.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/ipgre.h>
#include <netlink/route/link/ipip.h>
#include <string.h>

#include "netlink_impl.h"

#define OUTER_TTL 64
#define TOS_INHERIT 1 /* the kernel's word for it, in place of a TOS */

static struct rtnl_link *
ipip_build(ip4_t local, ip4_t remote)
{
	struct rtnl_link *link = netlink_must(rtnl_link_ipip_alloc());

	rtnl_link_ipip_set_local(link, htonl(local));
	rtnl_link_ipip_set_remote(link, htonl(remote));
	rtnl_link_ipip_set_ttl(link, OUTER_TTL);
	rtnl_link_ipip_set_tos(link, TOS_INHERIT);
	rtnl_link_ipip_set_pmtudisc(link, 1); /* the kernel wants it with a fixed TTL */
	return link;
}

static struct rtnl_link *
gre_build(ip4_t local, ip4_t remote, uint32_t key)
{
	struct rtnl_link *link = netlink_must(rtnl_link_ipgre_alloc());

	rtnl_link_ipgre_set_local(link, htonl(local));
	rtnl_link_ipgre_set_remote(link, htonl(remote));
	rtnl_link_ipgre_set_ttl(link, OUTER_TTL);
	rtnl_link_ipgre_set_tos(link, TOS_INHERIT);
	rtnl_link_ipgre_set_pmtudisc(link, 1);
	if (key != 0) {
		rtnl_link_ipgre_set_iflags(link, GRE_KEY);
		rtnl_link_ipgre_set_oflags(link, GRE_KEY);
		rtnl_link_ipgre_set_ikey(link, htonl(key));
		rtnl_link_ipgre_set_okey(link, htonl(key));
	}
	return link;
}

static struct rtnl_link *
tunnel_build(const char *device, const char *kind, ip4_t local, ip4_t remote, uint32_t gre_key)
{
	struct rtnl_link *link = strcmp(kind, "gre") == 0 ? gre_build(local, remote, gre_key) : ipip_build(local, remote);

	rtnl_link_set_name(link, device);
	return link;
}

/* RTM_NEWLINK for a device that is there changes it. The kernel would choose its MTU anew, if none were given. */
int
netlink_tunnel_change(struct netlink *nl, const char *device, const char *kind, ip4_t local, ip4_t remote,
                      uint32_t gre_key, unsigned mtu)
{
	struct rtnl_link *link = tunnel_build(device, kind, local, remote, gre_key);
	int err;

	rtnl_link_set_mtu(link, mtu);
	err = rtnl_link_add(nl->sock, link, 0);
	rtnl_link_put(link);
	return netlink_errno(err);
}

int
netlink_tunnel_add(struct netlink *nl, const char *device, const char *kind, ip4_t local, ip4_t remote,
                   uint32_t gre_key)
{
	struct rtnl_link *link = tunnel_build(device, kind, local, remote, gre_key);
	int err = rtnl_link_add(nl->sock, link, NLM_F_CREATE | NLM_F_EXCL);

	rtnl_link_put(link);
	return netlink_errno(err);
}

bool
netlink_link_is(struct netlink *nl, const char *device, const char *kind)
{
	struct rtnl_link *link = NULL;
	bool is = false;

	if (rtnl_link_get_kernel(nl->sock, 0, device, &link) == 0 && rtnl_link_get_type(link) != NULL)
		is = strcmp(rtnl_link_get_type(link), kind) == 0;
	rtnl_link_put(link);
	return is;
}

int
netlink_link_del(struct netlink *nl, const char *device)
{
	struct rtnl_link *link = netlink_must(rtnl_link_alloc());
	int err;

	rtnl_link_set_name(link, device);
	err = rtnl_link_delete(nl->sock, link);
	rtnl_link_put(link);
	return netlink_errno(err);
}

int
netlink_link_mtu(struct netlink *nl, const char *device, unsigned mtu)
{
	struct rtnl_link *link = NULL, *change = netlink_must(rtnl_link_alloc());
	int err = rtnl_link_get_kernel(nl->sock, 0, device, &link);

	rtnl_link_set_mtu(change, mtu);
	if (err == 0)
		err = rtnl_link_change(nl->sock, link, change, 0);
	rtnl_link_put(change);
	rtnl_link_put(link);
	return netlink_errno(err);
}

static struct rtnl_addr *
addr_build(unsigned ifindex, struct ip4_prefix prefix)
{
	struct rtnl_addr *addr = netlink_must(rtnl_addr_alloc());
	struct nl_addr *local = netlink_nl_addr(prefix);

	rtnl_addr_set_ifindex(addr, (int)ifindex);
	rtnl_addr_set_local(addr, local);
	nl_addr_put(local);
	return addr;
}

int
netlink_addr_add(struct netlink *nl, unsigned ifindex, struct ip4_prefix prefix)
{
	struct rtnl_addr *addr = addr_build(ifindex, prefix);
	int err = rtnl_addr_add(nl->sock, addr, 0);

	rtnl_addr_put(addr);
	return netlink_errno(err);
}

int
netlink_addr_del(struct netlink *nl, unsigned ifindex, struct ip4_prefix prefix)
{
	struct rtnl_addr *addr = addr_build(ifindex, prefix);
	int err = rtnl_addr_delete(nl->sock, addr, 0);

	rtnl_addr_put(addr);
	return netlink_errno(err);
}
