/* Asking the kernel for the way of a packet: netlink_path.h. */
#include "netlink_path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "netlink_impl.h"

#define NEWS_BUFFER (1024 * 1024) /* a routing daemon tells a thousand routes at once */
#define DATAGRAM_MAX (1 << 16)    /* the kernel fills 32 kB at the most (netlink_dump) */
#define NUD_KNOWN (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

int
netlink_path_open(bool news)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE), size = NEWS_BUFFER;

	if (news)
		addr.nl_groups = RTMGRP_NEIGH | RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		return fd;
	}
	log_error("netlink", "cannot open a socket error=\"%s\"", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct netlink *
netlink_over(int fd)
{
	struct netlink *nl = mem_zero(1, sizeof(*nl));
	int own = dup(fd), err;

	nl->sock = netlink_must(nl_socket_alloc());
	nl_socket_disable_auto_ack(nl->sock);
	nl_socket_disable_msg_peek(nl->sock); /* a datagram is one system call */
	nl_socket_set_msg_buf_size(nl->sock, DATAGRAM_MAX);
	err = own < 0 ? -NLE_BAD_SOCK : nl_socket_set_fd(nl->sock, NETLINK_ROUTE, own);
	if (err == 0)
		return nl;
	log_error("netlink", "cannot be used error=\"%s\"", nl_geterror(err));
	netlink_close(nl);
	return NULL;
}

/* --- questions: the kernel has answered when the question's send returns ---------------------------------------- */

/* Sends msg, frees it, and gives the answer to parse. False when there is none, or parse did not take it. */
static bool
ask(struct netlink *nl, struct nl_msg *msg, nl_recvmsg_msg_cb_t parse, void *arg)
{
	struct nl_cb *cb = netlink_must(nl_cb_alloc(NL_CB_DEFAULT));
	int err = nl_send_auto(nl->sock, msg);

	nlmsg_free(msg);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, parse, arg);
	/* Answers to what a former process asked on this socket, and did not live to read, come first. */
	for (bool ours = false; err >= 0 && !ours;) {
		err = nl_recvmsgs(nl->sock, cb);
		ours = err != -NLE_SEQ_MISMATCH;
		err = ours ? err : 0;
	}
	nl_cb_put(cb);
	return err >= 0;
}

static struct nl_msg *
question(int type, const void *header, size_t len)
{
	struct nl_msg *msg = netlink_must(nlmsg_alloc_simple(type, NLM_F_REQUEST));

	nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO);
	return msg;
}

static ip4_t
attr_ip4(struct nlattr *attr)
{
	return attr != NULL && nla_len(attr) == sizeof(uint32_t) ? ntohl(nla_get_u32(attr)) : 0;
}

static unsigned
route_mtu(struct nlattr *metrics)
{
	struct nlattr *mtu = metrics != NULL ? nla_find(nla_data(metrics), nla_len(metrics), RTAX_MTU) : NULL;

	return mtu != NULL && nla_len(mtu) == sizeof(uint32_t) ? nla_get_u32(mtu) : 0;
}

static int
hop_cb(struct nl_msg *msg, void *arg)
{
	struct netlink_hop *hop = arg;
	struct nlattr *attrs[RTA_MAX + 1];
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));

	if (nlmsg_hdr(msg)->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(*route), attrs, RTA_MAX, NULL) != 0 ||
	    route->rtm_type != RTN_UNICAST || attrs[RTA_OIF] == NULL || attrs[RTA_VIA] != NULL || attrs[RTA_ENCAP] != NULL)
		return NL_SKIP;
	hop->ifindex = nla_get_u32(attrs[RTA_OIF]);
	hop->mtu = route_mtu(attrs[RTA_METRICS]);
	if (attrs[RTA_GATEWAY] != NULL)
		hop->next = attr_ip4(attrs[RTA_GATEWAY]);
	return NL_OK;
}

bool
netlink_hop(struct netlink *nl, unsigned iif, ip4_t src, ip4_t dst, struct netlink_hop *hop)
{
	const struct rtmsg route = { .rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_src_len = 32 };
	struct nl_msg *msg = question(RTM_GETROUTE, &route, sizeof(route));

	*hop = (struct netlink_hop){ .next = dst };
	nla_put_u32(msg, RTA_DST, htonl(dst));
	nla_put_u32(msg, RTA_SRC, htonl(src));
	if (iif != 0)
		nla_put_u32(msg, RTA_IIF, iif);
	return ask(nl, msg, hop_cb, hop) && hop->ifindex != 0;
}

