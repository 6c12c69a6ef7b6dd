#include "config.h"

#include "device_watch.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "workers.h"

#define SETTLE_MS 300 /* a device that comes back is brought up and given its addresses one by one */

struct device_watch {
	const struct workers_env *env;
	struct relay_net first; /* the devices that all was made for */
	struct netlink_watch *netlink;
	bool gone; /* one is, and that has been told */
	bool done;
	const struct device_events *events;
};

/* ---- what there is ---- */

static bool
is_up(const struct ifaddrs *all, const char *device)
{
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		if (strcmp(at->ifa_name, device) == 0)
			return at->ifa_flags & IFF_UP;
	}
	return false;
}

static bool
has_address(const struct ifaddrs *all, ip4_t addr)
{
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		struct sockaddr_in in;

		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET || !(at->ifa_flags & IFF_UP))
			continue;
		memcpy(&in, at->ifa_addr, sizeof(in));
		if (in.sin_addr.s_addr == htonl(addr))
			return true;
	}
	return false;
}

/* Without these a start fails, or makes do with less than there will be. */
static bool
is_ready(const struct conf *conf)
{
	struct ifaddrs *all;
	bool ready;

	if (getifaddrs(&all) != 0) {
		log_warn("monitor", "the devices cannot be listed error=\"%s\"", strerror(errno));
		return false;
	}
	ready = is_up(all, conf->public_interface);
	for (size_t i = 0; i < conf->n_private_interfaces; i++)
		ready = ready && is_up(all, conf->private_interfaces[i]);
	for (size_t i = 0; i < conf->n_listen; i++)
		ready = ready && has_address(all, conf->listen[i]);
	freeifaddrs(all);
	return ready;
}

/* ---- what has changed ---- */

struct change { const char *gone, *other; }; /* names of devices, or NULL */

static void
compare(const char *device, unsigned first, struct change *change)
{
	unsigned now = if_nametoindex(device);

	if (now == 0)
		change->gone = device;
	else if (now != first)
		change->other = device;
}

static struct change
changes(const struct device_watch *watch)
{
	const struct conf *conf = watch->env->conf;
	struct change change = { NULL, NULL };

	compare(conf->public_interface, watch->first.public_ifindex, &change);
	for (size_t i = 0; i < watch->first.n_private; i++)
		compare(conf->private_interfaces[i], watch->first.private_ifindex[i], &change);
	return change;
}

static void
changed_cb(void *arg)
{
	struct device_watch *watch = arg;
	struct change change = changes(watch);

	if (watch->done)
		return;
	if (change.gone != NULL && !watch->gone)
		log_warn("monitor", "a device is gone, its packets are lost until it is back device=%s", change.gone);
	watch->gone = change.gone != NULL;
	if (change.gone == NULL && change.other == NULL)
		watch->events->settled(watch->events->arg);
	if (change.gone != NULL || change.other == NULL || !is_ready(watch->env->conf))
		return;
	log_warn("monitor", "a device has come back, beginning anew with it device=%s", change.other);
	watch->done = true;
	watch->events->others(watch->events->arg);
}

/* ---- life ---- */

struct device_watch *
device_watch_new(const struct workers_env *env, const struct device_events *events)
{
	struct device_watch *watch = mem_zero(1, sizeof(*watch));

	watch->env = env;
	watch->first = env->place.net;
	watch->events = events;
	watch->netlink = netlink_watch(env->loop, SETTLE_MS, changed_cb, watch);
	if (watch->netlink != NULL)
		return watch;
	free(watch);
	return NULL;
}

void
device_watch_free(struct device_watch *watch)
{
	if (watch == NULL)
		return;
	netlink_unwatch(watch->netlink);
	free(watch);
}
