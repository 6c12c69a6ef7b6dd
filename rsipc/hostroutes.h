/* Which of the host's packets go through the tunnel, by two routing tables that are asked before the main one. The first
 * is for packets that have a leased source address: all of them go through the tunnel. The second is for packets whose
 * source is still to be chosen: what `routes` of the config names goes through the tunnel, with the first leased address
 * as its source. In both, local networks (QUERY's answer, the subnets this machine is attached to, the gateway) are
 * thrown back to the main table. Everything else, such as a program bound to the private address, never sees them.
 *
 * Where the leases are handed over to a gateway on this machine there is the first table only, for what that forwards;
 * and what comes out of the tunnel is looked up in the main table, also when another holder of the same address has sent
 * it, whose source is leased to us, too. */
#ifndef RSIPC_HOSTROUTES_H
#define RSIPC_HOSTROUTES_H

#include <stdbool.h>

struct conf;
struct hostroutes;
struct netlink;
struct wish;

#define HOSTROUTES_PROTOCOL 156    /* marks our routes and rules: ip route show table all proto 156. rsipd has 155 */
#define HOSTROUTES_TABLE_FROM 4565 /* leased source */
#define HOSTROUTES_TABLE_NEW 4566  /* source to be chosen */

/* Undoes what an earlier run was killed over. conf and nl are borrowed. */
struct hostroutes *hostroutes_new(const struct conf *conf, struct netlink *nl);
void hostroutes_free(struct hostroutes *hr); /* after hostroutes_clear; accepts NULL */

/* Brings the wish about on the device of that index; shield: the device is the kernel's own tunnel, which hands packets
 * for commands to the host's stack if they are not dropped before. */
void hostroutes_apply(struct hostroutes *hr, const struct wish *wish, unsigned ifindex, bool shield);

void hostroutes_clear(struct hostroutes *hr);

#endif
