/* The UDP half of transport.h. Datagrams come and go in batches: a system call for each would cost a busy gateway more
 * than all that it does with them. */
#include "config.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "rsip_proto.h"
#include "sockaddr.h"
#include "transport.h"

#define BATCH 32
#define DATAGRAMS_A_TURN 256 /* so that a flood does not keep TCP hosts waiting, */
#define TURN_MS 10           /* nor the answers to all, on a slow machine */
#define QUEUED_MAX 512       /* longer ones are sent at once */

/* Where more comes than is taken, what was left by the last turn and has waited so long is left unread: its sender has sent it
 * again, or given up. Without this a long queue, which is there for short floods, would make every answer late in a long one. */
#define STALE_NS (30 * 1000000LL)
#define STALE_A_TURN 8192

struct datagrams {
	int fd;
	struct loop_event *readable;
	datagrams_cb *cb;
	void *arg;
	bool behind;    /* the last turn left datagrams for the next */
	int64_t looked; /* when that was, CLOCK_REALTIME in nanoseconds */
	uint32_t stale; /* left unread */
	bool *gone;     /* in the callback: set when it frees us */
	unsigned n_queued;
	struct sockaddr_in peers[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	uint8_t bytes[BATCH][QUEUED_MAX];
};

/* What has come, at most BATCH. Shared by all sockets, for it is empty again when the call returns. What is longer than
 * a buffer is no RSIP message, and its end is not looked at. Buffers at distances of 64 KiB would share the few lines of the
 * cache that such addresses may use, and throw each other out. */
static struct {
	uint8_t bytes[BATCH][RSIP_MESSAGE_MAX + 1 + 256];
	struct sockaddr_in peers[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	union {
		uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control[BATCH];
} in;

static int64_t
real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* When it came, by the same clock; now, if the kernel does not say. */
static int64_t
came(struct msghdr *msg, int64_t now)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct timespec ts;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return now;
	memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int
receive_batch(int fd)
{
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		in.iov[i] = (struct iovec){ in.bytes[i], RSIP_MESSAGE_MAX };
		in.messages[i].msg_hdr = (struct msghdr){ .msg_name = &in.peers[i], .msg_namelen = sizeof(in.peers[i]),
		                                          .msg_iov = &in.iov[i], .msg_iovlen = 1,
		                                          .msg_control = &in.control[i], .msg_controllen = sizeof(in.control[i]) };
	}
	do /* ECONNREFUSED: an ICMP error about an earlier datagram, as good as its loss */
		n = recvmmsg(fd, in.messages, BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && (errno == ECONNREFUSED || errno == EINTR));
	return n;
}

static void
hand_over(struct datagrams *d, unsigned i)
{
	const struct sockaddr_in *peer = &in.peers[i];

	if (in.messages[i].msg_hdr.msg_namelen == sizeof(*peer) && peer->sin_family == AF_INET && peer->sin_port != 0)
		d->cb(d->arg, ntohl(peer->sin_addr.s_addr), ntohs(peer->sin_port), in.bytes[i], in.messages[i].msg_len);
}

/* Returns how many of the batch were stale. What comes after the datagram that had us freed is nobody's. */
static int
take_batch(struct datagrams *d, int n, const bool *gone)
{
	int64_t now = d->behind ? real_now() : 0;
	int stale = 0;

	for (int i = 0; i < n && !*gone; i++) {
		int64_t at = d->behind ? came(&in.messages[i].msg_hdr, now) : 0;

		if (d->behind && at < d->looked && now - at > STALE_NS)
			stale++;
		else
			hand_over(d, (unsigned)i);
	}
	return stale;
}

static void
on_readable(int fd, void *arg)
{
	struct datagrams *d = arg;
	int64_t end = clock_now() + TURN_MS;
	int n = BATCH, stale = 0;
	bool gone = false;

	d->gone = &gone;
	for (int taken = 0; n == BATCH && taken < DATAGRAMS_A_TURN && stale < STALE_A_TURN && clock_now() <= end;) {
		int of_batch = (n = receive_batch(fd)) > 0 ? take_batch(d, n, &gone) : 0;

		if (gone)
			return;
		stale += of_batch;
		taken += n - of_batch;
	}
	d->gone = NULL;
	d->behind = n == BATCH;
	if (d->behind)
		d->looked = real_now();
	d->stale += (uint32_t)stale;
}

struct datagrams *
datagrams_new(struct loop *loop, int fd, datagrams_cb *cb, void *arg)
{
	struct datagrams *d = mem_zero(1, sizeof(*d));

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){ 1 }, sizeof(int));
	d->fd = fd;
	d->cb = cb;
	d->arg = arg;
	d->readable = loop_readable(loop, fd, on_readable, d);
	for (unsigned i = 0; i < BATCH; i++) {
		d->iov[i].iov_base = d->bytes[i];
		d->messages[i].msg_hdr = (struct msghdr){ .msg_name = &d->peers[i], .msg_namelen = sizeof(d->peers[i]),
		                                          .msg_iov = &d->iov[i], .msg_iovlen = 1 };
	}
	return d;
}

void
datagrams_send(struct datagrams *d, ip4_t peer_addr, uint16_t peer_port, const void *bytes, size_t len)
{
	struct sockaddr_in peer = sockaddr_of(peer_addr, peer_port);

	datagrams_flush(d);
	while (sendto(d->fd, bytes, len, MSG_NOSIGNAL, (struct sockaddr *)&peer, sizeof(peer)) < 0 && errno == EINTR)
		;
}

void
datagrams_queue(struct datagrams *d, ip4_t peer_addr, uint16_t peer_port, const void *bytes, size_t len)
{
	unsigned i = d->n_queued;

	if (len > QUEUED_MAX) {
		datagrams_send(d, peer_addr, peer_port, bytes, len);
		return;
	}
	d->peers[i] = sockaddr_of(peer_addr, peer_port);
	memcpy(d->bytes[i], bytes, len);
	d->iov[i].iov_len = len;
	if (++d->n_queued == BATCH)
		datagrams_flush(d);
}

/* One that the socket does not take is lost, as any may be; those behind it are tried. */
void
datagrams_flush(struct datagrams *d)
{
	unsigned done = 0;

	while (done < d->n_queued) {
		int n = sendmmsg(d->fd, d->messages + done, d->n_queued - done, MSG_NOSIGNAL);
		if (n > 0)
			done += (unsigned)n;
		else if (errno != EINTR)
			done++;
	}
	d->n_queued = 0;
}

uint32_t
datagrams_overflowed(const struct datagrams *d)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	return d->stale + (getsockopt(d->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 ? info[SK_MEMINFO_DROPS] : 0);
}

void
datagrams_free(struct datagrams *d)
{
	if (d == NULL)
		return;
	if (d->gone != NULL)
		*d->gone = true;
	loop_event_free(d->readable);
	close(d->fd);
	free(d);
}

int
datagrams_connect_socket(ip4_t local_addr, uint16_t local_port, ip4_t addr, uint16_t port)
{
	struct sockaddr_in local = sockaddr_of(local_addr, local_port), peer = sockaddr_of(addr, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0 ||
	                connect(fd, (struct sockaddr *)&peer, sizeof(peer)) != 0)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}
