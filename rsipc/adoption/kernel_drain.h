/* Inbound SAs at a local address that the tunnel has left: what is still on its way there is taken, and when nothing more
 * comes they go. The copy at the new address has a replay window of its own from the move on: until the old one has gone,
 * a packet that was received at one address could be replayed to the other, once. */
#ifndef RSIPC_KERNEL_DRAIN_H
#define RSIPC_KERNEL_DRAIN_H

struct kernel_drain;
struct kernel_names;
struct kernel_state;
struct loop;
struct xfrm_nl;

/* Never NULL; nl and names are borrowed. */
struct kernel_drain *kernel_drain_new(struct loop *loop, struct xfrm_nl *nl, const struct kernel_names *names);
void kernel_drain_free(struct kernel_drain *drain); /* deletes what is left in the kernel; accepts NULL */

void kernel_drain_add(struct kernel_drain *drain, const struct kernel_state *state);
/* The tunnel comes back to that address: its old SA there makes room. */
void kernel_drain_end(struct kernel_drain *drain, const struct kernel_state *state);

/* The tunnel of this outbound SA has ended, by its inbound one. An IKE daemon deletes an outbound SA at the address that it
 * knows, so one that was moved since is left over: deletes it, after a while in which the daemon may do so itself, if no
 * policy sends by it then. */
void kernel_drain_orphan(struct kernel_drain *drain, const struct kernel_state *state);
/* This one is in use after all. */
void kernel_drain_keep(struct kernel_drain *drain, const struct kernel_state *state);

#endif
