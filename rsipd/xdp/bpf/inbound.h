/* Public interface to host: rows 1 and 3 to 6 of the design's table, then the tunnel header and the way to the host. */
#ifndef XDP_BPF_INBOUND_H
#define XDP_BPF_INBOUND_H

#include "blocks.h"
#include "fields.h"
#include "next_hop.h"

#define OUTER_TTL 64 /* as the relay's sockets have it */
#define GRE_IPV4 bpf_htonl(ETH_P_IP) /* RFC 2784: no flags, version 0, IPv4 inside */
#define MARKER_LEN 4

/* The relay keeps a claim for as long as it is used, and sees it used: a packet in 16 s to 3 minutes. */
#define CLAIM_SHIFT 3 /* of stamps */

/* ---- whose is it ---- */

/* A claim is older than any block it could lie in. */
static __always_inline __u32
cookie_owner(const struct xdp_state *now, __u32 addr, const struct xdp_addr *a, __u64 cookie, struct xdp_claim **claim)
{
	struct xdp_claim_key claimed = { .cookie = cookie, .addr = addr };

	*claim = (a->flags & XDP_ADDR_CLAIMS) != 0 ? bpf_map_lookup_elem(&claims, &claimed) : NULL;
	return *claim != NULL ? (*claim)->binding : cookie_block_owner(now, a, cookie);
}

/* The relay has to see it, so that the claim lives on. */
static __always_inline int
claim_needs_use(struct xdp_claim *claim)
{
	__u32 now = stamp_now(), stamp;

	if (claim == NULL)
		return 0;
	stamp = claim->stamp;
	if (stamp == 0 || (stamp ^ now) >> CLAIM_SHIFT != 0)
		claim->stamp = now;
	return stamp != 0 && (stamp ^ now) >> CLAIM_SHIFT != 0;
}

/* Row 4. When the two cookies lead to different hosts, the local side's own decides, which is the responder's where
 * IKEv2 says that the peer is the initiator; else the initiator's (the relay's ike_demux.c). */
static __always_inline __u32
ike_owner(const struct xdp_state *now, const struct frame *f, const struct xdp_addr *a, const struct ike_header *ike,
          __u32 len)
{
	struct xdp_claim *claim, *responders_claim;
	__u32 owner, responder;

	if (len < sizeof(*ike) || (const void *)(ike + 1) > f->end || ike->initiator == 0 ||
	    (a->flags & XDP_ADDR_COOKIES_UP) != 0)
		return 0;
	owner = cookie_owner(now, f->ip->daddr, a, ike->initiator, &claim);
	if (ike->responder != 0 &&
	    (owner == 0 || (ike->version >> 4 == 2 && (ike->flags & IKEV2_FLAG_INITIATOR) != 0))) {
		responder = cookie_owner(now, f->ip->daddr, a, ike->responder, &responders_claim);
		if (responder != 0) {
			owner = responder;
			claim = responders_claim;
		}
	}
	return claim_needs_use(claim) ? 0 : owner;
}

/* Rows 4 and 5. */
static __always_inline __u32
shared_port_owner(const struct xdp_state *now, const struct frame *f, const struct xdp_addr *a, struct fields *fields,
                  int natt, enum xdp_pass *fault)
{
	const void *ike = fields->udp_data;
	__u32 len = fields->udp_len;

	*fault = XDP_PASS_COOKIE;
	if (natt) {
		switch (natt_read(f, fields)) {
		case NATT_ESP:
			*fault = XDP_PASS_NO_LEASE;
			return spi_owner(now, a, fields->spi);
		case NATT_IKE:
			ike += MARKER_LEN;
			len -= MARKER_LEN;
			break;
		default:
			return 0;
		}
	}
	return ike_owner(now, f, a, ike, len);
}

/* Row 6; *kind becomes what remote policy reads. */
static __always_inline __u32
port_owner(const struct xdp_state *now, const struct frame *f, const struct xdp_addr *a, struct fields *fields,
           enum field_kind *kind, enum xdp_pass *fault)
{
	struct xdp_ports *table = a->ports != 0 ? bpf_map_lookup_elem(&ports, &a->ports) : NULL;
	__u32 owner = table != NULL ? owner_of_port(table, fields->dst_port) : 0;

