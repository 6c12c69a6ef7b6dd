/* Ethernet frames of the test gateway's two links, and whose address is whose on them. */
#ifndef TESTS_FRAME_H
#define TESTS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cases.h"

#define FRAME_HEADER 14
#define FRAME_ROOM 2048 /* of a frame under test; what a BPF test run takes in one piece, and more than our links do */
#define LINK_MTU 1500

struct frame {
	enum direction direction; /* IN: it arrives on the public link, OUT: on the private one */
	uint8_t bytes[FRAME_ROOM];
	size_t len;
};

/* Every station of the two links has 02:00 and its IPv4 address for its link address. */
void frame_station(ip4_t addr, uint8_t mac[6]);

/* Whether the gateway knows the link address of this neighbour: the hosts' and Y's. */
bool frame_has_station(ip4_t addr);

/* The gateway's own address on the link that the frame arrives on. */
ip4_t frame_gateway(enum direction direction);

/* Puts an Ethernet header, towards the gateway, before the packet p. False when it does not fit into a frame. */
bool frame_build(struct frame *f, enum direction direction, const struct test_packet *p);

#endif
