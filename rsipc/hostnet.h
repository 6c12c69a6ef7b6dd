/* The host's network in host-wide mode: the leased addresses on the tunnel device, the ports that programs get, and, by
 * hostroutes.h, what goes through the tunnel. */
#ifndef RSIPC_HOSTNET_H
#define RSIPC_HOSTNET_H

struct conf;
struct hostnet;
struct netlink;
struct state;
struct tunnel;
struct wish;

/* Undoes what an earlier run was killed over. All are borrowed for its life. */
struct hostnet *hostnet_new(const struct conf *conf, struct netlink *nl, struct state *state);
void hostnet_free(struct hostnet *hn); /* after hostnet_down; accepts NULL */

/* Brings the wish about on the tunnel's device, by as few changes as possible. */
void hostnet_apply(struct hostnet *hn, struct tunnel *tunnel, const struct wish *wish);

/* The device carries what its path takes: to be called when that may have changed. */
void hostnet_mtu(struct hostnet *hn, struct tunnel *tunnel);

/* Leaves nothing of ours behind. The tunnel is still there. */
void hostnet_down(struct hostnet *hn);

#endif
