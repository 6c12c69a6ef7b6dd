/* TCP segments that came out of the tunnel one behind the other, joined to a super-packet: the device takes it with one
 * system call, and the stack above handles it as one packet. The same segments go on if they have to be taken apart
 * again: only what agrees in every field of its headers is joined, and only with a right checksum. */
#ifndef RSIPC_ESP_MERGE_H
#define RSIPC_ESP_MERGE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_tcp.h"

#define MERGE_HEAD 16 /* in front of the packet, for the device's header */

struct merger {
	uint8_t room[MERGE_HEAD + 65536];
	struct tcp_packet tcp; /* of what is there; len 0 = nothing */
	size_t mss;
	unsigned segments;
	bool closed; /* nothing fits behind it any more */
};

/* Takes the packet over, if it is TCP and fits behind what is there, or nothing is there. False: flush first, or it is
 * none to be joined. */
bool merger_take(struct merger *m, const uint8_t *bytes, size_t len);

/* Completes what is there: *packet has MERGE_HEAD bytes of room in front. Its length; 0 when nothing is there. Empty
 * afterwards. */
size_t merger_finish(struct merger *m, uint8_t **packet, struct virtio_net_hdr *header);

#endif
