/* The tunnels' TUN device: one for all of them, with TCP segmentation offload both ways. */
#ifndef RSIPC_ESP_DEVICE_H
#define RSIPC_ESP_DEVICE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ESP_DEVICE_HEAD 10 /* what a write needs in front of the packet: sizeof(struct virtio_net_hdr) */

/* Makes the device; it goes when the descriptor, non-blocking, is closed. -1 with errno. */
int esp_device_open(const char *name);

/* One packet, or super-packet, of at most `size` bytes. Its length, 0 for one to be passed over; -1 when there is none
 * now or the device is gone. */
ssize_t esp_device_read(int fd, struct virtio_net_hdr *header, uint8_t *bytes, size_t size);

/* The ESP_DEVICE_HEAD bytes in front of the packet are overwritten. header NULL: a packet that is whole. */
bool esp_device_write(int fd, const struct virtio_net_hdr *header, uint8_t *bytes, size_t len);

#endif
