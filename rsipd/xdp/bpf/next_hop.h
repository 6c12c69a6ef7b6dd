/* The way on. A look into the kernel's routes and neighbours costs more than the rest of a program, so its answer is
 * kept beside the binding (inbound: the way to its host) or in a small cache (outbound: the way to an Internet
 * address), and used until the time unit of its stamp is over. */
#ifndef XDP_BPF_NEXT_HOP_H
#define XDP_BPF_NEXT_HOP_H

#include <linux/if_ether.h>

#include "count.h"
#include "header.h"

#define AF_INET 2

/* Time in jiffies, which cost nothing to read; their length is the kernel's choice of 1 to 10 ms. A stamp is worth 8
 * to 80 s: that long a path may be out of date while nobody watches the kernel's tables and changes the generation. Less
 * would cost a gateway with a million bindings, where each has a packet now and then only, a look a packet.
 * Frames that go past the kernel do not tell it that a neighbour still lives, so of each path one packet in 1 to 10
 * minutes takes the kernel's way: that keeps its neighbour table true, and with it ours. */
#define STAMP_SHIFT 13
#define PROBE_SHIFT 3 /* of stamps */

static __always_inline __u32
stamp_now(void)
{
	return (__u32)(bpf_jiffies64() >> STAMP_SHIFT) | 1u << 31; /* never 0 */
}

static __always_inline int
time_to_probe(__u32 stamp, __u32 now)
{
	return stamp != 0 && (stamp ^ now) >> PROBE_SHIFT != 0;
}

static __always_inline const struct xdp_state *
state_now(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&state, &only);
}

static __always_inline const struct xdp_device *
device_at(__u32 ifindex)
{
	return bpf_map_lookup_elem(&devices, &ifindex);
}

/* As the kernel would forward a packet that came in here. XDP_PASS_COUNT when *hop is good now. */
static __noinline int
next_hop_ask(struct xdp_md *ctx, __u32 src, __u32 dst, struct xdp_next_hop *hop)
{
	struct bpf_fib_lookup fib = {
		.family = AF_INET, .ifindex = ctx->ingress_ifindex, .ipv4_src = src, .ipv4_dst = dst,
		.tot_len = sizeof(struct iphdr), /* any: then the answer has the MTU */
	};
	const struct xdp_device *device;
	union xdp_hop found;

	if (!hop)
		return XDP_PASS_NEXT_HOP;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS_NEXT_HOP;
	device = device_at(fib.ifindex);
	if (device == NULL || device->egress == 0)
		return XDP_PASS_NEXT_HOP;
	__builtin_memcpy(found.mac, fib.dmac, sizeof(found.mac));
	found.egress = device->egress;
	hop->hop = found.word;
	hop->mtu = fib.mtu_result;
	hop->stamp = stamp_now();
	return XDP_PASS_COUNT;
}

/* The hop kept in *cached, asked for again where it is old. XDP_PASS_COUNT, or why not. */
static __always_inline enum xdp_pass
next_hop_refresh(struct xdp_md *ctx, const struct xdp_state *now, __u32 src, __u32 dst, struct xdp_next_hop *cached)
{
	__u32 time = stamp_now(), stamp = cached->stamp;
	__u16 generation = (__u16)now->generation;
	struct xdp_next_hop news = { 0 };
	enum xdp_pass fault;

	if (stamp == time && cached->generation == generation)
		return XDP_PASS_COUNT;
	if (time_to_probe(stamp, time)) {
		cached->stamp = 0;
		return XDP_PASS_PROBE;
	}
	fault = next_hop_ask(ctx, src, dst, &news);
	if (fault == XDP_PASS_COUNT) {
		cached->hop = news.hop;
		cached->mtu = news.mtu;
		cached->generation = generation; /* read before the kernel was asked */
	}
	cached->stamp = news.stamp; /* 0 where there is no way: the next packet asks again */
	return fault;
}

/* The cache for outbound packets. What is not found takes the later place, and the earlier one moves. */
static __always_inline struct xdp_next_hop *
route_cached(__u32 src, __u32 dst)
{
	__u32 mix = (bpf_ntohl(dst) ^ src) * 0x9e3779b1u; /* its upper bits are the good ones */
	__u32 index = bpf_get_smp_processor_id() * XDP_ROUTES_CPU + (mix >> 16) * XDP_ROUTES_CPU / 65536;
	struct xdp_route_pair *pair = bpf_map_lookup_elem(&routes, &index);

	if (pair == NULL)
		return NULL;
	if (pair->routes[0].dst == dst && pair->routes[0].src == src)
		return &pair->routes[0].next_hop;
	if (pair->routes[1].dst == dst && pair->routes[1].src == src)
		return &pair->routes[1].next_hop;
	pair->routes[1] = pair->routes[0];
	pair->routes[0].src = src;
	pair->routes[0].dst = dst;
	pair->routes[0].next_hop.stamp = 0;
	return &pair->routes[0].next_hop;
}

/* Sends the frame, whose Ethernet header eth is still to be written, to the neighbour. */
static __always_inline int
send_to(struct ethhdr *eth, __u64 word)
{
	union xdp_hop hop = { .word = word };
	__u32 number = hop.egress;
	struct xdp_egress *out = bpf_map_lookup_elem(&egress, &number);

	if (out == NULL)
		return XDP_DROP; /* cannot be: the number was in the table of devices */
	__builtin_memcpy(eth->h_dest, hop.mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, out->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	return bpf_redirect(out->ifindex, 0);
}

#endif
