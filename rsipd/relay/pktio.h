/* Packets in and out of the relay's descriptors, in batches where the kernel has them. */
#ifndef RSIPD_PKTIO_H
#define RSIPD_PKTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay.h"
#include "verdict.h"

#define PKTIO_BATCH 64

struct pktio;

/* One packet of a batch. Its bytes are valid until the next read of a batch. */
struct pktio_packet {
	uint8_t *bytes;
	size_t len;
	unsigned ifindex; /* of tunnel packets: where it came in */
	bool unsummed;    /* unsummed.h */
};

/* Called for each queued verdict once it was sent (error 0) or could not be (errno). */
typedef void pktio_sent_cb(struct verdict *v, int error, void *arg);

struct pktio *pktio_new(const struct relay_fds *fds, pktio_sent_cb *sent, void *arg); /* fds must outlive it */
void pktio_free(struct pktio *io);

/* Read what is there, PKTIO_BATCH packets at most. Return how many; 0 when there are none now. */
size_t pktio_read_public(struct pktio *io, struct pktio_packet batch[PKTIO_BATCH]);
size_t pktio_read_tunnel(struct pktio *io, int fd, struct pktio_packet batch[PKTIO_BATCH]);

/* Gives a packet to the kernel by the TUN. False when it did not take it. */
bool pktio_write_public(struct pktio *io, const uint8_t *bytes, size_t len);

/* Queues v, a VERDICT_HOST, which must stay until pktio_flush has handed it to the callback. Up to PKTIO_BATCH. */
void pktio_queue(struct pktio *io, struct verdict *v);
void pktio_flush(struct pktio *io);

#endif
