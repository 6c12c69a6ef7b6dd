/* TCP MSS clamping: an option, for paths whose ICMP fragmentation-needed gets lost. The one place where the relay
 * changes what is behind an inner header, so never done to an address leased whole. */
#ifndef RSIPD_MSS_H
#define RSIPD_MSS_H

#include <stdint.h>

#include "packet.h"

/* If p begins with a TCP SYN whose MSS option says more than mtu can carry, lowers the option and adjusts the TCP
 * checksum. */
void mss_clamp(struct packet *p, uint16_t mtu);

#endif
