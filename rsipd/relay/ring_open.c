#include "config.h"

#include "ring_open.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"
#include "ring.h"

#define SLOTS 4096                      /* some milliseconds at a million packets a second */
#define SEND_BUFFER (4 * 1024 * 1024)

uint32_t
ring_frame_max(unsigned mtu)
{
	return (mtu > PACKET_MAX ? PACKET_MAX : mtu) + ETH_HLEN;
}

static uint32_t
slot_size(unsigned mtu)
{
	uint32_t size = 2048;

	while (size < ring_frame_max(mtu) + RING_SLOT_HEADER)
		size *= 2;
	return size;
}

static bool
set_int(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) == 0;
}

bool
ring_refilter(const struct relay_ring *ring, const struct ring_filter *filter)
{
	struct sock_fprog program = { .len = filter->len, .filter = (struct sock_filter *)filter->code };

	return setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

/* All protocols: only such sockets see a frame before the ingress hook does, which drops it. */
static bool
listen_on(int fd, unsigned ifindex)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)ifindex };

	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
}

/* Version 2, a slot a frame, each told at once: version 3 holds frames back until a block is full or its time over. */
static const char *
set_up(const struct relay_ring *ring, const struct ring_filter *filter)
{
	if (!set_int(ring->fd, PACKET_IGNORE_OUTGOING, 1) || !set_int(ring->fd, PACKET_VERSION, TPACKET_V2))
		return "set up a packet socket";
	if (!ring_refilter(ring, filter))
		return "filter a packet socket";
	if (!ring_make(ring))
		return "make a packet ring";
	return listen_on(ring->fd, ring->ifindex) ? NULL : "bind a packet socket";
}

bool
ring_open(struct relay_ring *ring, unsigned ifindex, unsigned mtu, const struct ring_filter *filter, const char **what)
{
	int saved;

	*ring = (struct relay_ring){ .ifindex = ifindex, .slots = SLOTS, .slot_size = slot_size(mtu), .xsk = -1 };
	ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	*what = ring->fd < 0 ? "open a packet socket" : set_up(ring, filter);
	if (*what == NULL)
		return true;
	saved = errno;
	if (ring->fd >= 0)
		close(ring->fd);
	ring->fd = -1;
	errno = saved;
	return false;
}

/* The memory that such a socket shares with the kernel counts as locked. */
static void
allow_locked_memory(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &none);
}

void
ring_open_xsk(struct relay_fds *fds)
{
	allow_locked_memory();
	for (size_t i = 0; i < fds->n_rings; i++)
		fds->rings[i].xsk = socket(AF_XDP, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void
ring_close_xsk(struct relay_fds *fds)
{
	for (size_t i = 0; i < fds->n_rings; i++) {
		if (fds->rings[i].xsk >= 0)
			close(fds->rings[i].xsk);
		fds->rings[i].xsk = -1;
	}
}

int
ring_open_sender(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = SEND_BUFFER;

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}
