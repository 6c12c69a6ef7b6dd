#include "config.h"

#include "namespace.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "netlink.h"
#include "ports.h"
#include "routes.h"
#include "sharing.h"
#include "sysctl.h"
#include "tun_device.h"

#define LOOPBACK_MTU 65536
#define QUEUE_LEN 1000
#define PING_KEY "net/ipv4/ping_group_range" /* who may ping without privilege: as on the host */

struct namespace {
	struct netlink *nl;
	struct routes *routes;
};

static struct namespace *
failed(const char *what, int error)
{
	fprintf(stderr, "rsipc: %s: %s\n", what, strerror(error));
	return NULL;
}

/* ---- /etc/resolv.conf ---- */

static bool
write_resolvers(int fd, const struct namespace_plan *plan)
{
	char addr[IP4_STRLEN];

	for (size_t i = 0; i < plan->n_resolvers; i++) {
		if (dprintf(fd, "nameserver %s\n", ip4_str(plan->resolvers[i], addr)) < 0)
			return false;
	}
	return fchmod(fd, 0644) == 0;
}

/* The host's name servers may be local ones, which are out of reach in here: a mount namespace of its own has a file of
 * its own. The mount holds the file, so that its name need not stay. */
static bool
mount_resolvers(const struct namespace_plan *plan)
{
	char path[] = "/run/rsipc-resolv.XXXXXX";
	bool done = false;
	int fd;

	if (plan->n_resolvers == 0)
		return true;
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 || (fd = mkstemp(path)) < 0)
		return false;
	if (write_resolvers(fd, plan))
		done = mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
	unlink(path);
	close(fd);
	return done;
}

/* ---- the network ---- */

/* Reserved ones outside of the range do no harm: a range that gets wider is written behind them, another before. */
static bool
confine_ports(const struct namespace_plan *plan, bool wider)
{
	static struct ports_setting setting;
	const char *reserved = setting.reserved;

	if (!ports_confine(&setting, plan->ports, plan->n_ports, 1, ""))
		return false;
	if (reserved[0] == '\0')
		reserved = "\n";
	return (wider || sysctl_write(PORTS_RANGE_KEY, setting.range)) && sysctl_write(PORTS_RESERVED_KEY, reserved) &&
	       (!wider || sysctl_write(PORTS_RANGE_KEY, setting.range));
}

/* The address is other machines', too: what the command sends to their ports leaves by the tunnel. */
static void
share_ports(struct namespace *ns, const struct namespace_plan *plan)
{
	for (size_t i = 0; i < plan->n_ports; i++)
		sharing_want_port(ns->routes, plan->addr, plan->ports[i]);
	sharing_want_address(ns->routes, plan->addr, RT_TABLE_MAIN);
	routes_commit(ns->routes);
}

bool
namespace_set_ports(struct namespace *ns, const struct namespace_plan *plan, bool wider)
{
	share_ports(ns, plan);
	return confine_ports(plan, wider);
}

static int
set_up(struct namespace *ns, const struct namespace_plan *plan)
{
	struct netlink_route route = { .src = plan->addr };
	struct netlink *nl = ns->nl;
	int err;

	if ((err = netlink_link_up(nl, "lo", LOOPBACK_MTU, QUEUE_LEN)) != 0 ||
	    (err = netlink_link_up(nl, plan->device, plan->mtu, QUEUE_LEN)) != 0)
		return err;
	route.ifindex = netlink_index(nl, plan->device);
	if ((err = netlink_addr_add(nl, route.ifindex, (struct ip4_prefix){ plan->addr, 32 })) != 0)
		return err;
	if ((err = netlink_route_add(nl, &route)) != 0)
		return err;
	ns->routes = routes_new(nl, 0);
	share_ports(ns, plan);
	return sharing_move_local(nl, true, 0) ? 0 : EIO;
}

struct namespace *
namespace_enter(const struct namespace_plan *plan, int *tun)
{
	char ping[SYSCTL_VALUE_MAX], key[128];
	bool has_ping = sysctl_read(PING_KEY, ping);
	struct namespace *ns;
	int err;

	if (unshare(CLONE_NEWNET) != 0)
		return failed("cannot make a network namespace", errno);
	if ((*tun = tun_device_open(plan->device)) < 0)
		return failed("cannot make a TUN device", errno);
	snprintf(key, sizeof(key), "net/ipv6/conf/%s/disable_ipv6", plan->device);
	sysctl_write(key, "1"); /* there is no IPv6 in the tunnel */
	ns = mem_zero(1, sizeof(*ns));
	err = (ns->nl = netlink_open()) != NULL ? set_up(ns, plan) : EIO;
	if (err == 0 && !(sysctl_write(PORTS_FLOOR_KEY, "1") && confine_ports(plan, true))) /* ports of any number are its own */
		err = errno;
	if (err == 0 && has_ping)
		sysctl_write(PING_KEY, ping);
	if (err == 0 && !mount_resolvers(plan))
		err = errno;
	if (err == 0)
		return ns;
	close(*tun);
	namespace_free(ns);
	return failed("cannot set up the network namespace", err);
}

void
namespace_free(struct namespace *ns)
{
	if (ns == NULL)
		return;
	routes_free(ns->routes);
	netlink_close(ns->nl);
	free(ns);
}
