#include "frame.h"

#include <string.h>

void
frame_station(ip4_t addr, uint8_t mac[6])
{
	mac[0] = 2;
	mac[1] = 0;
	for (int i = 0; i < 4; i++)
		mac[2 + i] = (uint8_t)(addr >> (24 - 8 * i));
}

bool
frame_has_station(ip4_t addr)
{
	return addr == Y || addr == STRANGER || (addr >= X1 && addr <= X16);
}

ip4_t
frame_gateway(enum direction direction)
{
	return direction == IN ? OWN : GW;
}

bool
frame_build(struct frame *f, enum direction direction, const struct test_packet *p)
{
	static uint8_t space[70000];
	size_t len = test_packet_build(p, space);

	if (len + FRAME_HEADER > sizeof(f->bytes))
		return false;
	f->direction = direction;
	frame_station(frame_gateway(direction), f->bytes);
	frame_station(direction == IN ? Y : p->outer_src, f->bytes + 6);
	f->bytes[12] = 0x08;
	f->bytes[13] = 0x00;
	memcpy(f->bytes + FRAME_HEADER, space, len);
	f->len = len + FRAME_HEADER;
	return true;
}
