#include "config.h"

#include "xsk.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "mem.h"

#define SLOTS 1024u /* of a ring, and frames of memory */
#define SLOT_SIZE 2048u
#define MEMORY (SLOTS * SLOT_SIZE)
#define TRIES_MAX 64 /* a call sends 32 frames */

/* A ring that we share with the kernel: one of us moves the producer, the other the consumer. */
struct shared_ring {
	_Atomic uint32_t *producer, *consumer;
	void *slots, *mapped;
	size_t mapped_len;
};

struct xsk {
	int fd;
	uint8_t *memory;
	struct shared_ring tx, done;
	uint64_t free_slots[SLOTS]; /* offsets in memory */
	uint32_t n_free;
};

static bool
set_option(int fd, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_XDP, option, value, len) == 0;
}

static bool
map_ring(struct shared_ring *ring, int fd, const struct xdp_ring_offset *at, size_t slot_size, off_t page)
{
	ring->mapped_len = at->desc + SLOTS * slot_size;
	ring->mapped = mmap(NULL, ring->mapped_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);
	if (ring->mapped == MAP_FAILED) {
		ring->mapped = NULL;
		return false;
	}
	ring->producer = (_Atomic uint32_t *)((uint8_t *)ring->mapped + at->producer);
	ring->consumer = (_Atomic uint32_t *)((uint8_t *)ring->mapped + at->consumer);
	ring->slots = (uint8_t *)ring->mapped + at->desc;
	return true;
}

/* The kernel wants a ring for received frames as well, though none will come. */
static bool
set_up(struct xsk *xsk, unsigned ifindex)
{
	const struct xdp_umem_reg memory = { .addr = (uintptr_t)xsk->memory, .len = MEMORY, .chunk_size = SLOT_SIZE };
	const struct sockaddr_xdp addr = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = ifindex };
	const int slots = SLOTS;
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);

	return set_option(xsk->fd, XDP_UMEM_REG, &memory, sizeof(memory)) &&
	       set_option(xsk->fd, XDP_UMEM_FILL_RING, &slots, sizeof(slots)) &&
	       set_option(xsk->fd, XDP_UMEM_COMPLETION_RING, &slots, sizeof(slots)) &&
	       set_option(xsk->fd, XDP_TX_RING, &slots, sizeof(slots)) &&
	       getsockopt(xsk->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) == 0 && len == sizeof(at) &&
	       map_ring(&xsk->tx, xsk->fd, &at.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING) &&
	       map_ring(&xsk->done, xsk->fd, &at.cr, sizeof(uint64_t), XDP_UMEM_PGOFF_COMPLETION_RING) &&
	       bind(xsk->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;
}

struct xsk *
xsk_new(int fd, unsigned ifindex)
{
	struct xsk *xsk = mem_zero(1, sizeof(*xsk));
	int saved;

	xsk->fd = fd;
	xsk->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (xsk->memory == MAP_FAILED)
		xsk->memory = NULL;
	for (; xsk->n_free < SLOTS; xsk->n_free++)
		xsk->free_slots[xsk->n_free] = (uint64_t)xsk->n_free * SLOT_SIZE;
	if (xsk->memory != NULL && set_up(xsk, ifindex))
		return xsk;
	saved = errno;
	xsk_free(xsk);
	errno = saved;
	return NULL;
}

static void
unmap_ring(const struct shared_ring *ring)
{
	if (ring->mapped != NULL)
		munmap(ring->mapped, ring->mapped_len);
}

void
xsk_free(struct xsk *xsk)
{
	if (xsk == NULL)
		return;
	unmap_ring(&xsk->tx);
	unmap_ring(&xsk->done);
	if (xsk->memory != NULL)
		munmap(xsk->memory, MEMORY);
	free(xsk);
}

/* The frames that the device is done with. */
static void
take_back(struct xsk *xsk)
{
	const uint64_t *slots = xsk->done.slots;
	uint32_t at = atomic_load_explicit(xsk->done.consumer, memory_order_relaxed);
	uint32_t end = atomic_load_explicit(xsk->done.producer, memory_order_acquire);

	for (; at != end; at++)
		xsk->free_slots[xsk->n_free++] = slots[at % SLOTS];
	atomic_store_explicit(xsk->done.consumer, at, memory_order_release);
}

bool
xsk_put(struct xsk *xsk, const struct iovec parts[2])
{
	uint32_t at = atomic_load_explicit(xsk->tx.producer, memory_order_relaxed);
	size_t len = parts[0].iov_len + parts[1].iov_len;
	uint64_t slot;

	if (xsk->n_free == 0)
		take_back(xsk);
	if (len > SLOT_SIZE || xsk->n_free == 0 ||
	    at - atomic_load_explicit(xsk->tx.consumer, memory_order_acquire) == SLOTS)
		return false;
	slot = xsk->free_slots[--xsk->n_free];
	memcpy(xsk->memory + slot, parts[0].iov_base, parts[0].iov_len);
	memcpy(xsk->memory + slot + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
	((struct xdp_desc *)xsk->tx.slots)[at % SLOTS] = (struct xdp_desc){ .addr = slot, .len = (uint32_t)len };
	atomic_store_explicit(xsk->tx.producer, at + 1, memory_order_release);
	return true;
}

/* What the device does not take now goes with the next batch. */
void
xsk_send(struct xsk *xsk)
{
	uint32_t end = atomic_load_explicit(xsk->tx.producer, memory_order_relaxed);

	for (int i = 0; i < TRIES_MAX && atomic_load_explicit(xsk->tx.consumer, memory_order_acquire) != end; i++) {
		if (sendto(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY && errno != EINTR)
			return;
	}
	take_back(xsk);
}
