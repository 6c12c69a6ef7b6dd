/* The TUN device with the user-space relay: tunnel.h. */
#include <errno.h>

#include "tun_device.h"
#include "tun_relay.h"
#include "tunnel_impl.h"

static int
tun_open(struct tunnel *t)
{
	struct tun_relay *relay = tunnel_relay(t);
	int fd;

	if (relay == NULL)
		return EIO;
	fd = tun_device_open(t->plan.device);
	if (fd < 0)
		return errno;
	tun_relay_attach_host(relay, fd);
	return 0;
}

/* All of it is the relay's. */
static int
tun_move(struct tunnel *t)
{
	(void)t;
	return 0;
}

/* The device goes with its descriptor, which goes with the relay. */
static void
tun_close(struct tunnel *t)
{
	(void)t;
}

const struct tunnel_ops tunnel_tun = { .name = "tun", .open = tun_open, .move = tun_move, .close = tun_close };
