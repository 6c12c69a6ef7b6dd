/* Whose is an IKE packet on a shared port? (RFC 3104 4, 6.1, Appendix E and G; design: IKE cookies)
 *
 * A host owns a cookie because it lies in a block leased with a binding, or because the host was the first on its
 * address to use it (learned: a claim). Its own cookie is the initiator's of an IKE SA that it began and the
 * responder's of one that its peer began, so both fields are looked at. Cookies are told apart per address, over all
 * its IKE ports: an IKE SA keeps its cookies when it moves from 500 to 4500.
 *
 * Two hosts of one address may speak IKE with each other: then both cookies are on it. sender is the host of ours that
 * sent the packet, NULL where it came from the public side: what is his own does not lead back to him. */
#ifndef RSIPD_IKE_DEMUX_H
#define RSIPD_IKE_DEMUX_H

#include <stdbool.h>

#include "classify.h"
#include "demux.h"

/* The binding whose host a DEMUX_IKE or DEMUX_KEEPALIVE packet belongs to, or NULL; nothing is learned. side says where
 * the local side stands: destination of a packet that comes in, source of one quoted in an ICMP error. Without a known
 * cookie it is the one host that has a live IKE session with this peer, if exactly one has. */
struct demux_binding *ike_owner(struct demux *d, const struct demux_key *key, enum local_side side,
                                const struct demux_host *sender);

/* The same for a packet that comes in, at time now: a host that listens for this peer (Appendix G) comes before the one
 * with the session (Appendix E), and unknown cookies become that host's. */
struct demux_binding *ike_receive(struct demux *d, const struct demux_key *key,
                                  const struct demux_host *sender, int64_t now);

/* Why ike_receive found nobody: no host of the address has a session with this peer, or several have, and nothing in
 * the packet says which of them is meant (Appendix E). */
enum dp_drop ike_unowned(struct demux *d, const struct demux_key *key, const struct demux_host *sender);

/* A host sends the IKE packet; egress has found it allowed by binding. Claims its cookies if nobody holds them;
 * *claimed is the number of those. DP_NO_DROP, or why it must be dropped: another host holds a cookie, or the host
 * has its fill. */
enum dp_drop ike_send(struct demux *d, const struct demux_key *key, struct demux_binding *binding, int64_t now,
                      unsigned *claimed);

/* A cookie or a session that control remembers from before. It is void when the binding is gone or another host holds
 * the cookie. */
void ike_restore(struct demux *d, const struct dp_claim *claim, int64_t now);

#endif
