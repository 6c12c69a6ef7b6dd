/* Giving up root's powers but for those that the work needs. */
#ifndef RSIPC_PRIVILEGES_H
#define RSIPC_PRIVILEGES_H

#include <stdbool.h>

/* CAP_NET_ADMIN (devices, routes, settings) and CAP_NET_RAW (the tunnel's socket) are there. False after a line that
 * says what to do. */
bool privileges_suffice(void);

/* Keeps these two and nothing else, for good: no program that is run from here gets more. False after a line in the
 * log. */
bool privileges_drop(void);

/* For a command: back to the user who ran sudo(8); nothing where nobody did. False with errno. */
bool privileges_of_caller(void);

#endif
