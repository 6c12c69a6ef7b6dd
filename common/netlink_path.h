/* Which way the kernel would send a packet: its routes, neighbours and devices asked one at a time, and news of their
 * changes. For a process without privilege on sockets that another opened for it. */
#ifndef RSIP_NETLINK_PATH_H
#define RSIP_NETLINK_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

#define ETHER_ADDR_LEN 6

struct netlink;

/* A netlink socket, non-blocking: to ask with, or (news) to hear of changes by. Returns -1 after a line in the log. */
int netlink_path_open(bool news);

/* Speaks through fd, which the other owns: it stays open. NULL after a line in the log; netlink_close ends it. */
struct netlink *netlink_over(int fd);

/* Where a packet of src to dst goes next: by which device, and to which address on it. iif is the device that it came
 * in by, or 0 for one of the machine's own. False for all that is not simply sent on: local, broadcast, multicast,
 * prohibited or unreachable, martian. */
struct netlink_hop {
	unsigned ifindex;
	ip4_t next;
	unsigned mtu; /* that the route has, or 0: the device's */
};
bool netlink_hop(struct netlink *nl, unsigned iif, ip4_t src, ip4_t dst, struct netlink_hop *hop);

/* The hardware address of a neighbour. False when the kernel does not know it now. */
bool netlink_neighbour(struct netlink *nl, unsigned ifindex, ip4_t addr, uint8_t mac[ETHER_ADDR_LEN]);

/* A device that takes Ethernet frames and is up. False for any other. */
struct netlink_ether { uint8_t mac[ETHER_ADDR_LEN]; unsigned mtu; };
bool netlink_ether(struct netlink *nl, unsigned ifindex, struct netlink_ether *out);

/* What has changed. */
struct netlink_news {
	void (*neighbour)(unsigned ifindex, ip4_t addr, const uint8_t *mac, void *arg); /* mac NULL: no longer known */
	void (*rules)(void *arg);
	void (*routes)(void *arg); /* a route, address or device */
	void (*lost)(void *arg);   /* anything may have: some news did not fit into the socket */
	void *arg;
};

/* Tells all news that wait on a socket of netlink_path_open(true). */
void netlink_news_read(struct netlink *nl, const struct netlink_news *news);

#endif
