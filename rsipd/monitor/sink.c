#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "netlink.h"
#include "sysctl.h"
#include "undo.h"

#define SINK_MTU 1480
#define SINK_QUEUE_LEN 1 /* nothing is ever sent */

static bool
set(const char *device, const char *family, const char *name, const char *value)
{
	char key[128];

	snprintf(key, sizeof(key), "net/%s/conf/%s/%s", family, device, name);
	return sysctl_write(key, value);
}

/* A strict reverse path check drops whatever comes out: no route leads to the device, so no source is right. It must
 * stand before the device is up. */
static bool
close_sink(const char *device)
{
	return set(device, "ipv4", "rp_filter", "1") && set(device, "ipv4", "forwarding", "0") &&
	       (set(device, "ipv6", "disable_ipv6", "1") || errno == ENOENT); /* not every kernel has IPv6 */
}

static void
make_one(struct undo *undo, struct netlink *nl, const char *device, const char *kind, ip4_t gateway_addr)
{
	int err = undo_tunnel(undo, device, kind, gateway_addr);

	if (err == 0 && !close_sink(device))
		err = errno;
	else if (err == 0)
		err = netlink_link_up(nl, device, SINK_MTU, SINK_QUEUE_LEN);
	if (err == EOPNOTSUPP)
		log_debug("netstate", "no tunnel driver to keep quiet kind=%s", kind);
	else if (err != 0)
		log_warn("netstate", "the kernel's tunnel driver may answer tunnel packets with ICMP errors kind=%s device=%s "
		         "error=\"%s\"", kind, device, strerror(err));
}

void
sink_make(struct undo *undo, struct netlink *nl, ip4_t gateway_addr)
{
	make_one(undo, nl, "rsipd-ipip", "ipip", gateway_addr);
	make_one(undo, nl, "rsipd-gre", "gre", gateway_addr);
}
