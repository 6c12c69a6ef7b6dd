/* What rsipctl may ask of rsipd: its documents, and the operator's power over leases. */
#ifndef RSIPD_CTL_H
#define RSIPD_CTL_H

struct ctl_server;
struct gateway;
struct loop;

/* Serves the control socket that listens at listen_fd, which stays the caller's; gw is borrowed. End it with
 * ctl_server_free (ctl_server.h), before the ledger is. Lists (hosts, bindings, pools) are written while they are read,
 * over many turns of the loop, so a long one neither blocks the process nor takes its memory. */
struct ctl_server *ctl_serve(struct loop *loop, int listen_fd, const struct gateway *gw);

#endif
