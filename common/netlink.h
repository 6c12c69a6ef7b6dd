/* The kernel's devices, addresses, routes, rules and proxy neighbours over rtnetlink: IPv4 only, one call one change.
 * Needs CAP_NET_ADMIN. Only netlink*.c include libnl.
 *
 * Functions that return int give 0 or an errno number (EEXIST, ENOENT, ENODEV, EPERM, ...). */
#ifndef RSIP_NETLINK_H
#define RSIP_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct netlink;

/* NULL after a line in the log. Works in the network namespace of the caller at this moment. */
struct netlink *netlink_open(void);
void netlink_close(struct netlink *nl); /* accepts NULL */

unsigned netlink_index(struct netlink *nl, const char *device); /* 0 when there is no such device */
int netlink_link_up(struct netlink *nl, const char *device, unsigned mtu, unsigned queue_len);
int netlink_link_mtu(struct netlink *nl, const char *device, unsigned mtu);
int netlink_link_del(struct netlink *nl, const char *device);

/* A tunnel of the kernel's own, "ipip" or "gre": outer TTL 64, DF set, TOS of the inner packet. gre_key is the
 * key of GRE both ways (RFC 2890), 0 for none. EOPNOTSUPP where the kernel has no such tunnels. */
int netlink_tunnel_add(struct netlink *nl, const char *device, const char *kind, ip4_t local, ip4_t remote,
                       uint32_t gre_key);
/* The same tunnel between other ends: the device stays as it is, with its addresses and routes. */
int netlink_tunnel_change(struct netlink *nl, const char *device, const char *kind, ip4_t local, ip4_t remote,
                          uint32_t gre_key, unsigned mtu);
/* Is this device there, and of that kind? */
bool netlink_link_is(struct netlink *nl, const char *device, const char *kind);

/* The devices that frames pass on their way to this one, itself included: ports of a bridge or bond, the device below
 * a VLAN. Calls visit for each, once. */
typedef void netlink_visit(const char *device, void *arg);
void netlink_below(struct netlink *nl, const char *device, netlink_visit *visit, void *arg);

/* All IPv4 addresses of all devices, a device's primary one first. The caller frees *out. Returns how many. */
struct netlink_addr {
	ip4_t addr;
	uint8_t prefix_len;
	unsigned ifindex;
	bool secondary;
	char device[16];
};
size_t netlink_addresses(struct netlink *nl, struct netlink_addr **out);
int netlink_addr_add(struct netlink *nl, unsigned ifindex, struct ip4_prefix addr); /* the address, not its network */
int netlink_addr_del(struct netlink *nl, unsigned ifindex, struct ip4_prefix addr);

/* Routes are told apart by to, table and metric 0; adding replaces. */
struct netlink_route {
	struct ip4_prefix to; /* /0 = default */
	unsigned ifindex;
	ip4_t via;        /* 0 = none: straight to the device */
	ip4_t src;        /* preferred source of what the machine itself sends; 0 = the kernel chooses */
	uint32_t table;   /* 0 = main */
	uint8_t protocol; /* who made it, as ip route shows it; 0 = boot */
	bool throws;      /* not here: the lookup goes on with the next rule; ifindex, via and src have no meaning */
};
int netlink_route_add(struct netlink *nl, const struct netlink_route *route);
int netlink_route_del(struct netlink *nl, const struct netlink_route *route);
/* The networks that this machine is attached to: link-scope routes of table main. The caller frees *out. */
size_t netlink_connected(struct netlink *nl, struct ip4_prefix **out);

/* The same for IPv4 and IPv6, for devices of our own, which take them along when they go: addr in network order, IPv4 in its
 * first four bytes. A route that is there already is EEXIST: it is somebody else's. */
struct netlink_net { uint8_t version, len, addr[16]; };
int netlink_net_address(struct netlink *nl, unsigned ifindex, const struct netlink_net *net);
int netlink_net_route(struct netlink *nl, unsigned ifindex, const struct netlink_net *net);

