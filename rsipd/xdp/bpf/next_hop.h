/* The way on. A look into the kernel's routes and neighbours costs more than the rest of a program, so its answer is
 * kept by the binding (inbound: the number of the way to its host) or in a small cache (outbound: the way to an
 * Internet address), and used until the time unit of its stamp is over. */
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

static __always_inline struct xdp_state *
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

/* ---- to a host ---- */

/* Whether number id leads somewhere now, and where. What is read is of that number if the number is still there
 * after. */
static __always_inline int
hop_is_current(const struct xdp_state *now, __u32 id, struct xdp_next_hop *hop)
{
	__u32 index = id % XDP_HOPS;
	const volatile struct xdp_shared_hop *h = bpf_map_lookup_elem(&hops, &index);

	if (h == NULL)
		return 0;
	hop->hop = h->next_hop.hop;
	hop->mtu = h->next_hop.mtu;
	return h->next_hop.stamp == stamp_now() && h->next_hop.generation == (__u16)now->generation && h->id == id;
}

/* A number for the hop, or 0: the next packet asks again. It is told to others when all is written. */
static __always_inline __u32
hop_number(struct xdp_state *now, const struct xdp_next_hop *hop)
{
	__u32 id = __sync_fetch_and_add(&now->hop, 1) + 1, index = id % XDP_HOPS;
	struct xdp_shared_hop *h = bpf_map_lookup_elem(&hops, &index);

	if (h == NULL || id == 0)
		return 0;
	__sync_lock_test_and_set(&h->id, 0);
	h->next_hop = *hop;
	__sync_lock_test_and_set(&h->id, id);
	return id;
}

/* The hop is asked for again, and has the number of all who have asked for it in this time unit. */
static __noinline int
hop_renew(struct xdp_md *ctx, struct xdp_state *now, struct xdp_binding *b, struct xdp_next_hop *hop)
{
	__u32 gateway = now->gateways[b->gateway % XDP_GATEWAYS_MAX];
	__u16 generation = (__u16)now->generation; /* before the kernel is asked */
	struct xdp_hop_id new = { .probed = stamp_now() }, *known;
	struct xdp_hop_key key = { 0 };
	struct xdp_next_hop current;
	int fault = next_hop_ask(ctx, gateway, b->host_addr, hop);

	if (fault != XDP_PASS_COUNT)
		return fault;
	hop->generation = generation;
	key.hop = hop->hop;
	key.mtu = hop->mtu;
	if (bpf_map_lookup_elem(&hop_ids, &key) == NULL)
		bpf_map_update_elem(&hop_ids, &key, &new, BPF_ANY);
	if ((known = bpf_map_lookup_elem(&hop_ids, &key)) == NULL)
		return XDP_PASS_NEXT_HOP;
	if (time_to_probe(known->probed, hop->stamp)) {
		known->probed = hop->stamp;
		return XDP_PASS_PROBE;
	}
	if (!hop_is_current(now, known->id, &current))
		known->id = hop_number(now, hop);
	b->hop = known->id;
	return XDP_PASS_COUNT;
}

/* XDP_PASS_COUNT and *hop, or why not. */
static __always_inline enum xdp_pass
hop_to_host(struct xdp_md *ctx, struct xdp_state *now, struct xdp_binding *b, struct xdp_next_hop *hop)
{
	if (likely(hop_is_current(now, *(volatile __u32 *)&b->hop, hop)))
		return XDP_PASS_COUNT;
	return hop_renew(ctx, now, b, hop);
}

/* ---- to an Internet address ---- */

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

/* ---- out ---- */

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
