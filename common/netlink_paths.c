/* Being told that packets may go another way than before: netlink.h. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink_impl.h"

#define NEIGHBOURS_MAX 65536 /* that are remembered; what the kernel tells of others counts as a change */
#define USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

struct neighbour_key { uint32_t addr; int ifindex; };

struct neighbour {
	struct neighbour_key key;
	uint8_t mac[6];
	UT_hash_handle hh;
};

struct netlink_paths {
	struct nl_sock *sock;
	struct loop_event *readable;
	struct neighbour *neighbours; /* uthash */
	bool changed, rules_told;     /* by the messages in work */
	bool by_destination;
	void (*tell)(bool by_destination, void *arg);
	void *arg;
};

/* ---- neighbours: the kernel tells whenever it has seen one live, and once in a long while that one has moved ---- */

static void
neighbour_gone(struct netlink_paths *paths, struct neighbour *n)
{
	paths->changed = true;
	if (n == NULL)
		return;
	HASH_DEL(paths->neighbours, n);
	free(n);
}

static void
neighbour_is(struct netlink_paths *paths, struct neighbour *n, const struct neighbour_key *key, const void *mac)
{
	if (n == NULL && HASH_COUNT(paths->neighbours) == NEIGHBOURS_MAX) {
		paths->changed = true;
		return;
	}
	if (n == NULL) {
		/* A path to who was not there before is not remembered by anybody. */
		n = mem_zero(1, sizeof(*n));
		n->key = *key;
		HASH_ADD(hh, paths->neighbours, key, sizeof(n->key), n);
	} else if (memcmp(n->mac, mac, sizeof(n->mac)) != 0) {
		paths->changed = true;
	}
	memcpy(n->mac, mac, sizeof(n->mac));
}

static void
on_neighbour(struct netlink_paths *paths, struct nlmsghdr *header)
{
	const struct ndmsg *told = nlmsg_data(header);
	struct nlattr *attrs[NDA_MAX + 1];
	struct neighbour_key key;
	struct neighbour *n;

	if (nlmsg_parse(header, sizeof(*told), attrs, NDA_MAX, NULL) != 0 || told->ndm_family != AF_INET ||
	    attrs[NDA_DST] == NULL || nla_len(attrs[NDA_DST]) != sizeof(key.addr))
		return;
	memset(&key, 0, sizeof(key));
	key.ifindex = told->ndm_ifindex;
	memcpy(&key.addr, nla_data(attrs[NDA_DST]), sizeof(key.addr));
	HASH_FIND(hh, paths->neighbours, &key, sizeof(key), n);
	if (header->nlmsg_type == RTM_DELNEIGH || (told->ndm_state & USABLE) == 0)
		neighbour_gone(paths, n);
	else if (attrs[NDA_LLADDR] != NULL && nla_len(attrs[NDA_LLADDR]) == sizeof(n->mac))
		neighbour_is(paths, n, &key, nla_data(attrs[NDA_LLADDR]));
}

/* ---- rules ---- */

/* Whether a rule looks at nothing of a packet but where it goes and the device that it came from. */
static bool
rule_is_plain(struct nlmsghdr *header)
{
	const struct fib_rule_hdr *rule = nlmsg_data(header);
	struct nlattr *attrs[FRA_MAX + 1];

	if (nlmsg_parse(header, sizeof(*rule), attrs, FRA_MAX, NULL) != 0)
		return false;
	return rule->src_len == 0 && rule->tos == 0 && attrs[FRA_FWMARK] == NULL && attrs[FRA_IP_PROTO] == NULL &&
	       attrs[FRA_SPORT_RANGE] == NULL && attrs[FRA_DPORT_RANGE] == NULL;
}

static int
rule_cb(struct nl_msg *msg, void *arg)
{
	bool *plain = arg;

	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWRULE)
		*plain = *plain && rule_is_plain(nlmsg_hdr(msg));
	return NL_OK;
}

static bool
all_rules_plain(void)
{
	struct nl_sock *sock = netlink_must(nl_socket_alloc());
	struct fib_rule_hdr all = { .family = AF_INET };
	bool plain = true;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, rule_cb, &plain);
	if (nl_connect(sock, NETLINK_ROUTE) != 0 ||
	    nl_send_simple(sock, RTM_GETRULE, NLM_F_DUMP, &all, sizeof(all)) < 0 || nl_recvmsgs_default(sock) < 0)
		plain = false;
	nl_socket_free(sock);
	return plain;
}

/* ---- messages ---- */

static int
message_cb(struct nl_msg *msg, void *arg)
{
	struct netlink_paths *paths = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	switch (header->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbour(paths, header);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		paths->rules_told = true;
		break;
	default:
		paths->changed = true;
	}
	return NL_OK;
}

static void
readable_cb(int fd, void *arg)
{
	struct netlink_paths *paths = arg;
	int err;

	(void)fd;
	paths->changed = paths->rules_told = false;
	err = nl_recvmsgs_default(paths->sock);
	if (err == -NLE_NOMEM) /* more than the socket holds was lost: something has changed for certain */
		paths->changed = paths->rules_told = true;
	else if (err < 0 && err != -NLE_AGAIN && err != -NLE_INTR)
		log_warn("netlink", "cannot be read error=\"%s\"", nl_geterror(err));
	if (paths->rules_told)
		paths->by_destination = all_rules_plain();
	if (paths->changed || paths->rules_told)
		paths->tell(paths->by_destination, paths->arg);
}

/* ---- life ---- */

static int
join(struct netlink_paths *paths)
{
	struct ndmsg all = { .ndm_family = AF_INET };
	int err = nl_connect(paths->sock, NETLINK_ROUTE);

	if (err == 0)
		err = nl_socket_set_nonblocking(paths->sock);
	if (err == 0)
		err = nl_socket_add_memberships(paths->sock, RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR,
		                                RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, 0);
	if (err == 0)
		err = nl_send_simple(paths->sock, RTM_GETNEIGH, NLM_F_DUMP, &all, sizeof(all));
	return err < 0 ? err : 0;
}

struct netlink_paths *
netlink_paths(struct loop *loop, void (*changed)(bool by_destination, void *arg), void *arg)
{
	struct netlink_paths *paths = mem_zero(1, sizeof(*paths));
	int err;

	paths->tell = changed;
	paths->arg = arg;
	paths->sock = netlink_must(nl_socket_alloc());
	nl_socket_disable_seq_check(paths->sock);
	nl_socket_modify_cb(paths->sock, NL_CB_VALID, NL_CB_CUSTOM, message_cb, paths);
	if ((err = join(paths)) != 0) {
		log_error("netlink", "cannot watch routes and neighbours error=\"%s\"", nl_geterror(err));
		netlink_paths_free(paths);
		return NULL;
	}
	paths->readable = loop_readable(loop, nl_socket_get_fd(paths->sock), readable_cb, paths);
	paths->by_destination = all_rules_plain();
	changed(paths->by_destination, arg);
	return paths;
}

void
netlink_paths_free(struct netlink_paths *paths)
{
	struct neighbour *n, *next;

	if (paths == NULL)
		return;
	HASH_ITER(hh, paths->neighbours, n, next) {
		HASH_DEL(paths->neighbours, n);
		free(n);
	}
	loop_event_free(paths->readable);
	nl_socket_free(paths->sock);
	free(paths);
}
