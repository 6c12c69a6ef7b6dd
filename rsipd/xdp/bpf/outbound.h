/* Host to public side: the tunnel header off, the source held against the host's leases, and the way on. */
#ifndef XDP_BPF_OUTBOUND_H
#define XDP_BPF_OUTBOUND_H

#include "fields.h"
#include "inbound.h"
#include "next_hop.h"

enum ecn { ECN_NOT_ECT = 0, ECN_ECT_1 = 1, ECN_ECT_0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* The relay learns which host uses which SPI of its peer, and keeps that for an hour unused: it sees a packet in 1 to
 * 10 minutes. */
#define FLOW_SHIFT 5 /* of stamps */

/* What the tunnel held, and what of its header counts. */
struct tunnelled {
	__u32 host, gateway; /* outer source and destination */
	__u8 protocol, tos;
};

/* Moves *f, a frame for us, on to the packet inside. XDP_PASS_COUNT, or why not; XDP_PASS_COUNT + 1 when there is no
 * tunnel. */
#define NO_TUNNEL (XDP_PASS_COUNT + 1)
static __always_inline int
strip(struct frame *f, struct tunnelled *t)
{
	struct iphdr *outer = f->ip;
	__u32 len, head = sizeof(*outer);
	int fault;

	if (outer->protocol != IPPROTO_IPIP && outer->protocol != IPPROTO_GRE)
		return NO_TUNNEL;
	if ((fault = header_fault(outer, f->end - (void *)outer)) != XDP_PASS_COUNT)
		return fault;
	len = bpf_ntohs(outer->tot_len);
	t->host = outer->saddr;
	t->gateway = outer->daddr;
	t->protocol = outer->protocol;
	t->tos = outer->tos;
	if (outer->protocol == IPPROTO_GRE) {
		const __u32 *gre = (const void *)(outer + 1);

		if ((const void *)(gre + 1) > f->end || *gre != GRE_IPV4)
			return XDP_PASS_HEADER;
		head += sizeof(*gre);
	}
	f->ip = (void *)outer + head;
	if (len < head + sizeof(*f->ip) || (void *)(f->ip + 1) > f->end)
		return XDP_PASS_HEADER;
	if ((fault = header_fault(f->ip, len - head)) != XDP_PASS_COUNT)
		return fault;
	f->len = bounded(bpf_ntohs(f->ip->tot_len));
	f->pad = f->end - (void *)f->ip - f->len;
	return XDP_PASS_COUNT;
}

/* ---- whose is the source ---- */

/* A flow of ESP or AH that is new to us; binding 0: there is none. */
struct new_flow {
	struct xdp_flow_key key;
	__u32 binding;
};

/* ESP and AH: any RSIPSEC binding of the host will do. Where the relay has not seen the peer's SPI lately, the packet
 * is for it to learn from, if all else is well: *flow is then to be remembered, with the binding. */
static __always_inline __u32
flow_owner(const struct frame *f, const struct tunnelled *t, __u32 spi, __u32 protocol, struct new_flow *flow)
{
	struct xdp_ipsec_key host = { .addr = f->ip->saddr, .host = t->host };
	struct xdp_flow *known;
	__u32 *owner;

	flow->key = (struct xdp_flow_key) { .addr = f->ip->saddr, .peer = f->ip->daddr, .host = t->host, .spi = spi,
		                            .protocol = protocol };
	known = bpf_map_lookup_elem(&flows, &flow->key);
	if (known != NULL && (known->stamp ^ stamp_now()) >> FLOW_SHIFT == 0)
		return known->binding;
	/* Whoever the entry names may have left since: it is found anew each time that the relay is shown a packet. */
	if ((owner = bpf_map_lookup_elem(&ipsec, &host)) == NULL)
		return 0;
	flow->binding = *owner;
	return *owner;
}

/* The relay does not learn from a packet that it drops, so this comes last. */
static __always_inline enum xdp_pass
show_to_relay(const struct new_flow *flow)
{
	struct xdp_flow first = { .binding = flow->binding, .stamp = stamp_now() };

	bpf_map_update_elem(&flows, &flow->key, &first, BPF_ANY);
	return XDP_PASS_SPI_OUT;
}

static __always_inline __u32
source_port_owner(const struct frame *f, const struct xdp_addr *a, const struct tunnelled *t, struct fields *fields,
                  enum field_kind *kind, struct new_flow *flow, enum xdp_pass *fault)
{
	struct xdp_ports *table = a->ports != 0 ? bpf_map_lookup_elem(&ports, &a->ports) : NULL;
	__u32 owner = table != NULL ? owner_of_port(table, fields->src_port) : 0;

