/* Where the later fragments of a packet belong: with their first one, which alone has the transport header. Virtual
 * reassembly in order: nothing is held back or put together, so a fragment that comes before its first one is
 * dropped. */
#ifndef RSIPD_FRAGMENTS_H
#define RSIPD_FRAGMENTS_H

#include "classify.h"
#include "demux.h"
#include "packet.h"

/* p is a first fragment with more to come, and goes to or came from binding's host. */
void fragments_first(struct demux *d, const struct packet *p, enum local_side side, struct demux_binding *binding,
                     int64_t now);

/* The binding with which the first fragment of p went, or NULL. For LOCAL_IS_SRC host is who sent p: another host's
 * first fragment is not p's. A fragment that would overwrite bytes of the first one belongs to nobody (RFC 1858, RFC
 * 5722). */
struct demux_binding *fragments_owner(struct demux *d, const struct packet *p, enum local_side side,
                                      const struct demux_host *host);

#endif
