#include "hostnet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "hostroutes.h"
#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "ports.h"
#include "state.h"
#include "sysctl.h"
#include "tunnel.h"
#include "wish.h"

#define QUEUE_LEN 1000

struct hostnet {
	const struct conf *conf;
	struct netlink *nl;
	struct state *state;
	struct hostroutes *routes;
	unsigned ifindex; /* of the device that is set up; 0 = none is */
	unsigned mtu;
	ip4_t addrs[WISH_ADDRS]; /* on the device */
	size_t n_addrs;
	struct port_range *ports; /* in force; none: the machine's own */
	size_t n_ports;
};

/* ---- kernel settings: kept before the first change, put back at the end ---- */

static void
set_kept(struct hostnet *hn, const char *key, const char *value)
{
	char before[SYSCTL_VALUE_MAX];

	if (!sysctl_read(key, before)) {
		log_error("hostnet", "setting cannot be read key=%s error=\"%s\"", key, strerror(errno));
		return;
	}
	if (strcmp(before, value) == 0)
		return;
	state_keep_setting(hn->state, key, before);
	if (!sysctl_write(key, value))
		log_error("hostnet", "setting refused key=%s value=\"%s\" error=\"%s\"", key, value, strerror(errno));
}

static void
put_back(const char *key, const char *value, void *arg)
{
	(void)arg;
	/* An empty list is written as a blank: the kernel takes no empty write for one. */
	if (!sysctl_write(key, value[0] != '\0' ? value : "\n"))
		log_warn("hostnet", "setting cannot be put back key=%s value=\"%s\" error=\"%s\"", key, value, strerror(errno));
}

static void
put_back_settings(struct hostnet *hn)
{
	state_each_setting(hn->state, put_back, NULL);
	state_forget_settings(hn->state);
	free(hn->ports);
	hn->ports = NULL;
	hn->n_ports = 0;
}

/* RFC 3102 3.1: a host MUST NOT answer ARP for an address that it leases; Linux does, on every device, for whatever
 * address any device has. What a device has itself is still answered for. */
static void
quiet_arp(struct hostnet *hn)
{
	const char *key = "net/ipv4/conf/all/arp_ignore";
	char value[SYSCTL_VALUE_MAX];

	if (!sysctl_read(key, value) || atoi(value) == 0)
		set_kept(hn, key, "1");
}

static uint16_t
port_floor(void)
{
	char text[SYSCTL_VALUE_MAX];

	return sysctl_read(PORTS_FLOOR_KEY, text) ? (uint16_t)atoi(text) : 1024;
}

static void
pick_reserved(const char *key, const char *value, void *arg)
{
	if (strcmp(key, PORTS_RESERVED_KEY) == 0)
		snprintf(arg, SYSCTL_VALUE_MAX, "%s", value);
}

/* now: what is reserved. before: what was without us. */
static void
read_reserved(struct hostnet *hn, char now[SYSCTL_VALUE_MAX], char before[SYSCTL_VALUE_MAX])
{
	now[0] = '\0';
	sysctl_read(PORTS_RESERVED_KEY, now);
	snprintf(before, SYSCTL_VALUE_MAX, "%s", now);
	state_each_setting(hn->state, pick_reserved, before);
}

/* While the range changes, the gaps of the old one and of the new are reserved: there is no moment at which a program
 * gets a port that is not leased. */
static void
confine_ports(struct hostnet *hn, const struct wish *wish)
{
	static struct ports_setting setting;
	char now[SYSCTL_VALUE_MAX], before[SYSCTL_VALUE_MAX], both[2 * SYSCTL_VALUE_MAX];

	read_reserved(hn, now, before);
	if (!ports_confine(&setting, wish->ports, wish->n_ports, port_floor(), before)) {
		log_error("hostnet", "leased ports cannot be made the ephemeral ones ranges=%zu", wish->n_ports);
		return;
	}
	snprintf(both, sizeof(both), "%s%s%s", now, now[0] != '\0' && setting.reserved[0] != '\0' ? "," : "", setting.reserved);
	if (strlen(both) < SYSCTL_VALUE_MAX)
		set_kept(hn, PORTS_RESERVED_KEY, both);
	set_kept(hn, PORTS_RANGE_KEY, setting.range);
	set_kept(hn, PORTS_RESERVED_KEY, setting.reserved);
	log_info("hostnet", "ephemeral ports confined range=\"%s\"", setting.range);
}

static void
apply_ports(struct hostnet *hn, const struct wish *wish)
{
	size_t n = wish->confine ? wish->n_ports : 0;

	if (n == hn->n_ports && (n == 0 || memcmp(hn->ports, wish->ports, n * sizeof(*wish->ports)) == 0))
		return;
	if (n == 0) {
		put_back_settings(hn);
		quiet_arp(hn);
		return;
	}
	confine_ports(hn, wish);
	free(hn->ports);
	hn->ports = mem_zero(n, sizeof(*hn->ports));
	hn->n_ports = n;
	memcpy(hn->ports, wish->ports, n * sizeof(*hn->ports));
}

