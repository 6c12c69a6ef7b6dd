#include "config.h"

#include "fast_device.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The link address; false with errno set, EAFNOSUPPORT when it is no Ethernet address. */
static bool
read_mac(const char *name, uint8_t mac[6])
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	err = fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (err == 0 && request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		err = EAFNOSUPPORT;
	if (err == 0)
		memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	errno = err;
	return err == 0;
}

bool
fast_device_find(struct fast_device *d, const char *name, unsigned roles, char *why, size_t size)
{
	*d = (struct fast_device) { .ifindex = if_nametoindex(name), .roles = roles };
	snprintf(d->name, sizeof(d->name), "%s", name);
	if (d->ifindex != 0 && read_mac(name, d->mac)) {
		d->mode = attach_find(d->ifindex, &d->shared);
		return true;
	}
	if (errno == EAFNOSUPPORT)
		snprintf(why, size, "%s is no Ethernet device", name);
	else
		snprintf(why, size, "%s: %s", name, strerror(errno));
	return false;
}

static enum xdp_program
program_for(unsigned roles)
{
	if (roles == (XDP_DEVICE_PUBLIC | XDP_DEVICE_PRIVATE))
		return XDP_PROGRAM_BOTH;
	return roles == XDP_DEVICE_PUBLIC ? XDP_PROGRAM_INBOUND : XDP_PROGRAM_OUTBOUND;
}

bool
fast_device_attach(struct fast_device *d, const struct xdp_tables *tables, enum attach_mode mode, int *err)
{
	struct xdp_object *object = xdp_object_open(&tables->sizes, tables->fd);

	*err = object == NULL ? EINVAL :
	       attach_program(xdp_object_bpf(object), xdp_program_names[program_for(d->roles)], d->ifindex, mode);
	xdp_object_free(object);
	d->mode = attach_find(d->ifindex, &d->shared);
	d->program = attach_number(d->ifindex);
	return *err == 0;
}

bool
fast_device_tell(struct fast_device *d, struct xdp_tables *tables, bool way_out)
{
	return xdp_tables_device(tables, d->ifindex, d->mac, d->roles, way_out ? d->number : 0);
}

bool
fast_device_moved(struct fast_device *d)
{
	uint8_t mac[6];

	if (!read_mac(d->name, mac) || memcmp(mac, d->mac, sizeof(mac)) == 0)
		return false;
	memcpy(d->mac, mac, sizeof(mac));
	return true;
}

bool
fast_device_holds(struct fast_device *d)
{
	unsigned program = attach_number(d->ifindex);

	if (program == d->program)
		return true;
	d->program = program;
	return attach_find(d->ifindex, &d->shared) != ATTACH_NONE;
}
