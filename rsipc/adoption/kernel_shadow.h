/* Keeps the packets of a tunnel going while an IKE daemon follows a move that we made.
 *
 * strongSwan's MOBIKE, some 100 ms after us, lays the policies of a moved tunnel anew: it blocks what leaves, takes away
 * those of `in` and `fwd`, deletes and adds SAs, and then puts the policies back. Until it has done so, a dozen requests
 * to the kernel later, packets of both directions are dropped. So a tunnel that we have moved has each of its policies
 * twice for a while: the copy, the shadow, comes one place before the original and leads to the same ends, so that it does not
 * matter what becomes of the original.
 *
 *  - A mark tells a shadow from its original: KERNEL_SHADOW_MARK must not be set in packets, as it is in none but by a
 *    firewall's rule. Packets that have it go by the original.
 *  - It names no SPI: while the SA is missing for a moment a packet makes the kernel ask for one. With an SPI what it asks
 *    for would take the place of the SA that the daemon is about to add.
 *  - The kernel ends it by itself after KERNEL_SHADOW_S, whatever has become of this program by then.
 *  - It ends at once when the daemon does anything else with the tunnel than to lead it where it is: a rekey, a delete, a
 *    move to elsewhere. */
#ifndef RSIPC_KERNEL_SHADOW_H
#define RSIPC_KERNEL_SHADOW_H

#include <stdint.h>

#define KERNEL_SHADOW_MARK 0x80000000u
#define KERNEL_SHADOW_S 40 /* IKEv1 of strongSwan follows with the next DPD, which we say should be 30 s apart */

struct kernel_backend;
struct kernel_group;
struct kernel_table;
struct nlmsghdr;
struct tunnel;

/* Lays shadows for the tunnels of the group that were moved since they were last laid, and are whole in this table. */
void kernel_shadow_lay(struct kernel_group *group, const struct kernel_table *table);

/* The kernel tells of an SA or a policy: notes which shadows it contradicts; header NULL: something, and all are. */
void kernel_shadow_told(struct kernel_backend *backend, const struct nlmsghdr *header);
/* Ends those. */
void kernel_shadow_settle(struct kernel_backend *backend);

/* Ends those of the tunnel's group, if there are any; what the kernel has told of them has been noted. */
void kernel_shadow_end(struct tunnel *tunnel);
/* Ends all that there are, an earlier program's. */
void kernel_shadow_clear(struct kernel_backend *backend);

#endif
