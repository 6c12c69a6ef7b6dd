#include "config.h"

#include "fast_paths.h"

#include <stdlib.h>

#include "mem.h"
#include "netlink.h"
#include "xdp_tables.h"

struct fast_paths {
	struct xdp_tables *tables;
	struct netlink *nl;
	struct netlink_paths *watch;
};

/* Loopback addresses are martian anyway; the first of each device come first. */
static void
tell_own(struct fast_paths *p)
{
	struct netlink_addr *all;
	ip4_t own[XDP_OWN_MAX];
	size_t n = 0, n_all = netlink_addresses(p->nl, &all);

	for (int secondary = 0; secondary <= 1; secondary++) {
		for (size_t i = 0; i < n_all && n < XDP_OWN_MAX; i++) {
			if (all[i].secondary == (secondary != 0) && all[i].addr >> 24 != 127)
				own[n++] = all[i].addr;
		}
	}
	xdp_tables_own(p->tables, own, n);
	free(all);
}

static void
changed_cb(bool by_destination, void *arg)
{
	struct fast_paths *p = arg;

	tell_own(p);
	xdp_tables_paths(p->tables, by_destination);
}

struct fast_paths *
fast_paths_new(struct loop *loop, struct xdp_tables *tables)
{
	struct fast_paths *p = mem_zero(1, sizeof(*p));

	p->tables = tables;
	p->nl = netlink_open();
	p->watch = p->nl != NULL ? netlink_paths(loop, changed_cb, p) : NULL;
	return p;
}

void
fast_paths_free(struct fast_paths *p)
{
	if (p == NULL)
		return;
	netlink_paths_free(p->watch);
	netlink_close(p->nl);
	free(p);
}
