/* A tunnel that an IKE daemon lays for one that we have moved, as at a rekey, between the addresses where it had laid that
 * one: libreswan has not followed, and leaves the policies, which it takes for its own, to where we have led them. No policy
 * leads to the new SAs then, and no packet goes. They belong where the policies lead. */
#ifndef RSIPC_KERNEL_HEIR_H
#define RSIPC_KERNEL_HEIR_H

#include "kernel_table.h"
#include "kernel_tunnel.h"

/* The tunnel for which there is such a pair, which stands in its ->heir: what kernel_align() is to put between its ends. NULL:
 * there is none. */
struct tunnel *kernel_heir(const struct kernel_group *group, const struct kernel_table *table);

/* The outbound SA of an inbound one that is an heir's, or of its record where there is one; spi 0: it is none's. By place and
 * age, as others, it cannot be told: the daemon deletes the outbound SA before it where it is no more. */
struct kernel_state kernel_heir_partner(const struct kernel_group *group, const struct kernel_table *table,
                                        const struct kernel_state *in);

/* A tunnel that is new in its group, and not in its list yet: what is to be known of it by those that are. */
void kernel_heir_inherit(struct tunnel *tunnel);

#endif
