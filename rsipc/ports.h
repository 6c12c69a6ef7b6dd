/* Confining the ports that programs get without asking for one (bind to port 0, connect) to those that are leased: the
 * kernel's range from the first to the last of them, with the gaps between reserved. Ports that a LISTEN lease holds are
 * for those who ask for them by number. Pure text work; writing the settings is the caller's. */
#ifndef RSIPC_PORTS_H
#define RSIPC_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "sysctl.h"

#define PORTS_RANGE_KEY "net/ipv4/ip_local_port_range"
#define PORTS_RESERVED_KEY "net/ipv4/ip_local_reserved_ports"
#define PORTS_FLOOR_KEY "net/ipv4/ip_unprivileged_port_start" /* the kernel takes no range from below it */

struct ports_setting {
	char range[32];                  /* for PORTS_RANGE_KEY: "40000 40063" */
	char reserved[SYSCTL_VALUE_MAX]; /* for PORTS_RESERVED_KEY: "40010-40019,..." */
};

/* leased: any number of ranges, in any order. floor: ports below are left out. reserved_before: what is reserved already,
 * and stays so. False when no port is left, or the gaps are too many to write down. */
bool ports_confine(struct ports_setting *out, const struct port_range *leased, size_t n, uint16_t floor,
                   const char *reserved_before);

#endif
