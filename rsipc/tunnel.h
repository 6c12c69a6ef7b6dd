/* The tunnel to the gateway, and the host's own device of it. Two drivers: the kernel's ipip or gre device, and a TUN
 * device with the user-space relay (tun_relay.h). Commands that run with leases of their own are always served by the
 * relay, beside either. */
#ifndef RSIPC_TUNNEL_H
#define RSIPC_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"
#include "encap.h"

struct loop;
struct netlink;
struct tun_relay;
struct tun_relay_counters;
struct tunnel;

struct tunnel_plan {
	const char *device; /* the host's own; NULL = none is wanted */
	struct tunnel_kind kind;
	enum conf_driver driver;
	ip4_t local, remote; /* this host and the tunnel's end */
};

/* Makes the device, down and without addresses. mtu_changed is called when the path takes less than it did. NULL after a
 * line in the log. nl is borrowed; its network namespace must be the caller's. */
struct tunnel *tunnel_open(struct loop *loop, struct netlink *nl, const struct tunnel_plan *plan,
                           void (*mtu_changed)(void *arg), void *arg);

/* This host's end of the tunnel will soon be at another address, and is there now. The device stays what it is, with its
 * addresses and routes: what uses it notices nothing. False after a line in the log: it is to be made anew. */
void tunnel_expect(struct tunnel *tunnel, ip4_t local);
bool tunnel_move(struct tunnel *tunnel, ip4_t local);
void tunnel_close(struct tunnel *tunnel); /* the device goes too; accepts NULL */

const char *tunnel_driver(const struct tunnel *tunnel); /* "kernel", "tun", "none" */
bool tunnel_is_kernel(const struct tunnel *tunnel);
unsigned tunnel_mtu(const struct tunnel *tunnel); /* what a device may carry now */

/* The host holds this address: what no command claims of it is for the host's device. */
void tunnel_address(struct tunnel *tunnel, ip4_t addr);

/* The relay, made at the first call where the driver itself needs none. NULL after a line in the log. */
struct tun_relay *tunnel_relay(struct tunnel *tunnel);

/* What the relay has carried; NULL when there is none. */
const struct tun_relay_counters *tunnel_counters(const struct tunnel *tunnel);

/* A kernel device that an earlier run was killed over is deleted; any other device of that name is left alone. */
void tunnel_clean(struct netlink *nl, const char *device, uint8_t type);

#endif
