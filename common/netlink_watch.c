/* Being told of changes: netlink.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink_impl.h"

#define READ_MAX 256 /* datagrams, read together: a change of an address is a dozen of them; others wait for the loop too */

struct netlink_watch {
	struct nl_sock *sock;
	struct loop_event *readable, *settled;
	unsigned settle_ms;
	void (*changed)(void *arg);
	void *arg;
};

/* Routes of other tables, our own among them, are of no interest. */
static int
message_cb(struct nl_msg *msg, void *arg)
{
	struct netlink_watch *watch = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	bool route = header->nlmsg_type == RTM_NEWROUTE || header->nlmsg_type == RTM_DELROUTE;

	if (route && nlmsg_valid_hdr(header, sizeof(struct rtmsg)) &&
	    ((struct rtmsg *)nlmsg_data(header))->rtm_table != RT_TABLE_MAIN)
		return NL_OK;
	loop_timer_set(watch->settled, watch->settle_ms);
	return NL_OK;
}

static void
readable_cb(int fd, void *arg)
{
	struct netlink_watch *watch = arg;
	int err = 0;

	(void)fd;
	for (int i = 0; i < READ_MAX && err >= 0; i++)
		err = nl_recvmsgs_default(watch->sock);
	if (err == -NLE_NOMEM) /* more than the socket holds was lost: something has changed for certain */
		loop_timer_set(watch->settled, watch->settle_ms);
	else if (err < 0 && err != -NLE_AGAIN && err != -NLE_INTR)
		log_warn("netlink", "cannot be read error=\"%s\"", nl_geterror(err));
}

static void
settled_cb(void *arg)
{
	struct netlink_watch *watch = arg;

	watch->changed(watch->arg);
}

struct netlink_watch *
netlink_watch(struct loop *loop, unsigned settle_ms, void (*changed)(void *arg), void *arg)
{
	struct netlink_watch *watch = mem_zero(1, sizeof(*watch));
	int err;

	watch->settle_ms = settle_ms;
	watch->changed = changed;
	watch->arg = arg;
	watch->sock = netlink_must(nl_socket_alloc());
	nl_socket_disable_seq_check(watch->sock);
	nl_socket_modify_cb(watch->sock, NL_CB_VALID, NL_CB_CUSTOM, message_cb, watch);
	if ((err = nl_connect(watch->sock, NETLINK_ROUTE)) != 0 || (err = nl_socket_set_nonblocking(watch->sock)) != 0 ||
	    (err = nl_socket_add_memberships(watch->sock, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, 0)) != 0) {
		log_error("netlink", "cannot watch addresses and routes error=\"%s\"", nl_geterror(err));
		netlink_unwatch(watch);
		return NULL;
	}
	watch->readable = loop_readable(loop, nl_socket_get_fd(watch->sock), readable_cb, watch);
	watch->settled = loop_timer(loop, settled_cb, watch);
	return watch;
}

void
netlink_unwatch(struct netlink_watch *watch)
{
	if (watch == NULL)
		return;
	loop_event_free(watch->readable);
	loop_event_free(watch->settled);
	nl_socket_free(watch->sock);
	free(watch);
}
