#include "config.h"

#include "rings.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "netlink.h"
#include "netlink_path.h"
#include "netstate.h"
#include "ring_filter.h"
#include "ring_open.h"
#include "settings.h"
#include "undo.h"

#define TAKEN UINT32_MAX /* what a packet socket's filter returns: as many bytes as there are */
#define LEFT 0
#define DROPPED TC_ACT_SHOT
#define PASSED ((uint32_t)TC_ACT_UNSPEC)

/* What all devices' rings are made from. */
struct rings {
	struct undo *undo;
	struct netlink *nl, *questions;
	const struct conf *conf;
	struct ring_filter_site site; /* with what it points to our own: site_free */
	struct relay_fds *fds;
	struct ring_filter filter;
};

/* --- filters ---------------------------------------------------------------------------------------------------- */

/* The pools' ranges, those that touch as one. */
static size_t
merge_ranges(const struct conf *conf, struct ip4_range *out)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_pool_ranges; i++) {
		struct ip4_range range = conf->pool_ranges[i].range;

		if (n > 0 && out[n - 1].last + 1 == range.first)
			out[n - 1].last = range.last;
		else
			out[n++] = range;
	}
	return n;
}

/* With the ends of its subnets, of which the kernel knows what it makes. Loopback addresses are left to it anyway. */
static size_t
own_addresses(struct netlink *nl, ip4_t **out)
{
	struct netlink_addr *addrs;
	size_t n = 0, n_addrs = netlink_addresses(nl, &addrs);

	*out = mem_zero(3 * n_addrs + 1, sizeof(**out));
	for (size_t i = 0; i < n_addrs; i++) {
		ip4_t addr = addrs[i].addr, mask = ip4_mask(addrs[i].prefix_len);

		if (addr >> 24 == 127)
			continue;
		(*out)[n++] = addr;
		if (addrs[i].prefix_len < 31) {
			(*out)[n++] = addr & mask;
			(*out)[n++] = addr | ~mask;
		}
	}
	free(addrs);
	return n;
}

static struct ring_filter_site
site_of(const struct conf *conf, struct netlink *nl)
{
	struct ip4_range *ranges = mem_zero(conf->n_pool_ranges + 1, sizeof(*ranges));
	ip4_t *own;
	size_t n_own = own_addresses(nl, &own);

	return (struct ring_filter_site){
		.pools = ranges, .n_pools = merge_ranges(conf, ranges), .own = own, .n_own = n_own,
		.gateways = conf->listen, .n_gateways = conf->n_listen,
	};
}

static void
site_free(struct ring_filter_site *site)
{
	free((struct ip4_range *)site->pools);
	free((ip4_t *)site->own);
}

static bool
make_filter(struct rings *all, bool public, unsigned mtu, uint32_t taken, uint32_t left)
{
	uint32_t max = ring_frame_max(mtu);

	return public ? ring_filter_public(&all->filter, &all->site, max, taken, left) :
	                ring_filter_private(&all->filter, &all->site, max, taken, left);
}

/* Returns 0 or an errno number. */
static int
keep_from_kernel(struct rings *all, const char *device, unsigned ifindex, bool again)
{
	return undo_drop(all->undo, device, ifindex, all->filter.code, all->filter.len, again);
}

/* --- devices ---------------------------------------------------------------------------------------------------- */

static bool
refuse(const struct rings *all, const char *device, const char *what, int err)
{
	if (all->conf->relay_io == CONF_IO_RINGS) {
		log_error("relay", "cannot %s device=%s error=\"%s\"; relay-io = \"auto\" does without a packet ring", what, device,
		          strerror(err));
		return false;
	}
	log_warn("relay", "no packet ring, the device's packets take the TUN's way, which is slower: cannot %s device=%s "
	         "error=\"%s\"", what, device, strerror(err));
	return true;
}

