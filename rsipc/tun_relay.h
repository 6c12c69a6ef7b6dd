/* The user-space tunnel of a host: TUN devices on one side, a raw socket towards the gateway on the other. What is read
 * from a device goes into the tunnel unchanged behind an outer header that the kernel builds; what comes out of the
 * tunnel goes to the device whose it is (tun_demux.h).
 *
 * The outer header: source this host, destination the tunnel's end, TTL 64, DF and TOS of the inner packet (RFC 2003 3.1,
 * RFC 2983, RFC 6040). A packet with DF that is too long for the path is answered as a router would (RFC 1191). */
#ifndef RSIPC_TUN_RELAY_H
#define RSIPC_TUN_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "encap.h"

struct loop;
struct tun_relay;
struct tun_relay_device;

struct tun_relay_counters {
	uint64_t in_packets, in_bytes;   /* tunnel -> device; inner bytes */
	uint64_t out_packets, out_bytes; /* device -> tunnel */
	uint64_t malformed;              /* no sound IPv4 packet inside, either way */
	uint64_t no_lease;               /* inbound: not for an address or device of ours */
	uint64_t too_big;                /* outbound: longer than the path takes, with DF set */
	uint64_t send_failed;            /* outbound: the kernel refused */
	uint64_t device_failed;          /* inbound: the device was down or full */
};

/* Opens the raw socket: needs CAP_NET_RAW. path_changed is called when the path took less than a device may carry, and
 * returns what a device may carry now. NULL with errno. */
struct tun_relay *tun_relay_new(struct loop *loop, struct tunnel_kind tunnel, ip4_t local, ip4_t remote,
                                unsigned (*path_changed)(void *arg), void *arg);

/* The tunnel will soon end at another address of this host: packets are taken there as well from now on. False with errno. */
bool tun_relay_expect(struct tun_relay *relay, ip4_t local);
/* It does now: packets are sent from there. What is still under way to the address before is taken, too. */
bool tun_relay_move(struct tun_relay *relay, ip4_t local);
void tun_relay_free(struct tun_relay *relay); /* detaches all devices; accepts NULL */

/* Serves one more device, whose descriptor it takes over. The host's own is number 0 and gets what no other claims; the
 * others are of commands. gone, if not NULL, is called once when the device was removed, by its network namespace ending;
 * the device is detached then. NULL when there are TUN_DEMUX_DEVICES already; fd is closed then too. */
struct tun_relay_device *tun_relay_attach_host(struct tun_relay *relay, int fd);
struct tun_relay_device *tun_relay_attach(struct tun_relay *relay, int fd, void (*gone)(void *arg), void *arg);
void tun_relay_detach(struct tun_relay_device *device); /* accepts NULL */

/* Inbound packets to these ports of addr are the device's. */
void tun_relay_claim(struct tun_relay_device *device, ip4_t addr, struct port_range ports);
/* The host holds this address; what no device claims of it is the host's. */
void tun_relay_address(struct tun_relay *relay, ip4_t addr);

const struct tun_relay_counters *tun_relay_counters(const struct tun_relay *relay);

#endif
