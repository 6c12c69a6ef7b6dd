#include "link_layer.h"

#include <pcap/dlt.h>
#include <stdint.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8 /* IEEE 802.1ad */

bool
link_layer_known(int link_type)
{
	static const int known[] = { DLT_RAW, DLT_IPV4, DLT_NULL, DLT_LOOP, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i] == link_type)
			return true;
	}
	return false;
}

/* A tag is two bytes, and the type of what follows it. */
static uint16_t
behind_tags(struct rbuf *r, uint16_t ethertype)
{
	while (!r->bad && (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ)) {
		rbuf_take(r, 2);
		ethertype = rbuf_u16(r);
	}
	return ethertype;
}

bool
link_layer_strip(struct rbuf *r, int link_type)
{
	uint16_t ethertype = ETHERTYPE_IPV4;

	switch (link_type) {
	case DLT_RAW:
	case DLT_IPV4:
		break;
	case DLT_NULL:
	case DLT_LOOP:
		rbuf_take(r, 4); /* the address family, in whatever byte order; the IP version decides */
		break;
	case DLT_EN10MB:
		rbuf_take(r, 12);
		ethertype = behind_tags(r, rbuf_u16(r));
		break;
	case DLT_LINUX_SLL:
		rbuf_take(r, 14);
		ethertype = behind_tags(r, rbuf_u16(r));
		break;
	case DLT_LINUX_SLL2:
		ethertype = rbuf_u16(r);
		rbuf_take(r, 18);
		ethertype = behind_tags(r, ethertype);
		break;
	default:
		return false;
	}
	return !r->bad && ethertype == ETHERTYPE_IPV4 && rbuf_left(r) > 0 && *r->pos >> 4 == 4;
}