	if (owner < XDP_PORT_NATT)
		return owner;
	*fault = XDP_PASS_IKE_OUT;
	if (owner != XDP_PORT_NATT || fields->udp_data == NULL || natt_read(f, fields) != NATT_ESP)
		return 0;
	*kind = FIELD_SPI;
	*fault = XDP_PASS_NO_LEASE;
	return flow_owner(f, t, fields->spi, IPPROTO_ESP, flow);
}

static __always_inline __u32
source_owner(const struct frame *f, const struct xdp_addr *a, const struct tunnelled *t, struct fields *fields,
             enum field_kind *kind, struct new_flow *flow, enum xdp_pass *fault)
{
	*kind = fields_read(f, fields);
	*fault = XDP_PASS_NO_LEASE;
	if (a->whole != 0)
		return a->whole;
	switch (*kind) {
	case FIELD_PORTS:
		return source_port_owner(f, a, t, fields, kind, flow, fault);
	case FIELD_SPI:
		return flow_owner(f, t, fields->spi, f->ip->protocol, flow);
	case FIELD_BAD:
		*fault = XDP_PASS_HEADER;
		return 0;
	default:
		*fault = XDP_PASS_PROTOCOL;
		return 0;
	}
}

/* ---- may it pass ---- */

/* b may be another binding than the one that a flow was learned with: entries are used again. */
static __always_inline enum xdp_pass
outbound_fault(const struct frame *f, const struct xdp_state *now, const struct xdp_addr *a, const struct tunnelled *t,
               const struct xdp_binding *b, __u32 slot, const struct fields *fields, enum field_kind kind)
{
	if (b->host_addr != t->host ||
	    (kind == FIELD_SPI && (b->flags & (XDP_BINDING_IPSEC | XDP_BINDING_WHOLE)) == 0))
		return XDP_PASS_NO_LEASE;
	if (tunnel_protocol(b) != t->protocol || gateway_of(now, b) != t->gateway)
		return XDP_PASS_TUNNEL;
	if (!remote_allowed(b, slot, f->ip->daddr, kind, fields->dst_port))
		return XDP_PASS_REMOTE;
	if (f->ip->daddr == t->host || is_martian(f->ip->daddr)) /* RFC 2784 3.1 */
		return XDP_PASS_ADDRESS;
	if (fields->syn != 0 && (a->flags & XDP_ADDR_MSS_CLAMP) != 0 && (b->flags & XDP_BINDING_WHOLE) == 0)
		return XDP_PASS_MSS;
	if ((t->tos & ECN_MASK) == ECN_CE && (f->ip->tos & ECN_MASK) == ECN_NOT_ECT)
		return XDP_PASS_ECN;
	return f->ip->ttl <= 1 ? XDP_PASS_TTL : XDP_PASS_COUNT;
}

/* RFC 6040 figure 4: the outgoing ECN field, where congestion can be told. */
static __always_inline __u8
ecn_out(__u8 outer, __u8 inner)
{
	if (inner == ECN_NOT_ECT)
		return inner;
	if (outer == ECN_CE || (outer == ECN_ECT_1 && inner == ECN_ECT_0))
		return outer;
	return inner;
}

/* ---- out of the tunnel ---- */

static __always_inline enum xdp_pass
decapsulate(struct xdp_md *ctx, const struct frame *f, const struct tunnelled *t, struct xdp_count *c, __u64 hop,
            int *action)
{
	__u32 head = (void *)f->ip - f->data - sizeof(struct ethhdr), len = f->len;
	__u8 ecn = ecn_out(t->tos & ECN_MASK, f->ip->tos & ECN_MASK);
	struct ethhdr *eth;
	struct iphdr *ip;

	if (f->pad != 0 && bpf_xdp_adjust_tail(ctx, -(int)f->pad) != 0)
		return XDP_PASS_HEADROOM;
	if (bpf_xdp_adjust_head(ctx, (int)head) != 0)
		return XDP_PASS_HEADROOM;
	eth = (void *)(long)ctx->data;
	ip = (void *)(eth + 1);
	*action = XDP_DROP;
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS_COUNT; /* cannot be: it has just been read */
	if (ecn != (ip->tos & ECN_MASK))
		set_tos(ip, (__u8)((ip->tos & ~ECN_MASK) | ecn));
	decrement_ttl(ip);
	count_out(c, len);
	*action = send_to(eth, hop);
	return XDP_PASS_COUNT;
}

/* ---- all of it ---- */

/* A packet that came in a tunnel. XDP_PASS_COUNT and the *action, or why it is for the relay. */
static __always_inline enum xdp_pass
from_host(struct xdp_md *ctx, const struct xdp_state *now, struct frame *f, const struct tunnelled *t, int *action)
{
	enum field_kind kind = FIELD_OTHER;
	struct fields fields = { 0 };
	struct new_flow flow = { 0 };
	struct xdp_next_hop *hop;
	struct xdp_count *count;
	enum xdp_pass reason;
	struct xdp_binding *b;
	struct xdp_addr *a;
	__u32 slot;

	if ((a = bpf_map_lookup_elem(&addrs, &f->ip->saddr)) == NULL)
		return XDP_PASS_NO_LEASE;
	slot = source_owner(f, a, t, &fields, &kind, &flow, &reason);
	if ((count = bpf_map_lookup_elem(&counts_out, &slot)) == NULL)
		return reason;
	fetched(&count->packets);
	if ((b = binding_at(slot, f->ip->saddr)) == NULL)
		return reason;
	if ((reason = outbound_fault(f, now, a, t, b, slot, &fields, kind)) != XDP_PASS_COUNT)
		return reason;
	if (flow.binding != 0)
		return show_to_relay(&flow);
	if ((hop = route_cached(now->by_destination ? 0 : f->ip->saddr, f->ip->daddr)) == NULL)
		return XDP_PASS_NEXT_HOP;
	if ((reason = next_hop_refresh(ctx, now, f->ip->saddr, f->ip->daddr, hop)) != XDP_PASS_COUNT)
		return reason;
	if (f->len > hop->mtu)
		return XDP_PASS_TOO_BIG;
	return decapsulate(ctx, f, t, count, hop->hop, action);
}

static __always_inline int
outbound(struct xdp_md *ctx)
{
	const struct xdp_device *device = device_at(ctx->ingress_ifindex);
	const struct xdp_state *now = state_now();
	struct tunnelled t = { 0 };
	struct frame f;
	int fault, action;

	if (device == NULL || now == NULL || !frame_open(ctx, device, &f))
		return XDP_PASS;
	fault = strip(&f, &t);
	if (fault == NO_TUNNEL)
		return XDP_PASS;
	if (fault == XDP_PASS_COUNT)
		fault = from_host(ctx, now, &f, &t, &action);
	return likely(fault == XDP_PASS_COUNT) ? action : pass_up(fault);
}

#endif