/* ---- the device ---- */

/* Replies to peers outside of `routes` are asymmetric to the reverse path check, and what comes from the tunnel's
 * far end is checked there: loose mode. No IPv6: there is none in the tunnel. */
static void
device_settings(const char *device)
{
	char key[128];

	snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", device);
	sysctl_write(key, "2");
	snprintf(key, sizeof(key), "net/ipv6/conf/%s/disable_ipv6", device);
	sysctl_write(key, "1");
}

static bool
device_up(struct hostnet *hn, struct tunnel *tunnel)
{
	int err;

	hn->mtu = tunnel_mtu(tunnel);
	device_settings(hn->conf->device);
	if ((err = netlink_link_up(hn->nl, hn->conf->device, hn->mtu, QUEUE_LEN)) != 0) {
		log_error("hostnet", "device cannot be brought up device=%s error=\"%s\"", hn->conf->device, strerror(err));
		return false;
	}
	hn->ifindex = netlink_index(hn->nl, hn->conf->device);
	log_info("hostnet", "tunnel up device=%s driver=%s mtu=%u", hn->conf->device, tunnel_driver(tunnel), hn->mtu);
	return hn->ifindex != 0;
}

void
hostnet_mtu(struct hostnet *hn, struct tunnel *tunnel)
{
	unsigned mtu = tunnel_mtu(tunnel);

	if (hn->ifindex == 0 || mtu == hn->mtu)
		return;
	log_info("hostnet", "tunnel mtu changes old=%u new=%u", hn->mtu, mtu);
	if (netlink_link_mtu(hn->nl, hn->conf->device, mtu) == 0)
		hn->mtu = mtu;
}

static bool
among(const ip4_t *addrs, size_t n, ip4_t addr)
{
	for (size_t i = 0; i < n; i++) {
		if (addrs[i] == addr)
			return true;
	}
	return false;
}

static void
apply_addresses(struct hostnet *hn, const ip4_t *addrs, size_t n)
{
	char text[IP4_STRLEN];
	int err;

	for (size_t i = 0; i < n; i++) {
		if (among(hn->addrs, hn->n_addrs, addrs[i]))
			continue;
		err = netlink_addr_add(hn->nl, hn->ifindex, (struct ip4_prefix){ addrs[i], 32 });
		if (err != 0 && err != EEXIST)
			log_error("hostnet", "address refused address=%s error=\"%s\"", ip4_str(addrs[i], text), strerror(err));
	}
	for (size_t i = 0; i < hn->n_addrs; i++) {
		if (!among(addrs, n, hn->addrs[i]))
			netlink_addr_del(hn->nl, hn->ifindex, (struct ip4_prefix){ hn->addrs[i], 32 });
	}
	for (size_t i = 0; i < n; i++)
		hn->addrs[i] = addrs[i];
	hn->n_addrs = n;
}

/* ---- all together ---- */

void
hostnet_apply(struct hostnet *hn, struct tunnel *tunnel, const struct wish *wish)
{
	if (wish->n_addrs == 0) {
		hostnet_down(hn);
		return;
	}
	if (hn->ifindex == 0 && !device_up(hn, tunnel))
		return;
	for (size_t i = 0; i < wish->n_addrs; i++)
		tunnel_address(tunnel, wish->addrs[i]);
	if (hn->conf->handover != NULL) { /* the addresses are not for this machine, which forwards for others */
		hostroutes_apply(hn->routes, wish, hn->ifindex, tunnel_is_kernel(tunnel));
		return;
	}
	quiet_arp(hn);
	/* Addresses before the routes that prefer them as source; old ones go when nothing refers to them any more. */
	apply_addresses(hn, wish->addrs, wish->n_addrs);
	apply_ports(hn, wish);
	hostroutes_apply(hn->routes, wish, hn->ifindex, tunnel_is_kernel(tunnel));
}

void
hostnet_down(struct hostnet *hn)
{
	if (hn->ifindex == 0)
		return;
	hostroutes_clear(hn->routes);
	apply_addresses(hn, NULL, 0);
	put_back_settings(hn);
	hn->ifindex = 0;
	log_info("hostnet", "tunnel down device=%s", hn->conf->device);
}

struct hostnet *
hostnet_new(const struct conf *conf, struct netlink *nl, struct state *state)
{
	struct hostnet *hn = mem_zero(1, sizeof(*hn));

	hn->conf = conf;
	hn->nl = nl;
	hn->state = state;
	hn->routes = hostroutes_new(conf, nl);
	tunnel_clean(nl, conf->device, conf->tunnel);
	put_back_settings(hn);
	return hn;
}

void
hostnet_free(struct hostnet *hn)
{
	if (hn == NULL)
		return;
	hostroutes_free(hn->routes);
	free(hn->ports);
	free(hn);
}
