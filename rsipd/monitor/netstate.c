#include "netstate.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "pktio_open.h"
#include "rings.h"
#include "settings.h"
#include "sink.h"
#include "undo.h"

#define TUN PKTIO_TUN_NAME
#define TUN_QUEUE_LEN 4096  /* packets: a burst from the public side waits here, not in the relay */
#define ROUTE_PROTOCOL 155  /* nobody's in /etc/iproute2/rt_protos: "ip route show proto 155" is rsipd's */
#define OWN_TABLE 4555
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One that is leased, and of no pool. */
struct left_address {
	ip4_t addr;
	UT_hash_handle hh;
};

struct netstate {
	struct netlink *nl;
	struct undo *undo;
	struct netlink_addr *addrs; /* all of the machine's, as of the last netstate_find or _readdressed */
	size_t n_addrs;
	struct left_address *carried; /* uthash */
	struct netstate_place steered; /* of its own addresses, those that have their rule */
};

struct netstate *
netstate_open(const char *journal)
{
	struct netstate *state = mem_zero(1, sizeof(*state));

	state->nl = netlink_open();
	if (state->nl != NULL && (state->undo = undo_open(journal, state->nl)) != NULL)
		return state;
	netlink_close(state->nl);
	free(state);
	return NULL;
}

static void
release(struct netstate *state)
{
	struct left_address *left, *next;

	HASH_ITER(hh, state->carried, left, next) {
		HASH_DELETE(hh, state->carried, left);
		free(left);
	}
	netlink_close(state->nl);
	free(state->addrs);
	free(state);
}

void
netstate_close(struct netstate *state)
{
	if (state == NULL)
		return;
	undo_close(state->undo);
	release(state);
}

void
netstate_leave(struct netstate *state)
{
	if (state == NULL)
		return;
	undo_leave(state->undo);
	release(state);
}

void
netstate_wait_gone(struct netstate *state, const char *tun)
{
	for (int i = 0; i < 30 && netlink_index(state->nl, tun) != 0; i++)
		usleep(100000);
}

/* --- where the gateway stands ------------------------------------------------------------------------------------- */

static unsigned
find_device(struct netstate *state, const char *option, const char *device)
{
	unsigned ifindex = netlink_index(state->nl, device);

	if (ifindex == 0)
		log_error("netstate", "there is no device %s=%s, ip link shows those that there are", option, device);
	return ifindex;
}

static bool
find_devices(struct netstate *state, const struct conf *conf, struct relay_net *net)
{
	bool good = find_device(state, "public-interface", conf->public_interface) != 0;

	if (conf->n_private_interfaces > RELAY_PRIVATE_MAX) {
		log_error("netstate", "too many private interfaces count=%zu allowed=%d", conf->n_private_interfaces,
		          RELAY_PRIVATE_MAX);
		return false;
	}
	for (size_t i = 0; i < conf->n_private_interfaces; i++) {
		net->private_ifindex[i] = find_device(state, "private-interface", conf->private_interfaces[i]);
		good = good && net->private_ifindex[i] != 0;
	}
	net->n_private = conf->n_private_interfaces;
	net->public_ifindex = netlink_index(state->nl, conf->public_interface);
	net->tun_ifindex = netlink_index(state->nl, TUN);
	return good;
}

/* A pool address that the machine itself has: fine on the public interface (own-address mode), unless it is to be
 * leased whole; elsewhere it would never reach the TUN. */
static bool
take_own(const struct conf *conf, const struct netlink_addr *at, struct netstate_place *place)
{
	const struct conf_pool *pool = conf_pool_of(conf, at->addr);
	char str[IP4_STRLEN];

	if (pool == NULL)
		return true;
	if (strcmp(at->device, conf->public_interface) != 0)
		log_error("netstate", "a pool address is this machine's own on a device that is not the public one address=%s "
		          "pool=%s device=%s", ip4_str(at->addr, str), pool->name, at->device);
	else if (pool->methods & CONF_METHOD(RSIP_METHOD_RSA_IP))
		log_error("netstate", "this machine's own address cannot be leased whole, take it out of the pool address=%s "
		          "pool=%s", ip4_str(at->addr, str), pool->name);
	else if (place->n_own == COUNT(place->own))
		log_error("netstate", "too many own addresses in pools allowed=%zu", COUNT(place->own));
	else {
		place->own[place->n_own++] = at->addr;
		return true;
	}
	return false;
}

/* The kernel keeps a subnet's first and last address for itself. */
static void
warn_ends(const struct conf *conf, const struct netlink_addr *at)
{
	const ip4_t mask = ip4_mask(at->prefix_len), ends[] = { at->addr & mask, at->addr | ~mask };
	char str[IP4_STRLEN];

	for (size_t i = 0; at->prefix_len < 31 && i < COUNT(ends); i++) {
		const struct conf_pool *pool = conf_pool_of(conf, ends[i]);
		if (pool != NULL)
			log_warn("netstate", "a pool holds an end of the public subnet, which no packet reaches address=%s pool=%s",
			         ip4_str(ends[i], str), pool->name);
	}
}

