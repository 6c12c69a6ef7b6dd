#include "compare.h"

#include <string.h>

#include "checksum.h"
#include "packet.h"
#include "wire.h"

#define ETHERTYPE_IPV4 0x0800

static char text[200];

/* ---- what may be passed up although the relay sends it on ---- */

static bool
has_options(const uint8_t *ip)
{
	return ip[0] != 0x45;
}

static bool
is_fragment(const uint8_t *ip)
{
	return (wire_get16(ip + 6) & 0x3fff) != 0;
}

static bool
is_syn(const struct packet *p)
{
	return p->proto == IP_PROTO_TCP && p->payload_len >= 20 && (packet_payload(p)[13] & 2) != 0;
}

/* X10's remote side is a name, whose addresses change too often for tables; X9 and X15 have remote ports, which AH
 * shows only to who looks behind its header; X16 has a GRE key. */
static bool
is_beyond_tables(ip4_t host)
{
	return host == X9 || host == X10 || host == X15 || host == X16;
}

/* IKE is the fast path's only inbound, and only where a cookie is known: what a host sends teaches the relay. */
static bool
is_ike(const struct packet *p, enum direction direction)
{
	uint16_t local = wire_get16(packet_payload(p) + (direction == IN ? 2 : 0));
	const uint8_t *data = packet_payload(p) + 8;

	if (p->proto != IP_PROTO_UDP || p->payload_len < 8)
		return false;
	if (local == 500)
		return true;
	return local == 4500 && (p->payload_len < 12 || wire_get32(data) == 0);
}

static bool
in_block(const uint8_t *cookie)
{
	return (wire_get64(cookie) & BLOCK_MASK) == X1_BLOCK;
}

/* From an IKEv2 initiator: the responder's cookie comes first, and may be one that only its peer has used so far. */
static bool
responder_decides(const uint8_t *ike)
{
	static const uint8_t none[8];

	return ike[17] >> 4 == 2 && (ike[19] & 0x08) != 0 && memcmp(ike + 8, none, sizeof(none)) != 0;
}

static bool
is_known_ike(const struct packet *p)
{
	const uint8_t *ike = packet_payload(p) + (wire_get16(packet_payload(p) + 2) == 500 ? 8 : 12);

	return ike + 28 <= p->bytes + p->len && p->dst == A && in_block(ike) &&
	       (!responder_decides(ike) || in_block(ike + 8));
}

/* Class E: the kernel forwards it, but few networks do. */
static bool
is_reserved(ip4_t addr)
{
	return addr >> 28 == 0xf;
}

static bool
may_pass(const struct frame *f, const struct outcome *relayed)
{
	const uint8_t *ip = f->bytes + FRAME_HEADER;
	struct packet p, outer;

	packet_parse(&p, (uint8_t *)ip, f->len - FRAME_HEADER);
	if (has_options(ip) || is_fragment(ip))
		return true;
	if (f->direction == OUT) {
		outer = p;
		if (is_beyond_tables(outer.src) || outer.dst != GW ||
		    (outer.proto == IP_PROTO_GRE && wire_get16(packet_payload(&outer)) != 0))
			return true;
		ip = packet_payload(&outer) + (outer.proto == IP_PROTO_GRE ? 4 : 0);
		packet_parse(&p, (uint8_t *)ip, (size_t)(outer.bytes + outer.len - ip));
		if (has_options(ip) || is_fragment(ip))
			return true;
	}
	if (p.proto == IP_PROTO_ICMP || is_syn(&p) || is_reserved(p.src) || is_reserved(p.dst))
		return true;
	if (f->direction == IN && is_beyond_tables(relayed->next_hop))
		return true;
	return is_ike(&p, f->direction) && (f->direction == OUT || !is_known_ike(&p));
}

/* Now and then one that the kernel needs to see, to keep its table of neighbours true; of the packets to an SPI the
 * first, and now and then another, for the relay. */
static bool
is_in_turn(const struct fast_result *fast)
{
	return strcmp(fast->why, "probe") == 0 || strcmp(fast->why, "spi_out") == 0;
}

/* ---- whole frames ---- */

/* The outer ID is the sender's own. Where a packet may be fragmented it must differ from packet to packet, else it says
 * nothing (RFC 6864): both are set to 0 after their checksums have been found right. */
