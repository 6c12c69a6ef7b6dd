/* The host's network in host-wide mode: the leased addresses on the tunnel device, what goes through it and what does
 * not, and the ports that programs get.
 *
 * Two routing tables, asked before the main one. The first is for packets that have a leased source address: all of
 * them go through the tunnel. The second is for packets whose source is still to be chosen: what `routes` of the config
 * names goes through the tunnel, with the first leased address as its source. In both, local networks (QUERY's answer,
 * the subnets this machine is attached to, the gateway) are thrown back to the main table. Everything else, such as a
 * program bound to the private address, never sees them. */
#ifndef RSIPC_HOSTNET_H
#define RSIPC_HOSTNET_H

#include "netlink.h"

struct conf;
struct hostnet;
struct loop;
struct state;
struct tunnel;
struct wish;

#define HOSTNET_PROTOCOL 155    /* marks our routes and rules: ip route show table all proto 155 */
#define HOSTNET_TABLE_FROM 4555 /* leased source */
#define HOSTNET_TABLE_NEW 4556  /* source to be chosen */

/* Undoes what an earlier run was killed over. All but loop are borrowed for its life. */
struct hostnet *hostnet_new(const struct conf *conf, struct netlink *nl, struct state *state);
void hostnet_free(struct hostnet *hn); /* after hostnet_down; accepts NULL */

/* Brings the wish about on the tunnel's device, by as few changes as possible. */
void hostnet_apply(struct hostnet *hn, struct tunnel *tunnel, const struct wish *wish);

/* The device carries what its path takes: to be called when that may have changed. */
void hostnet_mtu(struct hostnet *hn, struct tunnel *tunnel);

/* Leaves nothing of ours behind. The tunnel is still there. */
void hostnet_down(struct hostnet *hn);

#endif
