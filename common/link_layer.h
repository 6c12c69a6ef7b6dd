/* What lies around an IP packet in a captured frame. */
#ifndef RSIP_LINK_LAYER_H
#define RSIP_LINK_LAYER_H

#include <stdbool.h>

#include "buf.h"

/* Narrows r, which reads a frame of the libpcap data link type link_type (DLT_EN10MB, ...; VLAN tags included), to what
 * follows the link layer's header. False when that is no IPv4 packet, or the type is none that we know. */
bool link_layer_strip(struct rbuf *r, int link_type);

bool link_layer_known(int link_type);

#endif
