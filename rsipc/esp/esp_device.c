#include "esp_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct virtio_net_hdr) == ESP_DEVICE_HEAD, "the kernel's header in front of packets");

int
esp_device_open(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), saved;

	if (fd < 0)
		return -1;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	/* Without TUN_F_TSO_ECN: packets with CWR come one by one. */
	if (ioctl(fd, TUNSETIFF, &req) == 0 && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

ssize_t
esp_device_read(int fd, struct virtio_net_hdr *header, uint8_t *bytes, size_t size)
{
	struct iovec parts[] = { { header, sizeof(*header) }, { bytes, size } };
	ssize_t n = readv(fd, parts, 2);

	if (n < 0)
		return -1;
	return n > (ssize_t)sizeof(*header) ? n - (ssize_t)sizeof(*header) : 0;
}

bool
esp_device_write(int fd, const struct virtio_net_hdr *header, uint8_t *bytes, size_t len)
{
	static const struct virtio_net_hdr whole;
	uint8_t *start = bytes - sizeof(whole);

	memcpy(start, header != NULL ? header : &whole, sizeof(whole));
	return write(fd, start, sizeof(whole) + len) == (ssize_t)(sizeof(whole) + len);
}
