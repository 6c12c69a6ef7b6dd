#include "config.h"

#include "pktio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap.h"
#include "log.h"
#include "mem.h"
#include "packet.h"
#include "pktio_open.h"

/* What goes with each packet sent into a tunnel: the outer source address and TOS. */
union send_control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

union receive_control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Packets waiting for one socket. */
struct tunnel_queue {
	int fd;
	size_t n;
	struct mmsghdr messages[PKTIO_BATCH];
	struct iovec parts[PKTIO_BATCH][2]; /* GRE header, packet */
	uint8_t headers[PKTIO_BATCH][GRE_HEADER_MAX];
	struct sockaddr_in to[PKTIO_BATCH];
	union send_control control[PKTIO_BATCH];
	struct verdict *verdicts[PKTIO_BATCH];
};

struct pktio {
	const struct relay_fds *fds;
	pktio_sent_cb *sent;
	void *arg;
	struct tunnel_queue ipip[RELAY_DF_COUNT], gre[RELAY_DF_COUNT];
	struct mmsghdr received[PKTIO_BATCH];
	struct iovec space[PKTIO_BATCH];
	union receive_control control[PKTIO_BATCH];
	uint8_t bytes[PKTIO_BATCH][PACKET_MAX + 1];
};

struct pktio *
pktio_new(const struct relay_fds *fds, pktio_sent_cb *sent, void *arg)
{
	struct pktio *io = mem_zero(1, sizeof(*io));

	io->fds = fds;
	io->sent = sent;
	io->arg = arg;
	for (int df = 0; df < RELAY_DF_COUNT; df++) {
		io->ipip[df].fd = fds->ipip[df];
		io->gre[df].fd = fds->gre[df];
	}
	return io;
}

void
pktio_free(struct pktio *io)
{
	free(io);
}

/* ---- in ---- */

size_t
pktio_read_public(struct pktio *io, struct pktio_packet batch[PKTIO_BATCH])
{
	size_t n = 0;

	while (n < PKTIO_BATCH) {
		ssize_t len = read(io->fds->tun, io->bytes[n], sizeof(io->bytes[n]));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (len <= 0) /* forever, and for good: it would be readable, and fail, at every turn of the loop */
			log_fatal("relay", "the TUN device %s was removed, ending", PKTIO_TUN_NAME);
		batch[n] = (struct pktio_packet){ .bytes = io->bytes[n], .len = (size_t)len };
		n++;
	}
	return n;
}

static unsigned
arrival_ifindex(struct msghdr *header)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (unsigned)info.ipi_ifindex;
		}
	}
	return 0;
}

size_t
pktio_read_tunnel(struct pktio *io, int fd, struct pktio_packet batch[PKTIO_BATCH])
{
	int n;

	for (int i = 0; i < PKTIO_BATCH; i++) {
		io->space[i] = (struct iovec){ .iov_base = io->bytes[i], .iov_len = sizeof(io->bytes[i]) };
		io->received[i].msg_hdr = (struct msghdr){ .msg_iov = &io->space[i], .msg_iovlen = 1,
			                                   .msg_control = io->control[i].space,
			                                   .msg_controllen = sizeof(io->control[i].space) };
	}
	n = recvmmsg(fd, io->received, PKTIO_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		batch[i] = (struct pktio_packet){ .bytes = io->bytes[i], .len = io->received[i].msg_len,
			                          .ifindex = arrival_ifindex(&io->received[i].msg_hdr) };
	}
	return n > 0 ? (size_t)n : 0;
}

/* ---- out ---- */

bool
pktio_write_public(struct pktio *io, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	do {
		n = write(io->fds->tun, bytes, len);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

static void
put_cmsg(struct cmsghdr *c, int type, const void *value, size_t len)
{
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), value, len);
}

static void
put_control(struct msghdr *header, const struct tunnel_header *tunnel)
{
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(tunnel->src) };
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int tos = tunnel->tos;

	put_cmsg(c, IP_PKTINFO, &info, sizeof(info));
	c = CMSG_NXTHDR(header, c);
	put_cmsg(c, IP_TOS, &tos, sizeof(tos));
}

void
pktio_queue(struct pktio *io, struct verdict *v)
{
	enum relay_df df = v->tunnel.df ? RELAY_DF : RELAY_FRAGMENT;
	bool gre = v->tunnel.kind.type == RSIP_TUNNEL_GRE;
	struct tunnel_queue *q = gre ? &io->gre[df] : &io->ipip[df];
	size_t i = q->n++;
	struct iovec *parts = q->parts[i];

	parts[0] = (struct iovec){ .iov_base = q->headers[i], .iov_len = encap_write(v->tunnel.kind, q->headers[i]) };
	parts[1] = (struct iovec){ .iov_base = v->bytes, .iov_len = v->len };
	q->to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(v->tunnel.dst) };
	q->messages[i].msg_hdr = (struct msghdr){
		.msg_name = &q->to[i],
		.msg_namelen = sizeof(q->to[i]),
		.msg_iov = gre ? &parts[0] : &parts[1],
		.msg_iovlen = gre ? 2 : 1,
		.msg_control = memset(&q->control[i], 0, sizeof(q->control[i])),
		.msg_controllen = sizeof(q->control[i].space),
	};
	put_control(&q->messages[i].msg_hdr, &v->tunnel);
	q->verdicts[i] = v;
}

/* sendmmsg stops at the first packet that fails; its errno comes when it is the first of a call. The callback may queue
 * and flush in turn, for another queue than this one. */
static void
flush_queue(struct pktio *io, struct tunnel_queue *q)
{
	size_t done = 0, n = q->n;

	q->n = 0;
	while (done < n) {
		int sent = sendmmsg(q->fd, q->messages + done, (unsigned)(n - done), MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			io->sent(q->verdicts[done++], errno, io->arg);
		for (; sent > 0; sent--)
			io->sent(q->verdicts[done++], 0, io->arg);
	}
}

void
pktio_flush(struct pktio *io)
{
	for (int df = 0; df < RELAY_DF_COUNT; df++) {
		flush_queue(io, &io->ipip[df]);
		flush_queue(io, &io->gre[df]);
	}
}
