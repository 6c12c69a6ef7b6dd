#include "nexthop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "netlink_path.h"
#include "token_bucket.h"
#include "wire.h"

#define ETHERTYPE_IPV4 0x0800
#define WAYS_BITS 18           /* 6 MiB: as many flows' next hops are at hand */
#define WAYS (1u << WAYS_BITS)
#define NEIGHBOURS_MAX 65536
#define QUESTIONS_PER_SECOND 10000 /* a tenth of a second of work; a host that scans the Internet asks no more */
#define CHECK_EVERY_MS 10000   /* that a neighbour is there */
#define SETTLE_MS 100          /* routes that change come in crowds */

/* A device that frames are sent by: of those that relay_net names. */
struct device { unsigned ifindex; struct netlink_ether ether; bool usable; };

struct neighbour {
	struct { unsigned ifindex; ip4_t addr; } key;
	bool known;       /* hop.header is what the kernel would write */
	int64_t check_at; /* when one packet is to go the kernel's way */
	const struct device *device;
	struct nexthop hop;
	UT_hash_handle hh;
};

/* Where packets of src to dst go. neighbour NULL: not a way for frames. */
struct way {
	ip4_t src, dst;
	uint32_t generation; /* of the answer; 0 = none yet */
	bool onward;
	uint32_t mtu;
	struct neighbour *neighbour;
};

struct nexthops {
	const struct relay_net *net;
	struct netlink *questions, *news;
	struct device devices[1 + RELAY_PRIVATE_MAX];
	size_t n_devices;
	struct neighbour *neighbours;
	struct way *ways;
	uint32_t generation;
	bool changed; /* routes have, since the generation began */
	int64_t generation_from;
	struct token_bucket asked;
};

/* ---- devices ---- */

static void
look_at_device(struct nexthops *all, struct device *device)
{
	device->usable = netlink_ether(all->questions, device->ifindex, &device->ether);
}

static void
find_devices(struct nexthops *all)
{
	all->devices[all->n_devices++].ifindex = all->net->public_ifindex;
	for (size_t i = 0; i < all->net->n_private; i++)
		all->devices[all->n_devices++].ifindex = all->net->private_ifindex[i];
	for (size_t i = 0; i < all->n_devices; i++)
		look_at_device(all, &all->devices[i]);
}

static const struct device *
usable_device(const struct nexthops *all, unsigned ifindex)
{
	for (size_t i = 0; i < all->n_devices; i++) {
		if (all->devices[i].ifindex == ifindex)
			return all->devices[i].usable ? &all->devices[i] : NULL;
	}
	return NULL;
}

/* ---- neighbours ---- */

static void
set_mac(struct neighbour *n, const uint8_t *mac)
{
	n->known = mac != NULL;
	if (mac == NULL)
		return;
	n->hop = (struct nexthop){ .ifindex = n->key.ifindex };
	memcpy(n->hop.header, mac, ETHER_ADDR_LEN);
	memcpy(n->hop.header + ETHER_ADDR_LEN, n->device->ether.mac, ETHER_ADDR_LEN);
	wire_put16(n->hop.header + 2 * ETHER_ADDR_LEN, ETHERTYPE_IPV4);
}

static struct neighbour *
find_neighbour(struct nexthops *all, unsigned ifindex, ip4_t addr)
{
	struct neighbour key = { .key = { ifindex, addr } }, *n;

	HASH_FIND(hh, all->neighbours, &key.key, sizeof(key.key), n);
	return n;
}

/* Every way leads to a neighbour, so none of those holds any longer. */
static void
forget_all(struct nexthops *all)
{
	struct neighbour *n, *next;

	HASH_ITER(hh, all->neighbours, n, next) {
		HASH_DEL(all->neighbours, n);
		free(n);
	}
	all->generation++;
}

static struct neighbour *
add_neighbour(struct nexthops *all, const struct device *device, ip4_t addr, int64_t now)
{
	struct neighbour *n = mem_zero(1, sizeof(*n));
	uint8_t mac[ETHER_ADDR_LEN];

	n->key.ifindex = device->ifindex;
	n->key.addr = addr;
	n->device = device;
	n->check_at = now + CHECK_EVERY_MS;
	set_mac(n, netlink_neighbour(all->questions, device->ifindex, addr, mac) ? mac : NULL);
	HASH_ADD(hh, all->neighbours, key, sizeof(n->key), n);
	return n;
}

