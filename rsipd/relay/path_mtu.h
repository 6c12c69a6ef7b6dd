/* The path MTU to a host, as the kernel knows it. */
#ifndef RSIPD_PATH_MTU_H
#define RSIPD_PATH_MTU_H

#include <stdint.h>

#include "addr.h"

#define PATH_MTU_MIN 68 /* RFC 791 3.2: every link takes this */

/* The longest packet that the way to this host takes; 0 when there is no way. probe is an unbound UDP socket, which is
 * only asked and sends nothing. */
uint16_t path_mtu(int probe, ip4_t host_addr);

#endif
