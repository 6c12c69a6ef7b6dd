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
	struct xdp_claim *claim = NULL;
	__u32 owner = 0;
	int of_peer;

	if (len < sizeof(*ike) || (const void *)(ike + 1) > f->end || ike->initiator == 0 ||
	    (a->flags & XDP_ADDR_COOKIES_UP) != 0)
		return 0;
	of_peer = ike->version >> 4 == 2 && (ike->flags & IKEV2_FLAG_INITIATOR) != 0;
#pragma clang loop unroll(disable)
	for (int field = 0; field < 2; field++) {
		/* The one that decides first. */
		__u64 cookie = field == of_peer ? ike->initiator : ike->responder;

		owner = cookie != 0 ? cookie_owner(now, f->ip->daddr, a, cookie, &claim) : 0;
		if (likely(owner != 0))
			break;
	}
	return owner != 0 && !claim_needs_use(claim) ? owner : 0;
}

/* Rows 4 and 5, at a shared port. NATT_ESP: fields->spi decides. */
static __always_inline enum natt_kind
shared_port_kind(const struct frame *f, struct fields *fields, int natt, const struct ike_header **ike, __u32 *len)
{
	enum natt_kind kind = NATT_IKE;

	*ike = fields->udp_data;
	*len = fields->udp_len;
	if (natt && (kind = natt_read(f, fields)) == NATT_IKE) {
		*ike = fields->udp_data + MARKER_LEN;
		*len -= MARKER_LEN;
	}
	return kind;
}

/* Row 6, or the word of a shared port. */
static __always_inline __u32
port_owner(const struct xdp_addr *a, __u16 port)
{
	struct xdp_ports *table = a->ports != 0 ? bpf_map_lookup_elem(&ports, &a->ports) : NULL;

	return table != NULL ? owner_of_port(table, port) : 0;
}

/* *kind becomes what remote policy reads. */
static __always_inline __u32
owner_of(const struct xdp_state *now, const struct frame *f, const struct xdp_addr *a, struct fields *fields,
         enum field_kind *kind, enum xdp_pass *fault)
{
	const struct ike_header *ike;
	enum natt_kind natt;
	__u32 owner, len;

	*kind = fields_read(f, fields);
	*fault = XDP_PASS_NO_LEASE;
	if (a->whole != 0)
		return a->whole;
	if (*kind == FIELD_PORTS) {
		owner = port_owner(a, fields->dst_port);
		if (likely(owner < XDP_PORT_NATT))
			return owner;
		if (fields->udp_data == NULL)
			return 0;
		*kind = FIELD_SPI;
		natt = shared_port_kind(f, fields, owner == XDP_PORT_NATT, &ike, &len);
		if (natt != NATT_ESP) {
			*fault = XDP_PASS_COOKIE;
			return natt == NATT_IKE ? ike_owner(now, f, a, ike, len) : 0;
		}
	} else if (*kind != FIELD_SPI) {
		*fault = *kind == FIELD_BAD ? XDP_PASS_HEADER : XDP_PASS_PROTOCOL;
		return 0;
	}
	return spi_owner(now, a, fields->spi);
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

static __always_inline __u8
tunnel_protocol(const struct xdp_binding *b)
{
	return (b->flags & XDP_BINDING_GRE) != 0 ? IPPROTO_GRE : IPPROTO_IPIP;
}

static __always_inline __u32
tunnel_len(const struct xdp_binding *b)
{
	return sizeof(struct iphdr) + ((b->flags & XDP_BINDING_GRE) != 0 ? sizeof(__u32) : 0);
}

/* The tunnel's end here. */
static __always_inline __u32
gateway_of(const struct xdp_state *now, const struct xdp_binding *b)
{
	return now->gateways[b->gateway % XDP_GATEWAYS_MAX];
}

static __always_inline enum xdp_pass
inbound_fault(const struct frame *f, const struct xdp_state *now, const struct xdp_addr *a, const struct xdp_binding *b,
              __u32 slot, const struct fields *fields, enum field_kind kind)
{
	__u32 src = f->ip->saddr;

	if (!remote_allowed(b, slot, src, kind, fields->src_port))
		return XDP_PASS_REMOTE;
	if (src == b->host_addr || src == gateway_of(now, b)) /* RFC 2003 3.2 */
		return XDP_PASS_ADDRESS;
	if (fields->syn != 0 && (a->flags & XDP_ADDR_MSS_CLAMP) != 0 && (b->flags & XDP_BINDING_WHOLE) == 0)
		return XDP_PASS_MSS;
	return f->len + tunnel_len(b) > b->path_mtu ? XDP_PASS_TOO_BIG : XDP_PASS_COUNT;
}

/* ---- into the tunnel ---- */

/* RFC 2003 3.1: TOS is copied, DSCP as RFC 2983 would have it and ECN in RFC 6040's normal mode; so is DF. Without DF
 * the packet may be fragmented on the way and needs an ID of its own (RFC 6864). */
static __always_inline void
write_outer(struct iphdr *outer, const struct iphdr *inner, __u32 gateway, const struct xdp_binding *b, __u16 id,
            __u32 len)
{
	__u16 df = inner->frag_off & bpf_htons(IP_DF);

	outer->version = 4;
	outer->ihl = 5;
	outer->tos = inner->tos;
	outer->tot_len = bpf_htons((__u16)len);
	outer->id = df != 0 ? 0 : bpf_htons(id);
	outer->frag_off = df;
	outer->ttl = OUTER_TTL;
	outer->protocol = tunnel_protocol(b);
	outer->check = 0;
	outer->saddr = gateway;
	outer->daddr = b->host_addr;
	outer->check = (__u16)~header_sum(outer);
}

/* The frame is given room in front for what the tunnel adds, and loses what the wire added behind. XDP_PASS_COUNT and
 * the *action, or why not. */
static __always_inline enum xdp_pass
encapsulate(struct xdp_md *ctx, const struct xdp_state *now, const struct frame *f, const struct xdp_binding *b,
            struct xdp_count *c, __u64 hop, int *action)
{
	__u16 id = (__u16)c->packets;
	__u32 extra = tunnel_len(b), len = f->len;
	struct ethhdr *eth;
	struct iphdr *outer, *inner;
	void *end;

