/* Packet rings for the relay (ring_open.h), a device at a time: where a device can have one, its packets take the short
 * way, else the TUN's or the raw sockets'. The frames that a ring takes are kept from the kernel's own stack. */
#ifndef RSIPD_RINGS_H
#define RSIPD_RINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "relay.h"

struct conf;
struct netlink;
struct netstate_place;
struct undo;

/* Opens what conf asks for into fds: rings, sender, questions, news. Returns false after a line in the log when conf
 * insists on rings and a device cannot have one; with relay-io = "auto" the log says which and why. */
bool rings_open(struct undo *undo, struct netlink *nl, const struct conf *conf, const struct netstate_place *place,
                struct relay_fds *fds);

/* The pools of a new conf, or other addresses of the machine, for rings that are open. What fails is logged; packets pass by the TUN then. */
void rings_again(struct undo *undo, struct netlink *nl, const struct conf *conf, const struct netstate_place *place,
                 struct relay_fds *fds);

void rings_close(struct relay_fds *fds);

/* What the relay takes packets from, for people, when there are so many devices. */
const char *rings_text(const struct relay_fds *fds, size_t n_devices);

#endif
