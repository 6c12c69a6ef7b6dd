/* Packets whose sender left the transport checksum to the device that would put them on a wire, and that never met one:
 * they come from this very machine (veth, a virtual machine). Whoever sends such a packet on must complete it. */
#ifndef RSIPD_UNSUMMED_H
#define RSIPD_UNSUMMED_H

#include <stddef.h>
#include <stdint.h>

/* Writes the checksum of the TCP segment or UDP datagram in the packet, or in the one that it tunnels. */
void unsummed_complete(uint8_t *bytes, size_t len);

#endif
