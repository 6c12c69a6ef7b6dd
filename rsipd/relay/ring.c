#include "ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "log.h"
#include "mem.h"

#define BLOCK 65536u /* the kernel gets the memory in such pieces */

struct ring {
	struct relay_ring of;
	uint8_t *slots;
	bool started;  /* next is known */
	uint32_t next; /* the slot that the kernel fills, or has filled, next */
	uint32_t held; /* that many before next are ours */
};

static size_t
ring_size(const struct relay_ring *of)
{
	return (size_t)of->slots * of->slot_size;
}

bool
ring_make(const struct relay_ring *of)
{
	const struct tpacket_req none = { 0 };
	const uint32_t block = of->slot_size > BLOCK ? of->slot_size : BLOCK;
	const struct tpacket_req request = {
		.tp_block_size = block, .tp_block_nr = (unsigned)(ring_size(of) / block), .tp_frame_size = of->slot_size,
		.tp_frame_nr = of->slots,
	};

	return setsockopt(of->fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)) == 0 &&
	       setsockopt(of->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) == 0;
}

static struct tpacket2_hdr *
slot(const struct ring *ring, uint32_t index)
{
	return (struct tpacket2_hdr *)(ring->slots + (size_t)(index % ring->of.slots) * ring->of.slot_size);
}

static bool
is_filled(const struct ring *ring, uint32_t index)
{
	uint32_t status = atomic_load_explicit((_Atomic uint32_t *)&slot(ring, index)->tp_status, memory_order_acquire);

	return (status & TP_STATUS_USER) != 0;
}

static void
map(struct ring *ring)
{
	void *slots = mmap(NULL, ring_size(&ring->of), PROT_READ | PROT_WRITE, MAP_SHARED, ring->of.fd, 0);

	if (slots == MAP_FAILED)
		log_fatal("relay", "cannot map the packet ring ifindex=%u error=\"%s\"", ring->of.ifindex, strerror(errno));
	ring->slots = slots;
}

/* All slots are filled, so nobody can tell which of them is the oldest: the ring begins anew. */
static void
begin_anew(struct ring *ring)
{
	munmap(ring->slots, ring_size(&ring->of));
	if (!ring_make(&ring->of))
		log_fatal("relay", "cannot make the packet ring anew ifindex=%u error=\"%s\"", ring->of.ifindex, strerror(errno));
	map(ring);
}

/* The kernel goes on at a slot that only a former reader knew. Frames that wait begin there: at the first that is
 * filled, behind one that is not; the later slot is looked at first, as the kernel fills them in order. With none
 * filled the next frame will tell. A new ring would lose what comes while the kernel exchanges it, some hundredths of
 * a second, so only a full one is given up. */
static bool
find_start(struct ring *ring)
{
	uint32_t filled = 0;

	for (uint32_t i = 0; i < ring->of.slots; i++) {
		if (!is_filled(ring, i + 1))
			continue;
		if (!is_filled(ring, i)) {
			ring->next = (i + 1) % ring->of.slots;
			return true;
		}
		filled++;
	}
	if (filled == ring->of.slots)
		begin_anew(ring);
	return false;
}

struct ring *
ring_new(const struct relay_ring *of)
{
	struct ring *ring = mem_zero(1, sizeof(*ring));

	ring->of = *of;
	map(ring);
	return ring;
}

void
ring_free(struct ring *ring)
{
	if (ring == NULL)
		return;
	munmap(ring->slots, ring_size(&ring->of));
	free(ring);
}

void
ring_release(struct ring *ring)
{
	for (; ring->held > 0; ring->held--) {
		struct tpacket2_hdr *header = slot(ring, ring->next + ring->of.slots - ring->held);
		atomic_store_explicit((_Atomic uint32_t *)&header->tp_status, TP_STATUS_KERNEL, memory_order_release);
	}
}

size_t
ring_read(struct ring *ring, struct pktio_packet batch[PKTIO_BATCH])
{
	size_t n = 0;

	ring_release(ring);
	ring->started = ring->started || find_start(ring);
	for (; ring->started && n < PKTIO_BATCH && is_filled(ring, ring->next); n++) {
		const struct tpacket2_hdr *header = slot(ring, ring->next);

		__builtin_prefetch(slot(ring, ring->next + 1));
		batch[n] = (struct pktio_packet){
			.bytes = (uint8_t *)header + header->tp_net, .len = header->tp_snaplen - ETH_HLEN, .ifindex = ring->of.ifindex,
			.unsummed = (header->tp_status & TP_STATUS_CSUMNOTREADY) != 0,
		};
		ring->next = (ring->next + 1) % ring->of.slots;
		ring->held++;
	}
	return n;
}
