/* The control socket: what rsipctl asks this daemon, and what `rsipc -- COMMAND` does. */
#ifndef RSIPC_CTL_H
#define RSIPC_CTL_H

#include "ctl_server.h"

/* The table for ctl_server_new; its arg is the struct host. */
extern const struct ctl_command ctl_commands[];

/* The same without a gateway; its arg is the struct station. */
extern const struct ctl_command ctl_station_commands[];

/* Listens at path, whose directory it makes, for root and its group. -1 after a line in the log. */
int ctl_listen(const char *path);

#endif
