#include "kernel.h"

#include <string.h>

#include "checksum.h"
#include "encap.h"
#include "packet.h"
#include "wire.h"

#define ETHERTYPE_IPV4 0x0800
#define TUNNEL_TTL 64

static bool
elsewhere(struct outcome *o, const char *because)
{
	o->fate = FATE_ELSEWHERE;
	o->because = because;
	return false;
}

static bool
vanished(struct outcome *o, const char *because)
{
	o->fate = FATE_VANISHED;
	o->because = because;
	return false;
}

/* ---- addresses, as the routing table of the site has them ---- */

static bool
is_served(ip4_t addr)
{
	for (size_t i = 0; i < COUNT(site_pools); i++) {
		if (addr >= site_pools[i].addresses.first && addr <= site_pools[i].addresses.last)
			return true;
	}
	return false;
}

static bool
is_local(ip4_t addr)
{
	return addr == GW || addr == OWN;
}

static bool
is_on_link(ip4_t addr)
{
	return addr >> 8 == GW >> 8 || addr >> 8 == OWN >> 8;
}

/* RFC 1122 3.2.1.3, as far as the kernel has it. */
static bool
is_unicast(ip4_t addr)
{
	return addr >> 24 != 0 && addr >> 24 != 127 && addr >> 28 != 0xe && addr != 0xffffffff;
}

/* Where no packet comes from. Without a reverse path filter the kernel lets a broadcast address of a link pass. */
static bool
is_martian_source(ip4_t addr)
{
	return !is_unicast(addr) || is_local(addr);
}

/* And where none goes to. */
static bool
is_martian_destination(ip4_t addr)
{
	return !is_unicast(addr) || (is_on_link(addr) && (addr & 0xff) == 0xff);
}

/* ---- in ---- */

/* The pool's addresses are routed to the TUN. Its own stack keeps what is sent to itself, unless it is a pool too. */
static bool
forward_to_tun(struct packet *p, struct outcome *o)
{
	if (!is_served(p->dst))
		return elsewhere(o, "not to an address of ours");
	if (is_martian_source(p->src))
		return vanished(o, "martian source");
	if (p->ttl <= 1)
		return elsewhere(o, "TTL ends here");
	packet_set_ttl(p, (uint8_t)(p->ttl - 1));
	return true;
}

static bool
deliver_to_socket(const struct packet *p, struct outcome *o)
{
	if (!is_local(p->dst))
		return elsewhere(o, "not to the gateway");
	if (encap_tunnel_type(p) == 0)
		return elsewhere(o, "not a tunnel packet");
	if (is_martian_source(p->src))
		return vanished(o, "martian source");
	if (packet_is_fragment(p))
		return elsewhere(o, "a fragment of a tunnel packet, to be put together");
	return true;
}

bool
kernel_receives(const struct frame *f, struct outcome *o, size_t *len)
{
	struct packet p;
	uint8_t mac[6];

	*o = (struct outcome){ .because = "" };
	frame_station(frame_gateway(f->direction), mac);
	if (memcmp(f->bytes, mac, sizeof(mac)) != 0)
		return elsewhere(o, "not to the gateway's link address");
	if (wire_get16(f->bytes + 12) != ETHERTYPE_IPV4)
		return elsewhere(o, "not IPv4, or with a tag that belongs to another device");
	*len = f->len - FRAME_HEADER;
	memcpy(o->packet, f->bytes + FRAME_HEADER, *len);
	if (!packet_parse(&p, o->packet, *len))
		return vanished(o, "not a packet");
	*len = p.len;
	return f->direction == IN ? forward_to_tun(&p, o) : deliver_to_socket(&p, o);
}

/* ---- out ---- */

static uint16_t
put_outer(uint8_t *at, const struct tunnel_header *t, size_t inner_len)
{
	size_t gre = encap_len(t->kind);
	uint16_t len = (uint16_t)(IPV4_HEADER_LEN + gre + inner_len);

	memset(at, 0, IPV4_HEADER_LEN);
	at[0] = 0x45;
	at[IPV4_TOS] = t->tos;
	wire_put16(at + 2, len);
	wire_put16(at + 6, t->df ? 0x4000 : 0);
	at[IPV4_TTL] = TUNNEL_TTL;
	at[IPV4_PROTO] = gre != 0 ? IP_PROTO_GRE : IP_PROTO_IPIP;
	wire_put32(at + IPV4_SRC, t->src);
	wire_put32(at + IPV4_DST, t->dst);
	wire_put16(at + IPV4_CHECKSUM, checksum(at, IPV4_HEADER_LEN));
	encap_write(t->kind, at + IPV4_HEADER_LEN);
	return len;
}

static void
send_to_host(const struct verdict *v, struct outcome *o)
{
	uint8_t outer[IPV4_HEADER_LEN + GRE_HEADER_MAX];
	uint16_t len = put_outer(outer, &v->tunnel, v->len);

	if (len > LINK_MTU) {
		elsewhere(o, "to be fragmented in the tunnel");
		return;
	}
	o->fate = FATE_SENT;
	o->towards = IN;
	o->next_hop = v->tunnel.dst;
	memmove(o->packet + (len - v->len), v->bytes, v->len);
	memcpy(o->packet, outer, len - v->len);
	o->len = len;
}

static void
forward_from_tun(const struct verdict *v, struct outcome *o)
{
	struct packet p;

	memmove(o->packet, v->bytes, v->len);
	if (!packet_parse(&p, o->packet, v->len) || is_martian_destination(p.dst))
		vanished(o, "nowhere to go");
	else if (is_local(p.dst) || is_served(p.dst))
		elsewhere(o, "to the gateway or to another host of ours");
	else if (p.ttl <= 1)
		elsewhere(o, "TTL ends here");
	else if (p.len > LINK_MTU)
		elsewhere(o, "longer than the link takes");
	else if (!frame_has_station(o->next_hop = is_on_link(p.dst) ? p.dst : Y))
		elsewhere(o, "the next hop's link address is not known yet");
	else {
		packet_set_ttl(&p, (uint8_t)(p.ttl - 1));
		o->fate = FATE_SENT;
		o->towards = p.dst >> 8 == GW >> 8 ? IN : OUT;
		o->len = p.len;
	}
}

void
kernel_sends(const struct verdict *v, struct outcome *o)
{
	o->because = "";
	if (v->answer != NULL || v->action == VERDICT_ANSWERED)
		elsewhere(o, "the gateway answers");
	else if (v->violation.error != 0)
		elsewhere(o, "control is told");
	else if (v->action == VERDICT_STACK)
		elsewhere(o, "the gateway's own");
	else if (v->action == VERDICT_HELD)
		elsewhere(o, "it waits for its first fragment");
	else if (v->action == VERDICT_HOST && v->hairpin)
		elsewhere(o, "from host to host");
	else if (v->action == VERDICT_HOST)
		send_to_host(v, o);
	else if (v->action == VERDICT_PUBLIC)
		forward_from_tun(v, o);
	else {
		o->fate = FATE_DROPPED;
		o->reason = v->reason;
	}
}
