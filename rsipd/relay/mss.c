#include "mss.h"

#include "checksum.h"
#include "wire.h"

#define TCP_HEADER_LEN 20
#define TCP_CHECKSUM_AT 16
#define TCP_FLAG_SYN 0x02

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

/* Offset of the MSS value in the TCP header, or 0. Options (RFC 9293 3.1) are walked as far as they hold together. */
static size_t
find_mss(const uint8_t *tcp, size_t header_len)
{
	size_t at = TCP_HEADER_LEN;

	while (at < header_len && tcp[at] != OPTION_END) {
		if (tcp[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= header_len || tcp[at + 1] < 2 || at + tcp[at + 1] > header_len)
			return 0;
		if (tcp[at] == OPTION_MSS)
			return tcp[at + 1] == OPTION_MSS_LEN ? at + 2 : 0;
		at += tcp[at + 1];
	}
	return 0;
}

static uint16_t
swapped(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* A value at an odd offset adds to the one's complement sum with its bytes the other way round. */
static void
set_mss(uint8_t *tcp, size_t at, uint16_t mss)
{
	uint16_t before = wire_get16(tcp + at), sum = wire_get16(tcp + TCP_CHECKSUM_AT);

	wire_put16(tcp + at, mss);
	if (at % 2 == 0)
		sum = checksum_adjust(sum, before, mss);
	else
		sum = checksum_adjust(sum, swapped(before), swapped(mss));
	wire_put16(tcp + TCP_CHECKSUM_AT, sum);
}

void
mss_clamp(struct packet *p, uint16_t mtu)
{
	uint8_t *tcp = p->bytes + p->payload;
	uint16_t most = (uint16_t)(mtu - IPV4_HEADER_LEN - TCP_HEADER_LEN);
	size_t header_len, at;

	if (p->proto != IP_PROTO_TCP || !packet_is_first(p) || p->payload_len < TCP_HEADER_LEN ||
	    (tcp[13] & TCP_FLAG_SYN) == 0 || mtu < IPV4_HEADER_LEN + TCP_HEADER_LEN)
		return;
	header_len = (size_t)(tcp[12] >> 4) * 4;
	if (header_len > p->payload_len || (at = find_mss(tcp, header_len)) == 0)
		return;
	if (wire_get16(tcp + at) > most)
		set_mss(tcp, at, most);
}
