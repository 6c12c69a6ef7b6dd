#include "config.h"

#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "demux_binding.h"
#include "encap.h"
#include "log.h"
#include "mem.h"
#include "packet.h"
#include "xsk.h"

#define HEADERS_MAX (ETH_HLEN + IPV4_HEADER_LEN + GRE_HEADER_MAX)
#define PLAIN_HEADER 0x45 /* version 4, no options */

struct frames {
	const struct relay_fds *fds;
	struct xsk *xsk[RELAY_RINGS_MAX]; /* NULL: by the packet socket */
	struct nexthops *hops;
	pktio_sent_cb *sent;
	void *arg;
	uint16_t id; /* of the next outer packet */
	size_t n;
	struct mmsghdr messages[PKTIO_BATCH];
	struct iovec parts[PKTIO_BATCH][2]; /* headers, packet */
	struct sockaddr_ll to[PKTIO_BATCH];
	uint8_t headers[PKTIO_BATCH][HEADERS_MAX];
	struct verdict *verdicts[PKTIO_BATCH];
};

static void
open_xsk(struct frames *frames)
{
	for (size_t i = 0; i < frames->fds->n_rings; i++) {
		const struct relay_ring *ring = &frames->fds->rings[i];

		frames->xsk[i] = ring->xsk >= 0 ? xsk_new(ring->xsk, ring->ifindex) : NULL;
		if (frames->xsk[i] == NULL)
			log_info("relay", "frames go by a packet socket, AF_XDP is not to be had ifindex=%u error=\"%s\"", ring->ifindex,
			         strerror(ring->xsk >= 0 ? errno : EAFNOSUPPORT));
	}
}

/* What stays the same from packet to packet. */
struct frames *
frames_new(const struct relay_fds *fds, struct nexthops *hops, pktio_sent_cb *sent, void *arg)
{
	struct frames *frames = mem_zero(1, sizeof(*frames));

	frames->fds = fds;
	open_xsk(frames);
	frames->hops = hops;
	frames->sent = sent;
	frames->arg = arg;
	for (size_t i = 0; i < PKTIO_BATCH; i++) {
		frames->to[i] = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
		frames->parts[i][0].iov_base = frames->headers[i];
		frames->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &frames->to[i], .msg_namelen = sizeof(frames->to[i]), .msg_iov = frames->parts[i], .msg_iovlen = 2,
		};
	}
	return frames;
}

void
frames_free(struct frames *frames)
{
	if (frames == NULL)
		return;
	for (size_t i = 0; i < frames->fds->n_rings; i++)
		xsk_free(frames->xsk[i]);
	free(frames);
}

/* Queues v's packet behind header_len bytes of headers, of which the caller has written all but the Ethernet header. */
static void
queue(struct frames *frames, struct verdict *v, const struct nexthop *hop, size_t header_len)
{
	size_t i = frames->n++;

	memcpy(frames->headers[i], hop->header, ETH_HLEN);
	frames->parts[i][0].iov_len = header_len;
	frames->parts[i][1] = (struct iovec){ .iov_base = v->bytes, .iov_len = v->len };
	frames->to[i].sll_ifindex = (int)hop->ifindex;
	frames->verdicts[i] = v;
}

/* A packet that the path may not take whole is the kernel's: it knows whether to fragment. */
bool
frames_to_host(struct frames *frames, struct verdict *v, int64_t now)
{
	size_t tunnel_len = tunnel_header_len(&v->tunnel), len = tunnel_len + v->len;
	const struct nexthop *hop;

	if (len > v->host->path_mtu ||
	    (hop = nexthops_own(frames->hops, v->tunnel.src, v->tunnel.dst, len, now)) == NULL)
		return false;
	tunnel_header_write(&v->tunnel, v->len, frames->id++, frames->headers[frames->n] + ETH_HLEN);
	queue(frames, v, hop, ETH_HLEN + tunnel_len);
	return true;
}

/* RFC 1812 5.2.1: a packet with options, or without a hop to live, needs a whole router. */
bool
frames_to_public(struct frames *frames, struct verdict *v, int64_t now)
{
	const struct nexthop *hop;
	struct packet p;

	if (v->bytes[0] != PLAIN_HEADER || v->bytes[IPV4_TTL] <= 1 || !packet_parse(&p, v->bytes, v->len) ||
	    (hop = nexthops_onward(frames->hops, p.src, p.dst, p.len, now)) == NULL)
		return false;
	packet_set_ttl(&p, (uint8_t)(p.ttl - 1));
	queue(frames, v, hop, ETH_HLEN);
	return true;
}

static struct xsk *
xsk_of(const struct frames *frames, int ifindex)
{
	for (size_t i = 0; i < frames->fds->n_rings; i++) {
		if ((int)frames->fds->rings[i].ifindex == ifindex)
			return frames->xsk[i];
	}
	return NULL;
}

/* Returns how many frames from the first on went by AF_XDP. What becomes of them the kernel does not tell. */
static size_t
flush_xsk(struct frames *frames, size_t from, size_t n)
{
	struct xsk *xsk = xsk_of(frames, frames->to[from].sll_ifindex);
	size_t end = from;

	if (xsk == NULL)
		return 0;
	while (end < n && frames->to[end].sll_ifindex == frames->to[from].sll_ifindex && xsk_put(xsk, frames->parts[end]))
		end++;
	xsk_send(xsk);
	for (size_t i = from; i < end; i++)
		frames->sent(frames->verdicts[i], 0, frames->arg);
	return end - from;
}

/* sendmmsg stops at the first frame that fails; its errno comes when it is the first of a call. */
void
frames_flush(struct frames *frames)
{
	size_t done = 0, n = frames->n;

	frames->n = 0;
	while (done < n) {
		size_t taken = flush_xsk(frames, done, n);
		if ((done += taken) == n)
			break;
		if (taken > 0)
			continue;
		int sent = sendmmsg(frames->fds->sender, frames->messages + done, (unsigned)(n - done), MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			frames->sent(frames->verdicts[done++], errno, frames->arg);
		for (; sent > 0; sent--)
			frames->sent(frames->verdicts[done++], 0, frames->arg);
	}
}
