#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "netlink.h"
#include "pktio_open.h"
#include "sysctl.h"
#include "undo.h"

#define CONF "net/ipv4/conf/"
#define TUN PKTIO_TUN_NAME

static bool
set_on(struct undo *undo, const char *device, const char *name, const char *value)
{
	char key[128];

	snprintf(key, sizeof(key), CONF "%s/%s", device, name);
	return undo_sysctl(undo, key, value);
}

static bool
forward(struct undo *undo, const struct conf *conf)
{
	return undo_sysctl(undo, "net/ipv4/ip_forward", "1") && set_on(undo, conf->public_interface, "forwarding", "1") &&
	       set_on(undo, TUN, "forwarding", "1");
}

/* Moving a device's own reverse path check up to what "all" asked of it. */
struct strictness { struct undo *undo; char all[SYSCTL_VALUE_MAX]; };

static void
keep_strictness(const char *device, void *arg)
{
	const struct strictness *s = arg;
	char key[128], own[SYSCTL_VALUE_MAX];

	if (strcmp(device, "all") == 0 || strcmp(device, TUN) == 0)
		return;
	snprintf(key, sizeof(key), CONF "%s/rp_filter", device);
	if (sysctl_read(key, own) && atoi(own) < atoi(s->all))
		undo_sysctl(s->undo, key, s->all);
}

/* What the relay writes into the TUN comes from addresses that are routed elsewhere (of peers, handed back in
 * own-address mode) or are local (its ICMP). A device without an address of its own passes such packets only when its
 * check is off, and the kernel takes the stricter of "all" and the device: so "all" goes to 0, while every other
 * device, and "default" for those to come, keeps what was in force for it. */
static bool
loosen_tun(struct undo *undo)
{
	struct strictness s = { .undo = undo };

	if (sysctl_read(CONF "all/rp_filter", s.all) && strcmp(s.all, "0") != 0)
		sysctl_each(CONF, keep_strictness, &s);
	return set_on(undo, "all", "rp_filter", "0") && set_on(undo, TUN, "rp_filter", "0") &&
	       set_on(undo, TUN, "accept_local", "1");
}

/* Packets between two hosts enter and leave by the TUN: no reason to tell anybody of a better way. A device redirects
 * when either it or "all" says so; the other devices keep their own word. */
static bool
no_redirects(struct undo *undo)
{
	return set_on(undo, "all", "send_redirects", "0") && set_on(undo, TUN, "send_redirects", "0");
}

/* IPv6 would greet the relay with its router solicitations. Kernels without IPv6 have no such setting. */
static void
no_ipv6(struct undo *undo)
{
	static const char key[] = "net/ipv6/conf/" TUN "/disable_ipv6";
	char value[SYSCTL_VALUE_MAX];

	if (sysctl_read(key, value))
		undo_sysctl(undo, key, "1");
}

/* The kernel answers ARP for others after a random delay of up to proxy_delay (0.8 s), as several may; here nobody else
 * will. */
static bool
answer_at_once(struct undo *undo, const struct conf *conf)
{
	char key[128];

	snprintf(key, sizeof(key), "net/ipv4/neigh/%s/proxy_delay", conf->public_interface);
	return undo_sysctl(undo, key, "0");
}

/* Generic receive offload merges tunnel packets that carry TCP into one of up to 64 KiB, and a raw socket gets it as
 * such: the inner packets would leave merged, too big for any link. */
static void
no_merging(const char *device, void *arg)
{
	static const char *const features[] = { "rx-gro", "rx-gro-hw", "rx-lro" };

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		undo_feature_off(arg, device, features[i]);
}

void
settings_no_merging(struct undo *undo, struct netlink *nl, const char *device)
{
	netlink_below(nl, device, no_merging, undo);
}

/* A driver that takes VLAN tags out of frames keeps them where XDP programs do not see them: frames of a VLAN would look
 * like the device's own. */
static void
no_hidden_tags(struct undo *undo, const struct conf *conf)
{
	static const char *const features[] = { "rx-vlan-hw-parse", "rx-vlan-stag-hw-parse" };

	for (size_t i = 0; conf->data_plane != CONF_DP_RELAY && i < sizeof(features) / sizeof(features[0]); i++) {
		undo_feature_off(undo, conf->public_interface, features[i]);
		for (size_t j = 0; j < conf->n_private_interfaces; j++)
			undo_feature_off(undo, conf->private_interfaces[j], features[i]);
	}
}

bool
settings_apply(struct undo *undo, struct netlink *nl, const struct conf *conf)
{
	if (!forward(undo, conf) || !loosen_tun(undo) || !no_redirects(undo) || !answer_at_once(undo, conf))
		return false;
	no_ipv6(undo);
	no_hidden_tags(undo, conf);
	for (size_t i = 0; i < conf->n_private_interfaces; i++)
		settings_no_merging(undo, nl, conf->private_interfaces[i]);
	return true;
}

/* Connections of the gateway's own must not pick ports that hosts lease: replies would go to the host. */
static void
reserve_ports(struct undo *undo, struct port_range ports)
{
	static const char key[] = "net/ipv4/ip_local_reserved_ports";
	char local[SYSCTL_VALUE_MAX], reserved[SYSCTL_VALUE_MAX], value[SYSCTL_VALUE_MAX + 16];
	unsigned first, last;

	if (!sysctl_read("net/ipv4/ip_local_port_range", local) || sscanf(local, "%u %u", &first, &last) != 2)
		return;
	if (ports.first <= first && ports.last >= last) {
		log_warn("netstate", "own-address mode: the pool takes every port that the gateway picks for connections of its "
		         "own; narrow the pool's ports or widen the other pool=%u-%u ip_local_port_range=%u-%u", ports.first,
		         ports.last, first, last);
	} else if (sysctl_read(key, reserved)) {
		snprintf(value, sizeof(value), "%s%s%u-%u", reserved, reserved[0] != '\0' ? "," : "", ports.first, ports.last);
		undo_sysctl(undo, key, value);
	}
}

/* Early demultiplexing gives a packet to the socket of its connection before it is routed; routed into the TUN
 * nonetheless, it would be dropped for having a socket already. */
bool
settings_apply_own(struct undo *undo, struct port_range ports)
{
	reserve_ports(undo, ports);
	return undo_sysctl(undo, "net/ipv4/ip_early_demux", "0");
}
