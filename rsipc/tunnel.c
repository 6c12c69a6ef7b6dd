#include "tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap.h"
#include "log.h"
#include "mem.h"
#include "tun_relay.h"
#include "tunnel_impl.h"

#define MTU_MIN 576      /* less is no path for IPv4 hosts: RFC 791 */
#define MTU_DEFAULT 1500 /* when the kernel does not tell: Ethernet's */
#define DISCARD_PORT 9

static struct sockaddr_in
address_of(ip4_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr), .sin_port = htons(port) };
}

/* A UDP socket over which nothing is sent: connecting it looks up the path, of which the kernel keeps what it learned. */
unsigned
tunnel_mtu(const struct tunnel *t)
{
	struct sockaddr_in from = address_of(t->plan.local, 0), to = address_of(t->plan.remote, DISCARD_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = MTU_DEFAULT;
	socklen_t len = sizeof(mtu);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len);
	if (fd >= 0)
		close(fd);
	mtu = mtu < MTU_MIN ? MTU_MIN : mtu > UINT16_MAX ? UINT16_MAX : mtu;
	return encap_mtu((uint16_t)mtu, t->plan.kind);
}

static unsigned
path_changed(void *arg)
{
	struct tunnel *t = arg;

	t->mtu_changed(t->arg);
	return tunnel_mtu(t);
}

struct tun_relay *
tunnel_relay(struct tunnel *t)
{
	if (t->relay == NULL)
		t->relay = tun_relay_new(t->loop, t->plan.kind, t->plan.local, t->plan.remote, path_changed, t);
	if (t->relay == NULL)
		log_error("tunnel", "no raw socket to the gateway error=\"%s\": root or CAP_NET_RAW is needed", strerror(errno));
	return t->relay;
}

void
tunnel_address(struct tunnel *t, ip4_t addr)
{
	if (t->relay != NULL)
		tun_relay_address(t->relay, addr);
}

static int
open_with(struct tunnel *t, const struct tunnel_ops *ops)
{
	t->ops = ops;
	return ops->open(t);
}

static int
open_device(struct tunnel *t)
{
	int err = EOPNOTSUPP;

	if (t->plan.device == NULL)
		return 0;
	if (t->plan.driver != CONF_DRIVER_TUN)
		err = open_with(t, &tunnel_kernel);
	if (t->plan.driver == CONF_DRIVER_TUN || (t->plan.driver == CONF_DRIVER_AUTO && err == EOPNOTSUPP))
		err = open_with(t, &tunnel_tun);
	if (err != 0)
		t->ops = NULL;
	return err;
}

static const char *
advice_for(const struct tunnel *t, int err)
{
	if (err == EEXIST || err == EBUSY)
		return "there is a device of that name: set device in section tunnel";
	if (err == EOPNOTSUPP)
		return "this kernel has no such tunnel: set driver = \"tun\"";
	if (err == ENOENT)
		return "/dev/net/tun is missing: modprobe tun";
	if (err == EPERM || err == EACCES)
		return "root or CAP_NET_ADMIN is needed";
	return t->plan.driver == CONF_DRIVER_KERNEL ? "set driver = \"tun\"" : "";
}

struct tunnel *
tunnel_open(struct loop *loop, struct netlink *nl, const struct tunnel_plan *plan, void (*changed)(void *arg), void *arg)
{
	struct tunnel *t = mem_zero(1, sizeof(*t));
	int err;

	t->loop = loop;
	t->nl = nl;
	t->plan = *plan;
	t->mtu_changed = changed;
	t->arg = arg;
	err = open_device(t);
	if (err == 0)
		return t;
	log_error("tunnel", "device cannot be made device=%s error=\"%s\" %s", plan->device, strerror(err),
	    advice_for(t, err));
	tunnel_close(t);
	return NULL;
}

void
tunnel_expect(struct tunnel *t, ip4_t local)
{
	if (t->relay != NULL && !tun_relay_expect(t->relay, local))
		log_debug("tunnel", "not yet at the new address error=\"%s\"", strerror(errno));
}

bool
tunnel_move(struct tunnel *t, ip4_t local)
{
	char from[IP4_STRLEN], to[IP4_STRLEN];
	int err = 0;

	ip4_str(t->plan.local, from);
	t->plan.local = local;
	if (t->relay != NULL && !tun_relay_move(t->relay, local))
		err = errno;
	if (err == 0 && t->ops != NULL)
		err = t->ops->move(t);
	if (err == 0)
		log_info("tunnel", "moved from=%s to=%s", from, ip4_str(local, to));
	else
		log_error("tunnel", "cannot be moved from=%s to=%s error=\"%s\"", from, ip4_str(local, to), strerror(err));
	return err == 0;
}

void
tunnel_close(struct tunnel *t)
{
	if (t == NULL)
		return;
	if (t->ops != NULL)
		t->ops->close(t);
	tun_relay_free(t->relay);
	free(t);
}

const char *
tunnel_driver(const struct tunnel *t)
{
	return t->ops != NULL ? t->ops->name : "none";
}

bool
tunnel_is_kernel(const struct tunnel *t)
{
	return t->ops == &tunnel_kernel;
}

const struct tun_relay_counters *
tunnel_counters(const struct tunnel *t)
{
	return t->relay != NULL ? tun_relay_counters(t->relay) : NULL;
}