	if (owner < XDP_PORT_NATT)
		return owner;
	if (fields->udp_data == NULL)
		return 0;
	*kind = FIELD_SPI;
	return shared_port_owner(now, f, a, fields, owner == XDP_PORT_NATT, fault);
}

static __always_inline __u32
owner_of(const struct xdp_state *now, const struct frame *f, const struct xdp_addr *a, struct fields *fields,
         enum field_kind *kind, enum xdp_pass *fault)
{
	*kind = fields_read(f, fields);
	*fault = XDP_PASS_NO_LEASE;
	if (a->whole != 0)
		return a->whole;
	switch (*kind) {
	case FIELD_PORTS:
		return port_owner(now, f, a, fields, kind, fault);
	case FIELD_SPI:
		return spi_owner(now, a, fields->spi);
	case FIELD_BAD:
		*fault = XDP_PASS_HEADER;
		return 0;
	default:
		*fault = XDP_PASS_PROTOCOL;
		return 0;
	}
}

/* ---- may it pass ---- */

static __always_inline int
port_in(const struct xdp_terms *t, __u16 port)
{
	return (port >= t->remote_ports[0].first && port <= t->remote_ports[0].last) ||
	       (port >= t->remote_ports[1].first && port <= t->remote_ports[1].last);
}

/* Remote flow policy. What a whole address gets besides ports and SPIs is ICMP, which may be an error from elsewhere,
 * and what cannot be read: the relay looks closer. */
static __always_inline int
remote_allowed(const struct xdp_binding *b, __u32 slot, __u32 peer, enum field_kind kind, __u16 peer_port)
{
	const struct xdp_terms *t;

	if ((b->flags & XDP_BINDING_REMOTE) == 0)
		return 1;
	t = bpf_map_lookup_elem(&terms, &slot);
	if (t == NULL || t->remote_addr != peer || kind == FIELD_OTHER || kind == FIELD_BAD)
		return 0;
	return (b->flags & XDP_BINDING_REMOTE_PORTS) == 0 || kind != FIELD_PORTS || port_in(t, peer_port);
}

static __always_inline __u32
tunnel_len(const struct xdp_binding *b)
{
	return sizeof(struct iphdr) + (b->protocol == IPPROTO_GRE ? sizeof(__u32) : 0);
}

static __always_inline enum xdp_pass
inbound_fault(const struct frame *f, const struct xdp_addr *a, const struct xdp_binding *b, __u32 slot,
              const struct fields *fields, enum field_kind kind)
{
	__u32 src = f->ip->saddr;

	if (!remote_allowed(b, slot, src, kind, fields->src_port))
		return XDP_PASS_REMOTE;
	if (src == b->host_addr || src == b->gateway_addr) /* RFC 2003 3.2 */
		return XDP_PASS_ADDRESS;
	if (fields->syn != 0 && (a->flags & XDP_ADDR_MSS_CLAMP) != 0 && (b->flags & XDP_BINDING_WHOLE) == 0)
		return XDP_PASS_MSS;
	return f->len + tunnel_len(b) > b->path_mtu ? XDP_PASS_TOO_BIG : XDP_PASS_COUNT;
}

/* ---- into the tunnel ---- */

/* RFC 2003 3.1: TOS is copied, DSCP as RFC 2983 would have it and ECN in RFC 6040's normal mode; so is DF. Without DF
 * the packet may be fragmented on the way and needs an ID of its own (RFC 6864). */
static __always_inline void
write_outer(struct iphdr *outer, const struct iphdr *inner, const struct xdp_binding *b, __u16 id, __u32 len)
{
	__u16 df = inner->frag_off & bpf_htons(IP_DF);

	outer->version = 4;
	outer->ihl = 5;
	outer->tos = inner->tos;
	outer->tot_len = bpf_htons((__u16)len);
	outer->id = df != 0 ? 0 : bpf_htons(id);
	outer->frag_off = df;
	outer->ttl = OUTER_TTL;
	outer->protocol = b->protocol;
	outer->check = 0;
	outer->saddr = b->gateway_addr;
	outer->daddr = b->host_addr;
	outer->check = (__u16)~header_sum(outer);
}