/* Which way packets leave by table main alone, as it is when it is read: rules and other tables, where IKE daemons keep the
 * routes into their tunnels, are left out. One reading answers for any number of destinations. NULL when the kernel does
 * not tell; the caller ends it with netlink_ways_free, which accepts NULL. */
struct netlink_ways;
struct netlink_ways *netlink_ways_read(struct netlink *nl);
void netlink_ways_free(struct netlink_ways *ways);
/* The address that the machine would send to dst from. 0 = there is no way, or it has no address. */
ip4_t netlink_ways_source(const struct netlink_ways *ways, ip4_t dst);
/* The device that had this address, of the machine's own, at the reading. 0 = none had. */
unsigned netlink_ways_device(const struct netlink_ways *ways, ip4_t addr);

/* Policy rules. Several may have one priority: they are asked in the order of their adding, and deleting takes the
 * first that fits. */
struct netlink_rule {
	uint32_t priority;
	uint32_t table;
	struct ip4_prefix from, to; /* len 0 = any; from 0.0.0.0/32: what the machine sends without a source chosen yet */
	const char *iif;            /* NULL = any */
	struct port_range dports;   /* of any transport protocol; first 0 = any */
	uint8_t transport;          /* IP protocol number; 0 = any */
	bool drops;                 /* drop what it matches; table has no meaning */
	uint8_t protocol;           /* who made it, as with routes; 0 = not told */
};
int netlink_rule_add(struct netlink *nl, const struct netlink_rule *rule);
int netlink_rule_del(struct netlink *nl, const struct netlink_rule *rule);
/* Is there a rule of this priority that asks this table for everything, whoever made it? */
bool netlink_rule_asks(struct netlink *nl, uint32_t priority, uint32_t table);

/* Deletes all rules and routes that were made under this protocol number. */
void netlink_purge(struct netlink *nl, uint8_t protocol);

/* Calls changed whenever the machine's addresses or the routes of table main may have changed. Changes come in crowds, an
 * interface that comes up is a dozen of them: it is called when none has come for settle_ms; 0 = at once, each time. NULL
 * after a line in the log. The caller ends it with netlink_unwatch, which accepts NULL. */
struct loop;
struct netlink_watch;
struct netlink_watch *netlink_watch(struct loop *loop, unsigned settle_ms, void (*changed)(void *arg), void *arg);
void netlink_unwatch(struct netlink_watch *watch);

/* Tells at once, and before it returns, of whatever may send packets another way: routes of all tables, rules, addresses,
 * links, neighbours that moved or went. by_destination: no rule looks at more of a packet than where it goes and the
 * device that it came from. NULL after a line in the log. The caller ends it with netlink_paths_free, which accepts NULL. */
struct netlink_paths;
struct netlink_paths *netlink_paths(struct loop *loop, void (*changed)(bool by_destination, void *arg), void *arg);
void netlink_paths_free(struct netlink_paths *paths);

/* Whether the machine answers ARP for an address that is not its own, on this device. Adding one that is there is no
 * error. */
int netlink_proxy_add(struct netlink *nl, unsigned ifindex, ip4_t addr);
int netlink_proxy_del(struct netlink *nl, unsigned ifindex, ip4_t addr);

/* For the IPv4 neighbours on this device that have not answered yet, the next packet asks at once, in the name of its own
 * source; what waits for them is dropped. */
void netlink_ask_anew(struct netlink *nl, unsigned ifindex);

/* Frames that come in on a device and that the machine's own stack shall not have; packet sockets see them all the same.
 * netlink_ingress_add makes the device's tc ingress hook, EEXIST when it has one already. The filter is classic BPF over
 * the frame, which returns TC_ACT_SHOT for such a frame and TC_ACT_UNSPEC for any other. Again: replaces ours, without
 * a gap; otherwise EEXIST when somebody's filter is where ours would be. */
struct sock_filter;
int netlink_ingress_add(struct netlink *nl, unsigned ifindex);
int netlink_ingress_del(struct netlink *nl, unsigned ifindex);
int netlink_drop_set(struct netlink *nl, unsigned ifindex, const struct sock_filter *code, uint16_t len, bool again);
int netlink_drop_del(struct netlink *nl, unsigned ifindex);

#endif
