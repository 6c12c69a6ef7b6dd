#include "random_frame.h"

#include <string.h>

#include "checksum.h"
#include "wire.h"

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
random_next(struct random_source *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t
random_below(struct random_source *r, uint32_t n)
{
	return (uint32_t)(random_next(r) >> 32) % n;
}

static bool
one_in(struct random_source *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

#define ONE_OF(r, list) (list)[random_below((r), COUNT(list))]

/* ---- what the site has, what lies beside it, and what lies nowhere ---- */

static const ip4_t peers[] = { Y, Y, Y, Y, Y, Y, Y, Y, Z, Z, Z, Z, Z, Z, Z, ROUTER, ROUTER, X1, X3, GW, OWN, A,
	W, IP(10, 0, 0, 255), IP(203, 0, 113, 0),
	                       IP(127, 0, 0, 1), IP(224, 0, 0, 1), 0, 0xffffffff, IP(240, 0, 0, 1) };
static const ip4_t locals[] = { A, A, A, A, A, A, D, D, W, W, C, OWN, OWN, B, W2, Z, GW, X1 };
static const ip4_t hosts[] = { X1, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, STRANGER, Y,
	GW };
static const uint8_t protocols[] = { TCP, TCP, TCP, TCP, TCP, UDP, UDP, UDP, UDP, UDP, ESP, ESP, ESP, ESP, AH,
	SCTP, DCCP, UDPLITE, ICMP, OSPF, 4, 47 };
static const uint16_t local_ports[] = { 1024, 1024, 1100, 1500, 2047, 2048, 2048, 2500, 3071, 3072, 4095, 4096,
	4159, 4160,
	                                4999, 5000, 5009, 5010, 7000, 7009, 7010, 5999, 6000, 6000, 6001, 79, 80, 81,
	0, 1, 499, 500, 500,
	                                500, 501, 4499, 4500, 4500, 4500, 4501, 1033, 1034, 2057, 2058, 65535 };
static const uint16_t peer_ports[] = { 80, 80, 80, 81, 79, 0, 53, 500, 4500, 1024, 65535 };
static const uint32_t spis[] = { 0x10000000, 0x10000003, 0x1000000f, 0x10000010, 0x0fffffff, 0x20000000, 0x2000000f,
	                         0x20000010, 0x30000000, 0x30000001, 0x40000000, 0x4000000f, 0x50000000, 0x5000000f,
	0x80000000, 0x8000000f, 0x90000000, 0x20000100, 0x2000010f, 0, 1,
	                         255, 256, 0xffffffff, 0xc0de };
static const uint64_t cookies[] = { OWN_BLOCK, OWN_BLOCK, X1_BLOCK, X1_BLOCK | ~BLOCK_MASK, X1_BLOCK - 1,
	                            (X1_BLOCK | ~BLOCK_MASK) + 1, X11_BLOCK | 5, X11_BLOCK, FOUND, OTHER, PEERS, 1, 0, 0 };
static const uint8_t ttls[] = { 64, 64, 64, 64, 64, 64, 64, 255, 255, 2, 2, 1, 0, 3 };
static const uint16_t sizes[] = { 0, 0, 1, 3, 4, 8, 27, 28, 33, 100, 1400, 1430, 1440, 1444, 1448, 1452, 1453,
	1460, 1472 };

static uint16_t
size_of_data(struct random_source *r)
{
	return one_in(r, 2) ? ONE_OF(r, sizes) : (uint16_t)random_below(r, 1480);
}

static uint16_t
port(struct random_source *r, const uint16_t *list, uint32_t n)
{
	return one_in(r, 12) ? (uint16_t)random_below(r, 65536) : list[random_below(r, n)];
}

/* ---- packets ---- */

static void
put_transport(struct random_source *r, struct test_packet *p, bool outbound)
{
	uint16_t local = port(r, local_ports, COUNT(local_ports)), peer = port(r, peer_ports, COUNT(peer_ports));

	if (local == 500 || local == 4500)
		p->carries = (enum udp_payload)random_below(r, UDP_KEEPALIVE + 1);
	p->sport = outbound ? local : peer;
	p->dport = outbound ? peer : local;
	p->spi = one_in(r, 12) ? (uint32_t)random_next(r) : ONE_OF(r, spis);
	p->ci = one_in(r, 12) ? random_next(r) : ONE_OF(r, cookies);
	p->cr = one_in(r, 12) ? random_next(r) : ONE_OF(r, cookies);
	p->ike_version = one_in(r, 3) ? 0x10 : 0x20;
	p->ike_flags = one_in(r, 2) ? FLAG_I : 0;
	p->syn = p->proto == TCP && one_in(r, 4);
	p->mss = p->syn && one_in(r, 2) ? (uint16_t)(1200 + random_below(r, 400)) : 0;
	p->mss_odd = one_in(r, 2);
	p->icmp_type = (uint8_t)random_below(r, 16);
	p->icmp_id = (uint16_t)random_below(r, 4);
}

static void
put_header(struct random_source *r, struct test_packet *p)
{
	p->ttl = ONE_OF(r, ttls);
	p->tos = one_in(r, 2) ? 0 : (uint8_t)random_below(r, 256);
	p->id = one_in(r, 3) ? 0 : (uint16_t)random_below(r, 65536);
	p->df = one_in(r, 2);
	if (one_in(r, 40))
		p->mf = true;
	if (one_in(r, 60))
		p->offset = (uint16_t)(8 * random_below(r, 180));
	if (one_in(r, 30))
		p->options = (uint8_t)(4 * random_below(r, 11));
}

/* What one binding leases, which chance would seldom find together: an address with a port or an SPI of it. */
static void
put_lease(struct random_source *r, const struct site_binding *b, struct test_packet *p, bool outbound)
{
	uint16_t *local = outbound ? &p->sport : &p->dport;

	*(outbound ? &p->src : &p->dst) = b->lease.local_addr;
	if (b->lease.remote_addr != 0 && !one_in(r, 4))
		*(outbound ? &p->dst : &p->src) = Y;
	if (b->lease.n_ports > 0) {
		*local = (uint16_t)(b->ports[0].first + random_below(r, (uint32_t)(b->ports[0].last - b->ports[0].first) + 1));
	} else if (b->lease.n_spis > 0) {
		p->spi = b->spis[0].first + random_below(r, b->spis[0].last - b->spis[0].first + 1);
		if (p->proto != ESP && p->proto != AH) {
			p->proto = UDP;
			*local = one_in(r, 2) ? 500 : 4500;
			p->carries = *local == 500 ? UDP_IKE : (enum udp_payload)(1 + random_below(r, 4));
		}
	}
}

/* A host's own tunnel, mostly. */
static void
put_tunnel(struct random_source *r, const struct site_binding *b, bool fits, struct test_packet *p)
{
	p->outer_src = fits ? b->lease.host_addr : ONE_OF(r, hosts);
	p->tunnel = (fits ? b->lease.tunnel == RSIP_TUNNEL_GRE : one_in(r, 3)) ? 47 : 4;
	p->outer_dst = one_in(r, 30) ? OWN : GW;
	p->outer_tos = one_in(r, 2) ? 0 : (uint8_t)random_below(r, 256);
	if (p->tunnel == 47 && b->lease.gre_key != 0 && !one_in(r, 10)) {
		p->gre_flags = 0x2000;
		p->gre_key = b->lease.gre_key;
	} else if (p->tunnel == 47 && one_in(r, 10))
		p->gre_flags = one_in(r, 2) ? 0x8000 : (uint16_t)random_below(r, 65536) & 0x7fff;
}

static void
random_packet(struct random_source *r, enum direction direction, struct test_packet *p)
{
	const struct site_binding *b = &site_bindings[random_below(r, COUNT(site_bindings))];
	bool fits = !one_in(r, 4);

	*p = (struct test_packet){ .proto = one_in(r, 50) ? (uint8_t)random_below(r, 256) : ONE_OF(r, protocols) };
	put_header(r, p);
	put_transport(r, p, direction == OUT);
	p->src = direction == OUT ? ONE_OF(r, locals) : ONE_OF(r, peers);
	p->dst = direction == OUT ? ONE_OF(r, peers) : ONE_OF(r, locals);
	if (fits)
		put_lease(r, b, p, direction == OUT);
	if (direction == OUT)
		put_tunnel(r, b, fits, p);
	p->data = size_of_data(r);
	if (one_in(r, 8))
		p->pad = (uint16_t)random_below(r, 40);
}

/* ---- damage ---- */

/* Puts right the checksum of the IPv4 header at ip, if one fits there. */
static void
mend(uint8_t *ip, size_t len)
{
	size_t header = len > 0 ? (size_t)(ip[0] & 15) * 4 : 0;

	if (header < 20 || header > len)
		return;
	wire_put16(ip + 10, 0);
	wire_put16(ip + 10, checksum(ip, header));
}

static void
mend_all(struct frame *f)
{
	uint8_t *ip = f->bytes + FRAME_HEADER;
	size_t len = f->len - FRAME_HEADER, header = len > 0 ? (size_t)(ip[0] & 15) * 4 : 0;

	mend(ip, len);
	if (header >= 20 && header + 4 < len && (ip[9] == 4 || ip[9] == 47)) {
		size_t inner = header + (ip[9] == 47 ? 4 : 0);
		mend(ip + inner, len - inner);
	}
}

static void
change_bytes(struct random_source *r, struct frame *f)
{
	size_t reach = f->len - FRAME_HEADER < 100 ? f->len - FRAME_HEADER : 100;

	for (uint32_t n = 1 + random_below(r, 3); n > 0 && reach > 0; n--) {
		uint8_t *at = f->bytes + FRAME_HEADER + random_below(r, (uint32_t)reach);

		*at = one_in(r, 2) ? (uint8_t)random_below(r, 256) : *at ^ (uint8_t)(1u << random_below(r, 8));
	}
	if (!one_in(r, 4))
		mend_all(f);
}

static void
cut_short(struct random_source *r, struct frame *f)
{
	f->len = FRAME_HEADER + random_below(r, (uint32_t)(f->len - FRAME_HEADER) + 1);
}

/* An 802.1Q or 802.1ad tag, or two. */
static void
put_tags(struct random_source *r, struct frame *f)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x9100 };

	for (uint32_t n = 1 + random_below(r, 3); n > 0 && f->len + 4 <= sizeof(f->bytes); n--) {
		memmove(f->bytes + 16, f->bytes + 12, f->len - 12);
		wire_put16(f->bytes + 12, ONE_OF(r, types));
		wire_put16(f->bytes + 14, one_in(r, 2) ? 0 : (uint16_t)random_below(r, 4096));
		f->len += 4;
	}
}

static void
change_link(struct random_source *r, struct frame *f)
{
	switch (random_below(r, 4)) {
	case 0:
		memset(f->bytes, 0xff, 6);
		break;
	case 1:
		f->bytes[random_below(r, 6)] ^= (uint8_t)(1u << random_below(r, 8));
		break;
	case 2:
		wire_put16(f->bytes + 12, (uint16_t)random_below(r, 65536));
		break;
	default:
		put_tags(r, f);
	}
}

void
random_frame(struct random_source *r, struct frame *f)
{
	enum direction direction = one_in(r, 2) ? IN : OUT;
	struct test_packet p;

	if (one_in(r, 8)) {
		const struct dp_case *c = &cases[random_below(r, COUNT(cases))];
		direction = c->direction;
		p = c->packet;
	} else {
		random_packet(r, direction, &p);
	}
	if (!frame_build(f, direction, &p)) {
		p.data = 0;
		frame_build(f, direction, &p);
	}
	if (one_in(r, 4))
		change_bytes(r, f);
	if (one_in(r, 40))
		cut_short(r, f);
	if (one_in(r, 40))
		change_link(r, f);
}
