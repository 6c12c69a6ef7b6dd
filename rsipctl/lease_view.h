/* The gateway's lease table as rsipctl has heard of it, in the tables of the relay itself: what trace and replay hold
 * packets against. */
#ifndef RSIPCTL_LEASE_VIEW_H
#define RSIPCTL_LEASE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "engine.h"

#define LEASE_VIEW_ERROR 512

struct lease_view;

/* probe: see path_mtu.h; -1 takes 1500 for every host's path. */
struct lease_view *lease_view_new(int probe);
void lease_view_free(struct lease_view *view); /* accepts NULL */

/* Makes the table what the documents say that the daemon answers "data-plane" and "bindings" with; what has been
 * learned from packets stays with the bindings that are still there. Without a data_plane document (NULL) the pools are
 * made up out of the bindings: every address with one is a pool address, shared unless it is leased whole, with the IKE
 * ports 500 and 4500. now: engine.h. False with a reason in error when a document does not hold what it should; the
 * table is of no use then. */
bool lease_view_load(struct lease_view *view, const json_t *data_plane, const json_t *bindings, int64_t now,
                     char error[LEASE_VIEW_ERROR]);

struct engine *lease_view_engine(struct lease_view *view);

/* Tells the engine the time, and has it forget what is too old as often as the relay does. */
void lease_view_time(struct lease_view *view, int64_t now);

/* Whether this is an address of the gateway at which the tunnels of hosts end. */
bool lease_view_is_tunnel_end(const struct lease_view *view, ip4_t addr);

/* Asks the kernel again how wide the ways to the hosts are. */
void lease_view_refresh_paths(struct lease_view *view);

#endif
