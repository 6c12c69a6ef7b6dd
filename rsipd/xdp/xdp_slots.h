/* The table of bindings as one of open addressing by bind ID, so that whoever has its memory finds a binding without
 * another index: the relay to change it, control to read its counters. An entry never moves: other tables say its
 * index.
 *
 * An entry that was left is not used again for a second. A program that still looks at it, for a microsecond, sees a
 * binding that is not live. */
#ifndef RSIPD_XDP_SLOTS_H
#define RSIPD_XDP_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "xdp_tables.h"

/* What user space keeps in an entry. */
enum xdp_slot_user {
	XDP_SLOT_FREED,       /* when it was left: clock_now() */
	XDP_SLOT_EPOCH,       /* which run of the relay knows it */
	XDP_SLOT_FINGERPRINT, /* of all that control has told of the binding */
};

/* The live entry of the binding, or 0. For any process. */
uint32_t xdp_slots_find(const struct xdp_tables *t, uint32_t bind_id);

/* An entry for the binding, all zero but its bind ID, not live yet; 0 when none is free near where it has to be. */
uint32_t xdp_slots_take(struct xdp_tables *t, uint32_t bind_id, int64_t now);

/* All else of the entry has been written: it is live from now on. */
void xdp_slots_publish(struct xdp_tables *t, uint32_t slot, uint8_t flags);

/* Nothing goes by the binding's entry any more, which stays the relay's to leave. For control, at once when it takes a
 * binding back: a relay may just then be gone, and the next one is in step only when it has been told everything. */
void xdp_slots_stop(const struct xdp_tables *t, uint32_t bind_id);

/* Nothing goes by it any more. */
void xdp_slots_leave(struct xdp_tables *t, uint32_t slot, int64_t now);

static inline bool
xdp_slots_live(const struct xdp_tables *t, uint32_t slot)
{
	return slot > 0 && slot < t->sizes.bindings &&
	       (__atomic_load_n(&t->bindings[slot].flags, __ATOMIC_ACQUIRE) & XDP_BINDING_LIVE) != 0;
}

#endif