bool
netstate_find(struct netstate *state, const struct conf *conf, struct netstate_place *place)
{
	bool good;

	memset(place, 0, sizeof(*place));
	good = find_devices(state, conf, &place->net);
	free(state->addrs);
	state->n_addrs = netlink_addresses(state->nl, &state->addrs);
	for (size_t i = 0; i < state->n_addrs; i++) {
		const struct netlink_addr *at = &state->addrs[i];

		good = take_own(conf, at, place) && good;
		if (strcmp(at->device, conf->public_interface) != 0)
			continue;
		warn_ends(conf, at);
		if (place->net.public_addr == 0)
			place->net.public_addr = at->addr;
	}
	if (good && place->net.public_addr == 0) {
		log_error("netstate", "the public interface has no IPv4 address, give it one device=%s", conf->public_interface);
		good = false;
	}
	/* The way to another gateway is no public realm: there, errors must have the leased address for their source. */
	if (conf_has_upstream(conf))
		place->net.public_addr = 0;
	place->net.gateway_addr = conf->listen[0];
	return good;
}

static bool
bring_tun_up(struct netstate *state)
{
	int err = netlink_link_up(state->nl, TUN, NETSTATE_TUN_MTU, TUN_QUEUE_LEN);

	if (err != 0)
		log_error("netstate", "cannot bring up device=%s error=\"%s\"", TUN, strerror(err));
	return err == 0;
}

/* --- routes and ARP ----------------------------------------------------------------------------------------------- */

static bool
route_to_tun(struct netstate *state, struct ip4_prefix to, ip4_t src, uint32_t table)
{
	const struct netlink_route route = {
		.to = to, .ifindex = netlink_index(state->nl, TUN), .src = src, .table = table, .protocol = ROUTE_PROTOCOL,
	};
	int err = netlink_route_add(state->nl, &route);
	char str[IP4_PREFIX_STRLEN];

	if (err != 0)
		log_error("netstate", "cannot route to=%s device=%s error=\"%s\"", ip4_prefix_str(to, str), TUN, strerror(err));
	return err == 0;
}

/* A route to the whole of a subnet that the machine is on would take the place of its own: longer ones stand beside
 * it. */
static uint8_t
shortest_allowed(const struct netstate *state, struct ip4_prefix prefix)
{
	uint8_t len = prefix.len;

	for (size_t i = 0; i < state->n_addrs; i++) {
		const struct netlink_addr *at = &state->addrs[i];
		if (at->prefix_len < 32 && prefix.len <= at->prefix_len && ip4_prefix_has(prefix, at->addr) && len <= at->prefix_len)
			len = (uint8_t)(at->prefix_len + 1);
	}
	return len;
}

static bool
route_range(struct netstate *state, struct ip4_range range, ip4_t src)
{
	for (;;) {
		struct ip4_prefix prefix = ip4_range_first_prefix(range);

		prefix.len = shortest_allowed(state, prefix);
		if (!route_to_tun(state, prefix, src, 0))
			return false;
		if ((prefix.addr | ~ip4_mask(prefix.len)) == range.last)
			return true;
		range.first = (prefix.addr | ~ip4_mask(prefix.len)) + 1;
	}
}

static bool
on_public_subnet(const struct netstate *state, const struct conf *conf, ip4_t addr)
{
	for (size_t i = 0; i < state->n_addrs; i++) {
		const struct netlink_addr *at = &state->addrs[i];
		if (strcmp(at->device, conf->public_interface) == 0 && ((at->addr ^ addr) & ip4_mask(at->prefix_len)) == 0)
			return true;
	}
	return false;
}

static bool
answer_range(struct netstate *state, const struct conf *conf, struct ip4_range range, const struct conf *before)
{
	unsigned ifindex = netlink_index(state->nl, conf->public_interface);

	for (ip4_t addr = range.first;; addr++) {
		if ((before == NULL || conf_pool_of(before, addr) == NULL) && on_public_subnet(state, conf, addr) &&
		    !undo_proxy(state->undo, conf->public_interface, ifindex, addr))
			return false;
		if (addr == range.last)
			return true;
	}
}

static bool
apply_pools(struct netstate *state, const struct conf *conf, ip4_t src, const struct conf *before)
{
	for (size_t i = 0; i < conf->n_pool_ranges; i++) {
		struct ip4_range range = conf->pool_ranges[i].range;
		if (!route_range(state, range, src) || !answer_range(state, conf, range, before))
			return false;
	}
	return true;
}

/* --- addresses that are leased, and of no pool ------------------------------------------------------------------------- */

#define CARRIED_MAX 65536 /* as many as the largest range of a pool */

static bool
is_private(const struct conf *conf, const char *device)
{
	for (size_t i = 0; i < conf->n_private_interfaces; i++) {
		if (strcmp(conf->private_interfaces[i], device) == 0)
			return true;
	}
	return false;
}

