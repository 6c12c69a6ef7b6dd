/* The owners of the ports of an address, as the programs read them while they change. */
#ifndef RSIPD_XDP_PORT_TABLE_H
#define RSIPD_XDP_PORT_TABLE_H

#include <stdint.h>

#include "xdp_abi.h"

/* From now on the port leads to owner, a binding or one of the XDP_PORT_ words. Readers see the old owner or the new one. */
void xdp_port_set(struct xdp_ports *table, uint16_t port, uint32_t owner);

#endif
