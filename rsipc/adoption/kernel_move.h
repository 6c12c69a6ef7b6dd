/* Moves a tunnel of the kernel's: its SAs and the policies that lead into them. */
#ifndef RSIPC_KERNEL_MOVE_H
#define RSIPC_KERNEL_MOVE_H

#include "kernel_names.h"

/* All SAs of this group between these ends, of all generations, and their policies have other ends from now on. What keeps
 * its (destination, SPI), which names it, is moved in one step by MIGRATE, where the kernel can and migrate is true, else
 * deleted and added again in one go: packets between the two are lost, and none is taken twice. What
 * changes it is added before the policies change and deleted afterwards, but inbound SAs at another local address than
 * before, which are left to be drained. 0 or an errno number, ESRCH when there is no inbound one; after an error the old
 * SAs are as they were, as far as that can be had. */
struct kernel_ends { struct sa_end local, remote; };
int kernel_move(struct xfrm_nl *nl, struct kernel_group *group, struct kernel_ends from, struct kernel_ends to,
                bool migrate);

#endif
