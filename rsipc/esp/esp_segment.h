/* Packets as a TUN device with offloads hands them over (struct virtio_net_hdr): TCP in super-packets, checksums left
 * out. The device saves a system call a packet by it; what goes into the tunnel are packets as on any wire. */
#ifndef RSIPC_ESP_SEGMENT_H
#define RSIPC_ESP_SEGMENT_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_tcp.h"

struct segmenter {
	const uint8_t *bytes; /* borrowed */
	struct tcp_packet tcp;
	size_t mss;  /* 0: a packet that is whole */
	size_t done; /* bytes of payload that are in segments already */
	unsigned index;
};

/* Begins with a packet that was read. Completes its checksum, or gets ready to take it apart. False when the header
 * says what the packet does not hold. */
bool segmenter_begin(struct segmenter *s, const struct virtio_net_hdr *header, uint8_t *bytes, size_t len);

/* The length of the next packet; 0 behind the last. */
size_t segmenter_peek(const struct segmenter *s);

/* Writes the next packet, of segmenter_peek bytes. */
void segmenter_next(struct segmenter *s, uint8_t *out);

#endif
