/* The tables, pinned: what lets them, and the programs that use them, outlive an rsipd that crashes or is exchanged. */
#ifndef RSIPD_XDP_PINS_H
#define RSIPD_XDP_PINS_H

#include <limits.h>
#include <stdbool.h>

#include "xdp_tables.h"

/* The directory below home for tables of these sizes, made by a build with this one's key and value types. */
void xdp_pins_dir(const char *home, const struct xdp_sizes *sizes, char dir[PATH_MAX]);

/* Opens all maps that are pinned in dir: the caller closes the descriptors. False when there is not each of them. */
bool xdp_pins_open(const char *dir, int fd[XDP_MAP_COUNT]);

/* Pins the maps in dir, which is made. False with errno set; nothing is left there then. */
bool xdp_pins_make(const char *dir, const int fd[XDP_MAP_COUNT]);

void xdp_pins_close(int fd[XDP_MAP_COUNT]);

#endif
