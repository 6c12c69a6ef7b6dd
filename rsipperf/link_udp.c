#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "loop.h"
#include "mem.h"
#include "plan.h"
#include "rsip_proto.h"
#include "sockaddr.h"

#define BATCH 64
#define TURNS 16               /* batches read in one turn of the loop */
#define RECEIVE_MAX 2048       /* no answer to our requests is longer */
#define SOCKET_BUFFER (8 << 20)

union control {
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct cmsghdr align;
};

struct link_udp {
	const struct plan *plan;
	link_received *received;
	void *arg;
	int fd;
	struct loop_event *readable;
	struct sockaddr_in gateway;
	unsigned queued;
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_iov[BATCH], in_iov[BATCH];
	union control out_control[BATCH], in_control[BATCH];
	uint8_t out_bytes[BATCH][LINK_REQUEST_MAX], in_bytes[BATCH][RECEIVE_MAX];
};

static bool
open_socket(struct link_udp *link)
{
	int one = 1, never = IP_PMTUDISC_DO, size = SOCKET_BUFFER;
	struct sockaddr_in any = { .sin_family = AF_INET };

	link->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return false;
	/* Beyond the system's limit only for root; less is good for smaller runs. */
	if (setsockopt(link->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(link->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(link->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* Never fragmented, so the kernel need not draw each an identification: the machine is often the gateway's as well. */
	setsockopt(link->fd, IPPROTO_IP, IP_MTU_DISCOVER, &never, sizeof(never));
	return setsockopt(link->fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0 &&
	       bind(link->fd, (struct sockaddr *)&any, sizeof(any)) == 0;
}

static void
prepare(struct link_udp *link)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct cmsghdr *c = &link->out_control[i].align;

		link->out_iov[i].iov_base = link->out_bytes[i];
		link->in_iov[i] = (struct iovec){ link->in_bytes[i], RECEIVE_MAX };
		link->out[i].msg_hdr = (struct msghdr){ .msg_name = &link->gateway, .msg_namelen = sizeof(link->gateway),
		    .msg_iov = &link->out_iov[i], .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(union control) };
		link->in[i].msg_hdr = (struct msghdr){ .msg_iov = &link->in_iov[i], .msg_iovlen = 1,
		    .msg_control = &link->in_control[i], .msg_controllen = sizeof(union control) };
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
	}
}

/* The host that the datagram was sent to, false when it is none of ours. */
static bool
host_of(const struct link_udp *link, struct msghdr *msg, uint32_t *host)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		*host = ntohl(info.ipi_addr.s_addr) - link->plan->first_host;
		return *host < link->plan->hosts;
	}
	return false;
}

static int
receive_batch(struct link_udp *link)
{
	int n = recvmmsg(link->fd, link->in, BATCH, MSG_DONTWAIT, NULL);
	uint32_t host;

	for (int i = 0; i < n; i++) {
		if (host_of(link, &link->in[i].msg_hdr, &host))
			link->received(link->arg, host, link->in_bytes[i], link->in[i].msg_len);
		link->in[i].msg_hdr.msg_controllen = sizeof(union control);
	}
	return n;
}

static void
on_readable(int fd, void *arg)
{
	struct link_udp *link = arg;

	(void)fd;
	for (int i = 0; i < TURNS && receive_batch(link) == BATCH; i++)
		;
	link_udp_flush(link);
}

struct link_udp *
link_udp_open(struct loop *loop, const struct plan *plan, link_received *received, void *arg)
{
	struct link_udp *link = mem_zero(1, sizeof(*link));

	link->plan = plan;
	link->received = received;
	link->arg = arg;
	link->gateway = sockaddr_of(plan->gateway, plan->port);
	if (!open_socket(link)) {
		fprintf(stderr, "rsipperf: no UDP socket: %s\n", strerror(errno));
		free(link);
		return NULL;
	}
	prepare(link);
	link->readable = loop_readable(loop, link->fd, on_readable, link);
	return link;
}

void
link_udp_send(struct link_udp *link, uint32_t host, const void *bytes, size_t len)
{
	unsigned i = link->queued++;
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(link->plan->first_host + host) };

	memcpy(link->out_bytes[i], bytes, len);
	memcpy(CMSG_DATA(&link->out_control[i].align), &info, sizeof(info));
	link->out_iov[i].iov_len = len;
	if (link->queued == BATCH)
		link_udp_flush(link);
}

/* What the socket does not take is lost, as any datagram may be: it will be repeated. */
void
link_udp_flush(struct link_udp *link)
{
	unsigned done = 0;

	while (done < link->queued) {
		int n = sendmmsg(link->fd, link->out + done, link->queued - done, 0);
		if (n > 0)
			done += (unsigned)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			break;
		else if (errno != EINTR)
			done++; /* an ICMP error about an earlier one, or an address that is not local */
	}
	link->queued = 0;
}

void
link_udp_close(struct link_udp *link)
{
	if (link == NULL)
		return;
	loop_event_free(link->readable);
	close(link->fd);
	free(link);
}
