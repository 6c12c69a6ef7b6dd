#include "tun_demux.h"

#include <stdbool.h>
#include <stdlib.h>

#include "icmp.h"
#include "mem.h"
#include "packet.h"
#include "wire.h"

#define PORTS (UINT16_MAX + 1)
#define DPORT_AT 2
#define PORTS_LEN 4
#define ICMP_ID_AT 4

struct address {
	struct address *next;
	ip4_t addr;
	uint8_t device[PORTS]; /* by destination port */
};

struct tun_demux {
	struct address *addresses; /* rarely more than one */
	uint8_t echo[PORTS];       /* by identifier: the device that used it last */
};

struct tun_demux *
tun_demux_new(void)
{
	return mem_zero(1, sizeof(struct tun_demux));
}

void
tun_demux_free(struct tun_demux *demux)
{
	struct address *next;

	for (; demux->addresses != NULL; demux->addresses = next) {
		next = demux->addresses->next;
		free(demux->addresses);
	}
	free(demux);
}

static struct address *
find(const struct tun_demux *demux, ip4_t addr)
{
	struct address *a = demux->addresses;

	while (a != NULL && a->addr != addr)
		a = a->next;
	return a;
}

void
tun_demux_claim(struct tun_demux *demux, ip4_t addr, struct port_range range, uint8_t device)
{
	struct address *a = find(demux, addr);

	if (a == NULL) {
		a = mem_zero(1, sizeof(*a));
		a->addr = addr;
		a->next = demux->addresses;
		demux->addresses = a;
	}
	for (unsigned port = range.first; port != 0 && port <= range.last; port++)
		a->device[port] = device;
}

void
tun_demux_release(struct tun_demux *demux, uint8_t device)
{
	for (unsigned i = 0; i < PORTS; i++) {
		for (struct address *a = demux->addresses; a != NULL; a = a->next) {
			if (a->device[i] == device)
				a->device[i] = 0;
		}
		if (demux->echo[i] == device)
			demux->echo[i] = 0;
	}
}

static bool
has_ports(uint8_t protocol)
{
	return protocol == IP_PROTO_TCP || protocol == IP_PROTO_UDP || protocol == IP_PROTO_SCTP ||
	       protocol == IP_PROTO_DCCP || protocol == IP_PROTO_UDPLITE;
}

/* The identifier of an echo or timestamp message of one of two types. */
static bool
read_id(const struct packet *p, uint8_t type_a, uint8_t type_b, uint16_t *id)
{
	const uint8_t *icmp = packet_payload(p);

	if (p->proto != IP_PROTO_ICMP || p->payload_len < ICMP_HEADER_LEN || (icmp[0] != type_a && icmp[0] != type_b))
		return false;
	*id = wire_get16(icmp + ICMP_ID_AT);
	return true;
}

/* The device that sent the packet which an ICMP error is about: its addresses and ports are the other way round. */
static int
by_quoted(const struct tun_demux *demux, const struct packet *quoted)
{
	const struct address *a = find(demux, quoted->src);
	uint16_t id;

	if (a == NULL)
		return TUN_DEMUX_NONE;
	if (!packet_is_first(quoted))
		return TUN_DEMUX_ALL;
	if (has_ports(quoted->proto))
		return quoted->payload_len < PORTS_LEN ? TUN_DEMUX_NONE : a->device[wire_get16(packet_payload(quoted))];
	return read_id(quoted, ICMP_TYPE_ECHO, ICMP_TYPE_TIMESTAMP, &id) ? demux->echo[id] : 0;
}

static bool
is_error(uint8_t icmp_type)
{
	return icmp_type == ICMP_TYPE_UNREACHABLE || icmp_type == ICMP_TYPE_TIME_EXCEEDED ||
	       icmp_type == ICMP_TYPE_PARAMETER;
}

static int
by_icmp(const struct tun_demux *demux, const struct packet *p)
{
	struct packet quoted;
	uint16_t id;

	if (p->payload_len < ICMP_HEADER_LEN)
		return TUN_DEMUX_NONE;
	if (is_error(packet_payload(p)[0]))
		return icmp_quoted(p, &quoted) ? by_quoted(demux, &quoted) : TUN_DEMUX_NONE;
	return read_id(p, ICMP_TYPE_ECHO_REPLY, ICMP_TYPE_TIMESTAMP_REPLY, &id) ? demux->echo[id] : 0;
}

int
tun_demux_inbound(const struct tun_demux *demux, const struct packet *p)
{
	const struct address *a = find(demux, p->dst);

	if (a == NULL)
		return TUN_DEMUX_NONE;
	if (!packet_is_first(p))
		return TUN_DEMUX_ALL;
	if (p->proto == IP_PROTO_ICMP)
		return by_icmp(demux, p);
	if (!has_ports(p->proto))
		return 0;
	return p->payload_len < PORTS_LEN ? TUN_DEMUX_NONE : a->device[wire_get16(packet_payload(p) + DPORT_AT)];
}

void
tun_demux_outbound(struct tun_demux *demux, const struct packet *p, uint8_t device)
{
	uint16_t id;

	if (packet_is_first(p) && read_id(p, ICMP_TYPE_ECHO, ICMP_TYPE_TIMESTAMP, &id))
		demux->echo[id] = device;
}
