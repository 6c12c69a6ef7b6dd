/* The UDP half of transport.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "mem.h"
#include "rsip_proto.h"
#include "sockaddr.h"
#include "transport.h"

#define DATAGRAMS_A_TURN 64 /* so that a flood does not keep TCP hosts waiting */

struct datagrams {
	int fd;
	struct loop_event *readable;
	datagrams_cb *cb;
	void *arg;
};

static void
on_readable(int fd, void *arg)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX]; /* what is longer is no RSIP message, and its end is not looked at */
	struct datagrams *d = arg;
	struct sockaddr_in peer;

	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		socklen_t peer_len = sizeof(peer);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &peer_len);
		if (n < 0 && errno == ECONNREFUSED) /* an ICMP error about an earlier datagram: as good as its loss */
			continue;
		if (n < 0)
			return;
		if (peer_len == sizeof(peer) && peer.sin_family == AF_INET && peer.sin_port != 0)
			d->cb(d->arg, ntohl(peer.sin_addr.s_addr), ntohs(peer.sin_port), bytes, (size_t)n);
	}
}

struct datagrams *
datagrams_new(struct loop *loop, int fd, datagrams_cb *cb, void *arg)
{
	struct datagrams *d = mem_zero(1, sizeof(*d));

	d->fd = fd;
	d->cb = cb;
	d->arg = arg;
	d->readable = loop_readable(loop, fd, on_readable, d);
	return d;
}

void
datagrams_send(struct datagrams *d, ip4_t peer_addr, uint16_t peer_port, const void *bytes, size_t len)
{
	struct sockaddr_in peer = sockaddr_of(peer_addr, peer_port);

	while (sendto(d->fd, bytes, len, MSG_NOSIGNAL, (struct sockaddr *)&peer, sizeof(peer)) < 0 && errno == EINTR)
		;
}

void
datagrams_free(struct datagrams *d)
{
	if (d == NULL)
		return;
	loop_event_free(d->readable);
	close(d->fd);
	free(d);
}

int
datagrams_connect_socket(ip4_t local_addr, ip4_t addr, uint16_t port)
{
	struct sockaddr_in local = sockaddr_of(local_addr, 0), peer = sockaddr_of(addr, port);
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
