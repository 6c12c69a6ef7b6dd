#include "icmp.h"

#include <string.h>

#include "checksum.h"
#include "wire.h"

#define TTL_DEFAULT 64 /* RFC 1340 */
#define TIMESTAMP_LEN 20
/* RFC 1812 4.3.2.5: errors go out with precedence 6, internetwork control. */
#define TOS_INTERNETWORK_CONTROL 0xc0

bool
icmp_quoted(const struct packet *error, struct packet *quoted)
{
	if (error->payload_len < ICMP_HEADER_LEN)
		return false;
	return packet_parse_quoted(quoted, error->bytes + error->payload + ICMP_HEADER_LEN,
	                           error->payload_len - ICMP_HEADER_LEN);
}

bool
icmp_checksum_good(const struct packet *p)
{
	return checksum(packet_payload(p), p->payload_len) == 0;
}

/* Only queries may be answered: an error, or a type unknown to us that may be one, may not. */
static bool
is_icmp_query(const struct packet *p)
{
	uint8_t type = packet_payload(p)[0];

	return type == ICMP_TYPE_ECHO || type == ICMP_TYPE_ECHO_REPLY || type == ICMP_TYPE_TIMESTAMP ||
	       type == ICMP_TYPE_TIMESTAMP_REPLY;
}

static bool
names_one_host(ip4_t addr)
{
	uint8_t net = (uint8_t)(addr >> 24);

	return net != 0 && net != 127 && net < 224;
}

static bool
error_allowed(const struct packet *about)
{
	if (!packet_is_first(about) || !names_one_host(about->src))
		return false;
	return about->proto != IP_PROTO_ICMP || (about->payload_len > 0 && is_icmp_query(about));
}

static void
put_ipv4_header(uint8_t *ip, uint8_t tos, size_t len, ip4_t src, ip4_t dst)
{
	memset(ip, 0, IPV4_HEADER_LEN);
	ip[0] = 0x45;
	ip[IPV4_TOS] = tos;
	wire_put16(ip + 2, (uint16_t)len);
	ip[IPV4_TTL] = TTL_DEFAULT;
	ip[IPV4_PROTO] = IP_PROTO_ICMP;
	wire_put32(ip + IPV4_SRC, src);
	wire_put32(ip + IPV4_DST, dst);
	wire_put16(ip + IPV4_CHECKSUM, checksum(ip, IPV4_HEADER_LEN));
}

size_t
icmp_error(uint8_t out[ICMP_ERROR_MAX], const struct packet *about, uint8_t type, uint8_t code, uint16_t mtu, ip4_t src)
{
	size_t quote = about->len, room = ICMP_ERROR_MAX - IPV4_HEADER_LEN - ICMP_HEADER_LEN;
	uint8_t *icmp = out + IPV4_HEADER_LEN;

	if (!error_allowed(about))
		return 0;
	if (quote > room)
		quote = room;
	memset(icmp, 0, ICMP_HEADER_LEN);
	icmp[0] = type;
	icmp[1] = code;
	wire_put16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEADER_LEN, about->bytes, quote);
	wire_put16(icmp + 2, checksum(icmp, ICMP_HEADER_LEN + quote));
	put_ipv4_header(out, TOS_INTERNETWORK_CONTROL, IPV4_HEADER_LEN + ICMP_HEADER_LEN + quote, src, about->src);
	return IPV4_HEADER_LEN + ICMP_HEADER_LEN + quote;
}

/* RFC 792: type, code, checksum, id, sequence; a timestamp message goes on with originate, receive, transmit. */
static bool
make_reply(uint8_t *icmp, size_t len, uint32_t ms_of_day)
{
	if (icmp[0] == ICMP_TYPE_ECHO) {
		icmp[0] = ICMP_TYPE_ECHO_REPLY;
	} else if (icmp[0] == ICMP_TYPE_TIMESTAMP && len >= TIMESTAMP_LEN) {
		icmp[0] = ICMP_TYPE_TIMESTAMP_REPLY;
		wire_put32(icmp + 12, ms_of_day);
		wire_put32(icmp + 16, ms_of_day);
	} else {
		return false;
	}
	wire_put16(icmp + 2, 0);
	wire_put16(icmp + 2, checksum(icmp, len));
	return true;
}

/* IP options of the request do not come back: none of them is of use to the asker of a gateway. */
bool
icmp_reply(struct packet *request, uint32_t ms_of_day)
{
	uint8_t *icmp = request->bytes + request->payload;
	size_t len = request->payload_len;

	if (request->proto != IP_PROTO_ICMP || packet_is_fragment(request) || len < ICMP_HEADER_LEN ||
	    !names_one_host(request->src) || !icmp_checksum_good(request) || !make_reply(icmp, len, ms_of_day))
		return false;
	memmove(request->bytes + IPV4_HEADER_LEN, icmp, len);
	put_ipv4_header(request->bytes, request->tos, IPV4_HEADER_LEN + len, request->dst, request->src);
	request->len = IPV4_HEADER_LEN + len;
	return true;
}
