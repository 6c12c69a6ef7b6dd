/* The network state of a running gateway, outside of its own processes: forwarding, the TUN and the routes into it,
 * proxy ARP for pool addresses on the public subnet, the rules of own-address mode, and receive offloads that would
 * merge tunnel packets. All of it goes when the gateway does, and what a killed one left goes at the next start.
 *
 *   pool addresses        -> routes to the TUN (protocol 155), by prefixes
 *   ... on the public net -> proxy ARP entries on the public interface
 *   own address           -> rule "iif PUBLIC to ADDRESS lookup 4555", table 4555 = default to the TUN, and proxy ARP,
 *                            since the kernel no longer finds the address to be local there
 *   frames of packet rings -> dropped at the devices' tc ingress hooks: rings.h
 *   kernel tunnel drivers -> devices that take tunnel packets and drop them: sink.h
 *   sysctls               -> ip_forward 1; on the TUN: forwarding, rp_filter, accept_local, send_redirects */
#ifndef RSIPD_NETSTATE_H
#define RSIPD_NETSTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "relay.h"

#define NETSTATE_TUN_MTU 65535

struct conf;
struct netstate;

/* Where the gateway stands among the machine's devices and addresses. */
struct netstate_place {
	struct relay_net net;
	ip4_t own[16]; /* the public interface's addresses that are also pool addresses */
	size_t n_own;
};
bool netstate_place_owns(const struct netstate_place *place, ip4_t addr);

/* journal is the path of the file that tells what to put back; what a killed daemon left is put back now. Returns NULL
 * after a line in the log. */
struct netstate *netstate_open(const char *journal);

/* Puts all back that netstate_apply changed; accepts NULL. The TUN and its routes go with its last descriptor. */
void netstate_close(struct netstate *state);

/* Leaves all as it is, for the next rsipd: as if this one had been killed. Accepts NULL. */
void netstate_leave(struct netstate *state);

/* Finds the devices and addresses that conf names. Returns false after a line in the log for whatever is missing or
 * cannot work. */
bool netstate_find(struct netstate *state, const struct conf *conf, struct netstate_place *place);

/* Makes the state that conf asks for; the TUN is there. before is the conf that is in force already, or NULL: what it
 * made stays, also where conf asks for less, since leases outlive a pool. Returns false after a line in the log. */
bool netstate_apply(struct netstate *state, const struct conf *conf, const struct netstate_place *place,
                    const struct conf *before);

/* The same for an address that is of no pool of conf, but leased still. False, and nothing made, where that cannot be: the
 * address is the machine's own (but for one that netstate_apply has steered), or of a private device's subnet, or of a local
 * network. After netstate_apply; again has no effect. */
bool netstate_carry(struct netstate *state, const struct conf *conf, const struct netstate_place *place, ip4_t addr);

/* Packet rings: rings.h. Open takes the TUN's index into place; again comes after a reload, and when addresses changed. */
bool netstate_open_rings(struct netstate *state, const struct conf *conf, struct netstate_place *place,
                         struct relay_fds *fds);
void netstate_rings_again(struct netstate *state, const struct conf *conf, const struct netstate_place *place,
                          struct relay_fds *fds);

/* Whether the machine has other addresses now than when this was asked last, or netstate_find was. */
bool netstate_readdressed(struct netstate *state);

/* The TUN has been made anew: gives it what netstate_apply gave to the one before, and tells place. */
bool netstate_renew_tun(struct netstate *state, const struct conf *conf, struct netstate_place *place);

/* Waits until the TUN of a daemon that was killed is gone, at most some seconds. */
void netstate_wait_gone(struct netstate *state, const char *tun);

#endif
