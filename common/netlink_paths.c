/* Being told that packets may go another way than before: netlink.h. What is made of the news that netlink_path.h tells. */
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink_impl.h"
#include "netlink_path.h"

#define NEIGHBOURS_MAX 65536 /* that are remembered; what the kernel tells of others counts as a change */

struct neighbour_key { ip4_t addr; unsigned ifindex; };

struct neighbour {
	struct neighbour_key key;
	uint8_t mac[ETHER_ADDR_LEN];
	UT_hash_handle hh;
};

struct netlink_paths {
	int fd;
	struct netlink *nl; /* over it */
	struct loop_event *readable;
	struct neighbour *neighbours; /* uthash */
	bool changed, rules_told;     /* by the news in work */
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
neighbour_is(struct netlink_paths *paths, struct neighbour *n, const struct neighbour_key *key, const uint8_t *mac)
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
neighbour_cb(unsigned ifindex, ip4_t addr, const uint8_t *mac, void *arg)
{
	struct netlink_paths *paths = arg;
	const struct neighbour_key key = { addr, ifindex };
	struct neighbour *n;

	HASH_FIND(hh, paths->neighbours, &key, sizeof(key), n);
	if (mac == NULL)
		neighbour_gone(paths, n);
	else
		neighbour_is(paths, n, &key, mac);
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

/* ---- the rest of the news ---- */

static void
rules_cb(void *arg)
{
	((struct netlink_paths *)arg)->rules_told = true;
}

static void
routes_cb(void *arg)
{
	((struct netlink_paths *)arg)->changed = true;
}

static void
readable_cb(int fd, void *arg)
{
	struct netlink_paths *paths = arg;
	const struct netlink_news news = { neighbour_cb, rules_cb, routes_cb, rules_cb, paths };

	(void)fd;
	paths->changed = paths->rules_told = false;
	netlink_news_read(paths->nl, &news);
	if (paths->rules_told)
		paths->by_destination = all_rules_plain();
	if (paths->changed || paths->rules_told)
		paths->tell(paths->by_destination, paths->arg);
}

/* ---- life ---- */

/* The neighbours that there are already are told as news. */
static bool
join(struct netlink_paths *paths)
{
	struct ndmsg all = { .ndm_family = AF_INET };
	int err;

	if ((paths->fd = netlink_path_open(true)) < 0 || (paths->nl = netlink_over(paths->fd)) == NULL)
		return false;
	err = nl_send_simple(paths->nl->sock, RTM_GETNEIGH, NLM_F_DUMP, &all, sizeof(all));
	if (err < 0)
		log_error("netlink", "cannot watch routes and neighbours error=\"%s\"", nl_geterror(err));
	return err >= 0;
}

struct netlink_paths *
netlink_paths(struct loop *loop, void (*changed)(bool by_destination, void *arg), void *arg)
{
	struct netlink_paths *paths = mem_zero(1, sizeof(*paths));

	paths->tell = changed;
	paths->arg = arg;
	if (!join(paths)) {
		netlink_paths_free(paths);
		return NULL;
	}
	paths->readable = loop_readable(loop, paths->fd, readable_cb, paths);
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
	netlink_close(paths->nl);
	if (paths->fd >= 0)
		close(paths->fd);
	free(paths);
}