/* ---- ways ---- */

static struct way *
way_slot(struct nexthops *all, ip4_t src, ip4_t dst)
{
	uint64_t mixed = ((uint64_t)src << 32 | dst) * 0x9e3779b97f4a7c15u;

	return &all->ways[mixed >> (64 - WAYS_BITS)];
}

static void
ask_kernel(struct nexthops *all, struct way *way, int64_t now)
{
	const struct device *device;
	struct netlink_hop hop;

	if (!netlink_hop(all->questions, way->onward ? all->net->tun_ifindex : 0, way->src, way->dst, &hop) ||
	    (device = usable_device(all, hop.ifindex)) == NULL)
		return;
	way->mtu = hop.mtu != 0 && hop.mtu < device->ether.mtu ? hop.mtu : device->ether.mtu;
	way->neighbour = find_neighbour(all, hop.ifindex, hop.next);
	if (way->neighbour == NULL)
		way->neighbour = add_neighbour(all, device, hop.next, now);
}

static void
begin_generation(struct nexthops *all, int64_t now)
{
	all->changed = false;
	all->generation++;
	all->generation_from = now;
	for (size_t i = 0; i < all->n_devices; i++)
		look_at_device(all, &all->devices[i]);
	forget_all(all);
}

static const struct nexthop *
find(struct nexthops *all, bool onward, ip4_t src, ip4_t dst, size_t len, int64_t now)
{
	struct way *way = way_slot(all, src, dst);
	struct neighbour *n;

	if (all->changed && now - all->generation_from >= SETTLE_MS)
		begin_generation(all, now);
	if (way->generation != all->generation || way->src != src || way->dst != dst || way->onward != onward) {
		if (!token_bucket_take(&all->asked, QUESTIONS_PER_SECOND, now))
			return NULL;
		if (HASH_COUNT(all->neighbours) >= NEIGHBOURS_MAX)
			forget_all(all);
		*way = (struct way){ .src = src, .dst = dst, .onward = onward };
		ask_kernel(all, way, now);
		way->generation = all->generation;
	}
	n = way->neighbour;
	if (n == NULL || !n->known || len > way->mtu)
		return NULL;
	if (now < n->check_at)
		return &n->hop;
	n->check_at = now + CHECK_EVERY_MS;
	return NULL;
}

const struct nexthop *
nexthops_own(struct nexthops *all, ip4_t src, ip4_t dst, size_t len, int64_t now)
{
	return find(all, false, src, dst, len, now);
}

const struct nexthop *
nexthops_onward(struct nexthops *all, ip4_t src, ip4_t dst, size_t len, int64_t now)
{
	return find(all, true, src, dst, len, now);
}

/* ---- news ---- */

static void
neighbour_cb(unsigned ifindex, ip4_t addr, const uint8_t *mac, void *arg)
{
	struct neighbour *n = find_neighbour(arg, ifindex, addr);

	if (n != NULL)
		set_mac(n, mac);
}

static void
routes_cb(void *arg)
{
	((struct nexthops *)arg)->changed = true;
}

static void
lost_cb(void *arg)
{
	struct nexthops *all = arg;

	all->changed = true;
	forget_all(all);
}

void
nexthops_news(struct nexthops *all)
{
	const struct netlink_news news = { neighbour_cb, routes_cb, routes_cb, lost_cb, all };

	netlink_news_read(all->news, &news);
}

/* ---- life ---- */

struct nexthops *
nexthops_new(const struct relay_fds *fds, const struct relay_net *net)
{
	struct nexthops *all = mem_zero(1, sizeof(*all));

	all->net = net;
	all->generation = 1;
	all->ways = mem_zero(WAYS, sizeof(*all->ways));
	all->questions = netlink_over(fds->questions);
	all->news = all->questions != NULL ? netlink_over(fds->news) : NULL;
	if (all->news == NULL) {
		nexthops_free(all);
		return NULL;
	}
	find_devices(all);
	return all;
}

void
nexthops_free(struct nexthops *all)
{
	if (all == NULL)
		return;
	forget_all(all);
	netlink_close(all->questions);
	netlink_close(all->news);
	free(all->ways);
	free(all);
}
