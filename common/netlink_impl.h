/* What the netlink*.c files share. */
#ifndef RSIP_NETLINK_IMPL_H
#define RSIP_NETLINK_IMPL_H

#include <netlink/netlink.h>

#include "netlink.h"

struct netlink { struct nl_sock *sock; };

int netlink_errno(int err); /* libnl's error numbers as errno numbers, those that callers tell apart */
void *netlink_must(void *object); /* out of memory ends the program */
struct nl_addr *netlink_nl_addr(struct ip4_prefix prefix); /* the caller puts it */
ip4_t netlink_ip4(struct nl_addr *addr);

#endif
