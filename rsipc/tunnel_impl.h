/* What tunnel.c and its drivers share. */
#ifndef RSIPC_TUNNEL_IMPL_H
#define RSIPC_TUNNEL_IMPL_H

#include "tunnel.h"

struct tunnel_ops {
	const char *name;
	int (*open)(struct tunnel *tunnel); /* 0, or an errno number; EOPNOTSUPP: the kernel has no such thing */
	int (*move)(struct tunnel *tunnel); /* to plan.local; 0, or an errno number */
	void (*close)(struct tunnel *tunnel);
};

struct tunnel {
	const struct tunnel_ops *ops;
	struct loop *loop;
	struct netlink *nl;
	struct tunnel_plan plan;
	struct tun_relay *relay; /* NULL = not needed so far */
	void (*mtu_changed)(void *arg);
	void *arg;
};

extern const struct tunnel_ops tunnel_kernel, tunnel_tun;

#endif
