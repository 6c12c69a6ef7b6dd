/* Which tunnel device of this host an inbound inner packet is for, when commands hold ports of their own beside those
 * of the host: a smaller sister of the gateway's demultiplexer.
 *
 * Transport packets go by (destination address, destination port), ICMP errors by the source of the packet they are
 * about, echo and timestamp replies by the identifier last seen going out. A fragment that is not the first carries no
 * port: every device gets a copy, and those that did not get the first one let it time out. Everything else (ESP, AH,
 * IKE) is for the host, device 0. Pure: no sockets. */
#ifndef RSIPC_TUN_DEMUX_H
#define RSIPC_TUN_DEMUX_H

#include <stdint.h>

#include "addr.h"

#define TUN_DEMUX_DEVICES 64 /* numbers below are devices */
#define TUN_DEMUX_ALL (-1)   /* a copy for each */
#define TUN_DEMUX_NONE (-2)  /* cut short, or for an address that is not ours */

struct packet;
struct tun_demux;

struct tun_demux *tun_demux_new(void);
void tun_demux_free(struct tun_demux *demux);

/* These ports of addr are device's; port 0 in range.first: only the address becomes known, its ports are device 0's. */
void tun_demux_claim(struct tun_demux *demux, ip4_t addr, struct port_range range, uint8_t device);
/* All that device claimed is device 0's again. */
void tun_demux_release(struct tun_demux *demux, uint8_t device);

int tun_demux_inbound(const struct tun_demux *demux, const struct packet *packet);

/* Learns from a packet that device sends. */
void tun_demux_outbound(struct tun_demux *demux, const struct packet *packet, uint8_t device);

#endif
