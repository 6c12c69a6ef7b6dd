/* Where the later fragments of a packet belong: with their first one, which alone has the transport header. Virtual
 * reassembly: nothing is put together; what comes before its first one waits for it in fragment_hold.h.
 *
 * A fragment that would overwrite bytes of the first one is an attack: it would make the host see another header than
 * the one by which the packet was let through (RFC 1858 4, RFC 5722). It is dropped. The rest of the packet is not:
 * else a stranger who guesses IDs could take packets from a flow, and without the overlap it is what was let through.
 * Later fragments that overlap each other change nothing that was decided by; what to do with them is the host's
 * decision, who puts them together. */
#ifndef RSIPD_FRAGMENTS_H
#define RSIPD_FRAGMENTS_H

#include "classify.h"
#include "demux.h"
#include "packet.h"

/* p is a first fragment with more to come, and goes to or came from binding's host. Releases those that wait for it. */
void fragments_first(struct demux *d, const struct packet *p, enum local_side side, struct demux_binding *binding,
                     int64_t now);

/* A first fragment with more to come that is nobody's and goes to the gateway's own stack, or the like. */
void fragments_first_of_nobody(struct demux *d, const struct packet *p);

enum fragment_fate { FRAGMENT_OWNED, FRAGMENT_OVERLAPS, FRAGMENT_EARLY /* its first one has not come */ };

/* *owner is the binding with which the first fragment of p went, or NULL. For LOCAL_IS_SRC host is who sent p: another
 * host's first fragment is not p's. */
enum fragment_fate fragments_owner(struct demux *d, const struct packet *p, enum local_side side,
                                   const struct demux_host *host, struct demux_binding **owner);

/* Has an early fragment wait: from the public side, or out of a host's tunnel of that kind. spare: it also goes on
 * now. */
void fragments_hold_in(struct demux *d, const struct packet *p, bool spare, int64_t now);
void fragments_hold_out(struct demux *d, const struct packet *p, const struct demux_host *host,
                        struct tunnel_kind tunnel, int64_t now);

#endif
