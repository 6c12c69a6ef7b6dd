/* Brings a tunnel together again that an IKE daemon has left in pieces: it moves SAs and policies by its own view,
 * which may be older than ours, and what it does not find where it looks for it stays where it is. */
#ifndef RSIPC_KERNEL_ALIGN_H
#define RSIPC_KERNEL_ALIGN_H

#include "kernel_move.h"

struct kernel_pair { uint32_t in, out; }; /* SPIs; out 0 = none */

/* Is it in pieces: does no policy lead to one of its SAs, or is the outbound one not between the ends of the inbound
 * one? Also when only some policies of the reqid lead elsewhere, where none of its SAs is: the daemon may have led some
 * away after we led others back. Not while the reqid has no policies: the daemon is at work, and there is nothing to
 * lead. */
bool kernel_is_astray(const struct kernel_table *table, const struct kernel_state *in, const struct kernel_state *out);

/* The SAs of the pair and all policies of the group have these ends from now on. An SA whose place another one of its
 * SPI has is left alone: it is being drained. 0 or an errno number. */
int kernel_align(struct xfrm_nl *nl, struct kernel_group *group, struct kernel_pair pair, struct kernel_ends ends);

#endif
