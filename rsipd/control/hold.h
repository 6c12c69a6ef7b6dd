/* Quarantine (RFC 3102 6.1): a freed tuple that nobody but its former host may have until a time, because peers may
 * still send to it. */
#ifndef RSIPD_HOLD_H
#define RSIPD_HOLD_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "binding.h"
#include "ranges.h"
#include "slab.h"

struct hold {
	uint32_t number;        /* slab.h */
	uint32_t expiry_slot;   /* the expiry heap's */
	struct range_node node; /* first and last; its place among the holds of the address */
	ip4_t addr, host;
	enum tuple_kind kind; /* never TUPLE_IKE_PEER */
	int64_t until;        /* clock_now() milliseconds */
	struct hold *prev, *next; /* the other holds of this host on this address, utlist.h */
};

extern struct slab hold_slab;

static inline struct hold *
hold_of_node(struct range_node *node) /* NULL for NULL */
{
	return node != NULL ? (struct hold *)(void *)((char *)node - offsetof(struct hold, node)) : NULL;
}

#endif