/* The frame is given room in front for what the tunnel adds, and loses what the wire added behind. */
static __always_inline int
encapsulate(struct xdp_md *ctx, const struct frame *f, const struct xdp_binding *b, struct xdp_count *c, __u16 id)
{
	__u32 extra = tunnel_len(b), len = f->len;
	struct ethhdr *eth;
	struct iphdr *outer, *inner;
	void *end;

	if (f->pad != 0 && bpf_xdp_adjust_tail(ctx, -(int)f->pad) != 0)
		return pass_up(XDP_PASS_HEADROOM);
	if (bpf_xdp_adjust_head(ctx, -(int)extra) != 0)
		return pass_up(XDP_PASS_HEADROOM);
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = (void *)(eth + 1);
	inner = (void *)(outer + 1);
	if (extra > sizeof(*outer)) {
		if ((void *)inner + sizeof(__u32) > end)
			return XDP_DROP; /* cannot be: the room has just been made */
		*(__u32 *)inner = GRE_IPV4;
		inner = (void *)inner + sizeof(__u32);
	}
	if ((void *)(inner + 1) > end)
		return XDP_DROP;
	decrement_ttl(inner);
	write_outer(outer, inner, b, id, len + extra);
	count_in(c, len);
	return send_to(eth, b->next_hop.hop);
}

/* ---- all of it ---- */

/* What the kernel would not take from outside: martian sources, and the machine's own addresses. */
static __always_inline int
is_impossible(const struct xdp_state *now, __u32 src)
{
	int own = 0;

#pragma unroll
	for (int i = 0; i < XDP_OWN_MAX; i++)
		own |= now->own[i] == src;
	return own || is_martian(src);
}

static __always_inline int
inbound(struct xdp_md *ctx)
{
	const struct xdp_device *device = device_at(ctx->ingress_ifindex);
	const struct xdp_state *now = state_now();
	enum xdp_pass fault = XDP_PASS_COUNT;
	struct fields fields = { 0 };
	enum field_kind kind = FIELD_OTHER;
	struct xdp_count *count;
	struct xdp_binding *b;
	struct xdp_addr *a;
	struct frame f;
	__u32 slot;
	__u16 id;

	if (device == NULL || now == NULL || !frame_open(ctx, device, &f))
		return XDP_PASS;
	if ((a = bpf_map_lookup_elem(&addrs, &f.ip->daddr)) == NULL)
		return XDP_PASS;
	if ((fault = header_fault(f.ip, f.end - (void *)f.ip)) != XDP_PASS_COUNT)
		return pass_up(fault);
	if (f.ip->ttl <= 1)
		return pass_up(XDP_PASS_TTL);
	if (is_impossible(now, f.ip->saddr))
		return pass_up(XDP_PASS_ADDRESS);
	f.len = bounded(bpf_ntohs(f.ip->tot_len));
	f.pad = f.end - (void *)f.ip - f.len;
	slot = owner_of(now, &f, a, &fields, &kind, &fault);
	if ((count = bpf_map_lookup_elem(&counts_in, &slot)) == NULL)
		return pass_up(fault);
	id = (__u16)fetched(&count->packets);
	if ((b = binding_at(slot, f.ip->daddr)) == NULL)
		return pass_up(fault);
	if ((fault = inbound_fault(&f, a, b, slot, &fields, kind)) != XDP_PASS_COUNT)
		return pass_up(fault);
	if ((fault = next_hop_refresh(ctx, now, b->gateway_addr, b->host_addr, &b->next_hop)) != XDP_PASS_COUNT)
		return pass_up(fault);
	if (f.len + tunnel_len(b) > b->next_hop.mtu)
		return pass_up(XDP_PASS_TOO_BIG);
	return encapsulate(ctx, &f, b, count, id);
}

#endif