static bool
open_ring(struct rings *all, const char *device, unsigned ifindex, bool public)
{
	struct relay_ring *ring = &all->fds->rings[all->fds->n_rings];
	struct netlink_ether ether;
	const char *what;
	int err;

	if (!netlink_ether(all->questions, ifindex, &ether))
		return refuse(all, device, "use it: it is down, or no Ethernet", ENETDOWN);
	if (!make_filter(all, public, ether.mtu, TAKEN, LEFT))
		return refuse(all, device, "tell its packets apart: too many pools or addresses", E2BIG);
	if (!ring_open(ring, ifindex, ether.mtu, &all->filter, &what))
		return refuse(all, device, what, errno);
	make_filter(all, public, ether.mtu, DROPPED, PASSED);
	if ((err = keep_from_kernel(all, device, ifindex, false)) != 0) {
		close(ring->fd);
		ring->fd = -1;
		return refuse(all, device, "drop its packets in the kernel's stack by tc", err);
	}
	settings_no_merging(all->undo, all->nl, device);
	all->fds->n_rings++;
	log_info("relay", "packet ring device=%s slots=%u", device, ring->slots);
	return true;
}

static bool
open_devices(struct rings *all, const struct netstate_place *place)
{
	bool good = open_ring(all, all->conf->public_interface, place->net.public_ifindex, true);

	for (size_t i = 0; i < place->net.n_private; i++)
		good = good && open_ring(all, all->conf->private_interfaces[i], place->net.private_ifindex[i], false);
	return good;
}

static bool
open_common(struct relay_fds *fds)
{
	fds->questions = netlink_path_open(false);
	fds->news = netlink_path_open(true);
	fds->sender = ring_open_sender();
	return fds->questions >= 0 && fds->news >= 0 && fds->sender >= 0;
}

bool
rings_open(struct undo *undo, struct netlink *nl, const struct conf *conf, const struct netstate_place *place,
           struct relay_fds *fds)
{
	struct rings *all;
	bool good;

	if (conf->relay_io == CONF_IO_TUN)
		return true;
	all = mem_zero(1, sizeof(*all));
	*all = (struct rings){ .undo = undo, .nl = nl, .conf = conf, .fds = fds };
	all->site = site_of(conf, nl);
	if (open_common(fds) && (all->questions = netlink_over(fds->questions)) != NULL)
		good = open_devices(all, place);
	else
		good = refuse(all, "any", "open sockets", errno);
	netlink_close(all->questions);
	site_free(&all->site);
	free(all);
	return good;
}

/* --- reload ----------------------------------------------------------------------------------------------------- */

/* First the ring, then the kernel: for a moment a new pool's packet may be seen twice, but none is lost. */
static void
refilter(struct rings *all, const struct relay_ring *ring, const char *device, bool public)
{
	struct netlink_ether ether;
	bool good = netlink_ether(all->questions, ring->ifindex, &ether) && make_filter(all, public, ether.mtu, TAKEN, LEFT) &&
	            ring_refilter(ring, &all->filter) && make_filter(all, public, ether.mtu, DROPPED, PASSED) &&
	            keep_from_kernel(all, device, ring->ifindex, true) == 0;

	if (!good)
		log_warn("relay", "the packet ring keeps to the old pools and addresses, the new ones take the TUN's way device=%s error=\"%s\"",
		         device, strerror(errno));
}

void
rings_again(struct undo *undo, struct netlink *nl, const struct conf *conf, const struct netstate_place *place,
            struct relay_fds *fds)
{
	struct rings *all = mem_zero(1, sizeof(*all));

	*all = (struct rings){ .undo = undo, .nl = nl, .conf = conf, .fds = fds };
	all->site = site_of(conf, nl);
	all->questions = fds->n_rings > 0 ? netlink_over(fds->questions) : NULL;
	for (size_t i = 0; i < fds->n_rings && all->questions != NULL; i++) {
		if (fds->rings[i].ifindex == place->net.public_ifindex)
			refilter(all, &fds->rings[i], conf->public_interface, true);
	}
	netlink_close(all->questions);
	site_free(&all->site);
	free(all);
}

void
rings_close(struct relay_fds *fds)
{
	int *const all[] = { &fds->sender, &fds->questions, &fds->news };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
	while (fds->n_rings > 0)
		close(fds->rings[--fds->n_rings].fd);
}

const char *
rings_text(const struct relay_fds *fds, size_t n_devices)
{
	if (fds->n_rings == 0)
		return "the TUN and raw sockets";
	return fds->n_rings == n_devices ? "packet rings" : "packet rings, on some devices from the TUN and raw sockets";
}