	if (f->pad != 0 && bpf_xdp_adjust_tail(ctx, -(int)f->pad) != 0)
		return XDP_PASS_HEADROOM;
	if (bpf_xdp_adjust_head(ctx, -(int)extra) != 0)
		return XDP_PASS_HEADROOM;
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = (void *)(eth + 1);
	inner = (void *)(outer + 1);
	*action = XDP_DROP;
	if (extra > sizeof(*outer)) {
		if ((void *)inner + sizeof(__u32) > end)
			return XDP_PASS_COUNT; /* cannot be: the room has just been made */
		*(__u32 *)inner = GRE_IPV4;
		inner = (void *)inner + sizeof(__u32);
	}
	if ((void *)(inner + 1) > end)
		return XDP_PASS_COUNT;
	decrement_ttl(inner);
	write_outer(outer, inner, gateway_of(now, b), b, id, len + extra);
	count_in(c, len);
	*action = send_to(eth, hop);
	return XDP_PASS_COUNT;
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

/* A packet to an address of ours. XDP_PASS_COUNT and the *action, or why it is for the relay. */
static __always_inline enum xdp_pass
to_host(struct xdp_md *ctx, struct xdp_state *now, const struct xdp_addr *a, struct frame *f, int *action)
{
	enum xdp_pass fault = header_fault(f->ip, f->end - (void *)f->ip);
	struct fields fields = { 0 };
	enum field_kind kind = FIELD_OTHER;
	struct xdp_next_hop hop;
	struct xdp_count *count;
	struct xdp_binding *b;
	__u32 slot;

	if (fault != XDP_PASS_COUNT)
		return fault;
	if (f->ip->ttl <= 1)
		return XDP_PASS_TTL;
	if (is_impossible(now, f->ip->saddr))
		return XDP_PASS_ADDRESS;
	f->len = bounded(bpf_ntohs(f->ip->tot_len));
	f->pad = f->end - (void *)f->ip - f->len;
	slot = owner_of(now, f, a, &fields, &kind, &fault);
	if ((count = bpf_map_lookup_elem(&counts_in, &slot)) == NULL)
		return fault;
	fetched(&count->packets);
	if ((b = binding_at(slot, f->ip->daddr)) == NULL)
		return fault;
	if ((fault = inbound_fault(f, now, a, b, slot, &fields, kind)) != XDP_PASS_COUNT)
		return fault;
	if ((fault = hop_to_host(ctx, now, b, &hop)) != XDP_PASS_COUNT)
		return fault;
	if (f->len + tunnel_len(b) > hop.mtu)
		return XDP_PASS_TOO_BIG;
	return encapsulate(ctx, now, f, b, count, hop.hop, action);
}

static __always_inline int
inbound(struct xdp_md *ctx)
{
	const struct xdp_device *device = device_at(ctx->ingress_ifindex);
	struct xdp_state *now = state_now();
	enum xdp_pass fault;
	struct xdp_addr *a;
	struct frame f;
	int action;

	if (device == NULL || now == NULL || !frame_open(ctx, device, &f))
		return XDP_PASS;
	if ((a = bpf_map_lookup_elem(&addrs, &f.ip->daddr)) == NULL)
		return XDP_PASS;
	fault = to_host(ctx, now, a, &f, &action);
	return likely(fault == XDP_PASS_COUNT) ? action : pass_up(fault);
}

#endif