struct neighbour { const uint8_t *mac; uint8_t bytes[ETHER_ADDR_LEN]; ip4_t addr; unsigned ifindex; };

/* False when msg does not speak of an IPv4 neighbour, or of one that needs no hardware address. */
static bool
parse_neighbour(struct nl_msg *msg, struct neighbour *out)
{
	const struct ndmsg *nd = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[NDA_MAX + 1];

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*nd), attrs, NDA_MAX, NULL) != 0 || nd->ndm_family != AF_INET ||
	    (nd->ndm_flags & NTF_PROXY) != 0 || attrs[NDA_DST] == NULL)
		return false;
	*out = (struct neighbour){ .addr = attr_ip4(attrs[NDA_DST]), .ifindex = (unsigned)nd->ndm_ifindex };
	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWNEIGH && (nd->ndm_state & NUD_KNOWN) != 0 && attrs[NDA_LLADDR] != NULL &&
	    nla_len(attrs[NDA_LLADDR]) == ETHER_ADDR_LEN)
		out->mac = memcpy(out->bytes, nla_data(attrs[NDA_LLADDR]), ETHER_ADDR_LEN);
	return out->mac != NULL || nlmsg_hdr(msg)->nlmsg_type == RTM_DELNEIGH || (nd->ndm_state & NUD_KNOWN) == 0;
}

static int
neighbour_cb(struct nl_msg *msg, void *arg)
{
	struct neighbour found;

	if (parse_neighbour(msg, &found) && found.mac != NULL) {
		memcpy(((struct neighbour *)arg)->bytes, found.bytes, ETHER_ADDR_LEN);
		((struct neighbour *)arg)->ifindex = found.ifindex;
	}
	return NL_OK;
}

bool
netlink_neighbour(struct netlink *nl, unsigned ifindex, ip4_t addr, uint8_t mac[ETHER_ADDR_LEN])
{
	const struct ndmsg nd = { .ndm_family = AF_INET, .ndm_ifindex = (int)ifindex };
	struct nl_msg *msg = question(RTM_GETNEIGH, &nd, sizeof(nd));
	struct neighbour found = { 0 };

	nla_put_u32(msg, NDA_DST, htonl(addr));
	if (!ask(nl, msg, neighbour_cb, &found) || found.ifindex != ifindex)
		return false;
	memcpy(mac, found.bytes, ETHER_ADDR_LEN);
	return true;
}

static int
ether_cb(struct nl_msg *msg, void *arg)
{
	const struct ifinfomsg *link = nlmsg_data(nlmsg_hdr(msg));
	struct netlink_ether *out = arg;
	struct nlattr *attrs[IFLA_MAX + 1];

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*link), attrs, IFLA_MAX, NULL) != 0 || link->ifi_type != ARPHRD_ETHER ||
	    (link->ifi_flags & IFF_UP) == 0 || (link->ifi_flags & IFF_NOARP) != 0 || attrs[IFLA_ADDRESS] == NULL ||
	    nla_len(attrs[IFLA_ADDRESS]) != ETHER_ADDR_LEN || attrs[IFLA_MTU] == NULL)
		return NL_SKIP;
	memcpy(out->mac, nla_data(attrs[IFLA_ADDRESS]), ETHER_ADDR_LEN);
	out->mtu = nla_get_u32(attrs[IFLA_MTU]);
	return NL_OK;
}

bool
netlink_ether(struct netlink *nl, unsigned ifindex, struct netlink_ether *out)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	*out = (struct netlink_ether){ 0 };
	return ask(nl, question(RTM_GETLINK, &link, sizeof(link)), ether_cb, out) && out->mtu != 0;
}

/* --- news ------------------------------------------------------------------------------------------------------- */

static int
news_cb(struct nl_msg *msg, void *arg)
{
	const struct netlink_news *news = arg;
	struct neighbour found;

	switch (nlmsg_hdr(msg)->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (parse_neighbour(msg, &found))
			news->neighbour(found.ifindex, found.addr, found.mac, news->arg);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		news->rules(news->arg);
		break;
	default:
		news->routes(news->arg);
	}
	return NL_OK;
}

static int
any_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

void
netlink_news_read(struct netlink *nl, const struct netlink_news *news)
{
	struct nl_cb *cb = netlink_must(nl_cb_alloc(NL_CB_DEFAULT));
	int err;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, news_cb, (void *)news);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	do {
		err = nl_recvmsgs(nl->sock, cb);
		if (err == -NLE_NOMEM)
			news->lost(news->arg);
	} while (err >= 0 || err == -NLE_NOMEM || err == -NLE_INTR);
	nl_cb_put(cb);
}