/* Control, which says that they are leased, is not trusted to steer any address there is. */
static bool
may_carry(const struct netstate *state, const struct conf *conf, ip4_t addr)
{
	if (addr >> 24 == 0 || addr >> 24 == 127 || addr >> 24 >= 224 || HASH_COUNT(state->carried) >= CARRIED_MAX)
		return false;
	for (size_t i = 0; i < conf->n_local_networks; i++) {
		if (ip4_prefix_has(conf->local_networks[i], addr))
			return false;
	}
	for (size_t i = 0; i < state->n_addrs; i++) {
		const struct netlink_addr *at = &state->addrs[i];
		if (at->addr == addr || (is_private(conf, at->device) && ((at->addr ^ addr) & ip4_mask(at->prefix_len)) == 0))
			return false;
	}
	return true;
}

bool
netstate_carry(struct netstate *state, const struct conf *conf, const struct netstate_place *place, ip4_t addr)
{
	struct left_address *left;

	HASH_FIND(hh, state->carried, &addr, sizeof(addr), left);
	if (left != NULL || netstate_place_owns(&state->steered, addr))
		return true;
	if (!may_carry(state, conf, addr) || !route_to_tun(state, (struct ip4_prefix){ addr, 32 }, place->net.public_addr, 0) ||
	    !answer_range(state, conf, (struct ip4_range){ addr, addr }, NULL))
		return false;
	left = mem_zero(1, sizeof(*left));
	left->addr = addr;
	HASH_ADD(hh, state->carried, addr, sizeof(left->addr), left);
	return true;
}

static bool
route_carried(struct netstate *state, ip4_t src)
{
	for (const struct left_address *left = state->carried; left != NULL; left = left->hh.next) {
		if (!route_to_tun(state, (struct ip4_prefix){ left->addr, 32 }, src, 0))
			return false;
	}
	return true;
}

/* --- own-address mode --------------------------------------------------------------------------------------------- */

bool
netstate_place_owns(const struct netstate_place *place, ip4_t addr)
{
	for (size_t i = 0; i < place->n_own; i++) {
		if (place->own[i] == addr)
			return true;
	}
	return false;
}

static bool
apply_own(struct netstate *state, const struct conf *conf, const struct netstate_place *place)
{
	struct netstate_place *steered = &state->steered;
	char str[IP4_STRLEN];

	for (size_t i = 0; i < place->n_own; i++) {
		ip4_t addr = place->own[i];

		if (netstate_place_owns(steered, addr) || steered->n_own == COUNT(steered->own))
			continue;
		if (!route_to_tun(state, (struct ip4_prefix) { 0, 0 }, 0, OWN_TABLE) ||
		    !settings_apply_own(state->undo, conf_pool_of(conf, addr)->ports) ||
		    !undo_rule(state->undo, conf->public_interface, addr, OWN_TABLE))
			return false;
		steered->own[steered->n_own++] = addr;
		log_info("netstate", "own-address mode address=%s", ip4_str(addr, str));
	}
	return true;
}

bool
netstate_apply(struct netstate *state, const struct conf *conf, const struct netstate_place *place,
               const struct conf *before)
{
	if (before == NULL) {
		if (!settings_apply(state->undo, state->nl, conf) || !bring_tun_up(state))
			return false;
		sink_make(state->undo, state->nl, place->net.gateway_addr);
	}
	return apply_pools(state, conf, place->net.public_addr, before) && apply_own(state, conf, place);
}

static bool
same_addresses(const struct netlink_addr *a, const struct netlink_addr *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].addr != b[i].addr || a[i].ifindex != b[i].ifindex || a[i].prefix_len != b[i].prefix_len)
			return false;
	}
	return true;
}

bool
netstate_readdressed(struct netstate *state)
{
	struct netlink_addr *now;
	size_t n = netlink_addresses(state->nl, &now);
	bool same = n == state->n_addrs && same_addresses(now, state->addrs, n);

	free(state->addrs);
	state->addrs = now;
	state->n_addrs = n;
	return !same;
}

/* Its routes went with it; what is not the TUN's stands, and is not applied twice. */
bool
netstate_renew_tun(struct netstate *state, const struct conf *conf, struct netstate_place *place)
{
	place->net.tun_ifindex = netlink_index(state->nl, TUN);
	return settings_apply(state->undo, state->nl, conf) && bring_tun_up(state) &&
	       apply_pools(state, conf, place->net.public_addr, conf) && route_carried(state, place->net.public_addr) &&
	       (state->steered.n_own == 0 || route_to_tun(state, (struct ip4_prefix) { 0, 0 }, 0, OWN_TABLE));
}

bool
netstate_open_rings(struct netstate *state, const struct conf *conf, struct netstate_place *place, struct relay_fds *fds)
{
	place->net.tun_ifindex = netlink_index(state->nl, TUN);
	return rings_open(state->undo, state->nl, conf, place, fds);
}

void
netstate_rings_again(struct netstate *state, const struct conf *conf, const struct netstate_place *place,
                     struct relay_fds *fds)
{
	rings_again(state->undo, state->nl, conf, place, fds);
}