static const char *
set_outer_id_aside(uint8_t *ip, size_t len)
{
	if (len < IPV4_HEADER_LEN || checksum(ip, IPV4_HEADER_LEN) != 0)
		return "the header checksum is wrong";
	wire_put16(ip + 4, 0);
	wire_put16(ip + IPV4_CHECKSUM, 0);
	wire_put16(ip + IPV4_CHECKSUM, checksum(ip, IPV4_HEADER_LEN));
	return NULL;
}

static const char *
compare_link(const struct outcome *relayed, const struct frame *sent)
{
	uint8_t to[6], from[6];

	frame_station(relayed->next_hop, to);
	frame_station(relayed->towards == IN ? GW : OWN, from);
	if (memcmp(sent->bytes, to, 6) != 0)
		return "the link address is not the next hop's";
	if (memcmp(sent->bytes + 6, from, 6) != 0)
		return "the link address that it comes from is not the device's";
	return wire_get16(sent->bytes + 12) != ETHERTYPE_IPV4 ? "it is not IPv4 any more" : NULL;
}

static const char *
compare_sent(const struct outcome *relayed, const struct frame *sent)
{
	uint8_t want[FRAME_ROOM], have[FRAME_ROOM];
	size_t len = sent->len - FRAME_HEADER;
	const char *wrong = NULL;

	memcpy(want, relayed->packet, relayed->len);
	memcpy(have, sent->bytes + FRAME_HEADER, len);
	if (relayed->towards == IN && sent->direction == IN) {
		set_outer_id_aside(want, relayed->len);
		wrong = set_outer_id_aside(have, len);
	}
	if (wrong == NULL && len != relayed->len) {
		snprintf(text, sizeof(text), "it has %zu bytes, not %zu", len, relayed->len);
		return text;
	}
	for (size_t i = 0; wrong == NULL && i < len; i++) {
		if (have[i] != want[i]) {
			snprintf(text, sizeof(text), "byte %zu is %02x, not %02x", i, have[i], want[i]);
			return text;
		}
	}
	return wrong != NULL ? wrong : compare_link(relayed, sent);
}

const char *
compare(const struct frame *f, const struct outcome *relayed, const struct fast_result *fast)
{
	switch (fast->verdict) {
	case FAST_PASSED:
		return relayed->fate == FATE_SENT && !is_in_turn(fast) && !may_pass(f, relayed) ? "it must not be passed up" : NULL;
	case FAST_SENT:
		return relayed->fate == FATE_SENT ? compare_sent(relayed, &fast->frame) : "it must not be sent";
	case FAST_DROPPED:
		if (relayed->fate == FATE_VANISHED)
			return NULL;
		if (relayed->fate != FATE_DROPPED)
			return "it must not be dropped";
		return relayed->reason != fast->reason ? "it is dropped for another reason" : NULL;
	default:
		return fast->why;
	}
}

/* ---- telling ---- */

static void
print_hex(FILE *to, const char *what, const uint8_t *bytes, size_t len)
{
	fprintf(to, "  %s, %zu bytes:", what, len);
	for (size_t i = 0; i < len; i++)
		fprintf(to, "%s%02x", i % 32 == 0 ? "\n    " : " ", bytes[i]);
	fprintf(to, "\n");
}

void
compare_print(FILE *to, const struct frame *f, const struct outcome *relayed, const struct fast_result *fast)
{
	static const char *const fates[] = { "sends it", "drops it", "never gets it", "does it alone" };
	static const char *const verdicts[] = { "passes it up", "drops it", "sends it", "fails" };

	print_hex(to, f->direction == IN ? "from the public link" : "from the private link", f->bytes, f->len);
	fprintf(to, "  the relay %s: %s%s\n", fates[relayed->fate],
	        relayed->fate == FATE_DROPPED ? dp_drop_name(relayed->reason) : "", relayed->because);
	fprintf(to, "  the fast path %s: %s\n", verdicts[fast->verdict],
	        fast->verdict == FAST_DROPPED ? dp_drop_name(fast->reason) : fast->why != NULL ? fast->why : "");
	if (relayed->fate == FATE_SENT)
		print_hex(to, "the relay's packet", relayed->packet, relayed->len);
	if (fast->verdict == FAST_SENT)
		print_hex(to, "the fast path's frame", fast->frame.bytes, fast->frame.len);
}
