/* Frames in by a ring of slots that the kernel fills (packet_mmap of the kernel's documentation): no call a packet, and
 * no copy on our side. */
#ifndef RSIPD_RING_H
#define RSIPD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pktio.h"
#include "relay.h"

#define RING_SLOT_HEADER 128 /* of a slot, in front of the frame: more than the kernel's header takes */

struct ring;

/* Gives the socket its ring, empty, in place of one that nobody has mapped any more. False with errno set. */
bool ring_make(const struct relay_ring *of);

/* Reads on where an earlier process stopped; ends the program when the ring cannot be mapped. */
struct ring *ring_new(const struct relay_ring *of);
void ring_free(struct ring *ring); /* accepts NULL */

/* The IP packets that wait, PKTIO_BATCH at most, and the slots of the batch before go back to the kernel. Returns how
 * many; 0 when there are none now. */
size_t ring_read(struct ring *ring, struct pktio_packet batch[PKTIO_BATCH]);

/* Gives the slots of the last batch back: its bytes are gone. */
void ring_release(struct ring *ring);

#endif
