/* The kernel's own tunnel device: tunnel.h. */
#include <errno.h>

#include "netlink.h"
#include "rsip_proto.h"
#include "tunnel_impl.h"

static const char *
kind_of(uint8_t type)
{
	return type == RSIP_TUNNEL_GRE ? "gre" : "ipip";
}

/* Whether the kernel has it shows only when it is tried: the kernel loads its module then, if there is one. */
static int
kernel_open(struct tunnel *t)
{
	int err = netlink_tunnel_add(t->nl, t->plan.device, kind_of(t->plan.kind.type), t->plan.local, t->plan.remote,
	                             t->plan.kind.gre_key);

	return err == ENODEV || err == EIO ? EOPNOTSUPP : err;
}

static int
kernel_move(struct tunnel *t)
{
	return netlink_tunnel_change(t->nl, t->plan.device, kind_of(t->plan.kind.type), t->plan.local, t->plan.remote,
	                             t->plan.kind.gre_key, tunnel_mtu(t));
}

static void
kernel_close(struct tunnel *t)
{
	netlink_link_del(t->nl, t->plan.device);
}

const struct tunnel_ops tunnel_kernel = {
	.name = "kernel", .open = kernel_open, .move = kernel_move, .close = kernel_close,
};

void
tunnel_clean(struct netlink *nl, const char *device, uint8_t type)
{
	if (netlink_link_is(nl, device, kind_of(type)))
		netlink_link_del(nl, device);
}
