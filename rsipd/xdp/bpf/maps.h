/* The maps of the programs. The sizes that stand here are least ones: user space sets them by the config before it
 * loads the object. What user space writes seldom and by element is a hash without preallocation: an element is
 * replaced as a whole, and read under RCU. */
#ifndef XDP_BPF_MAPS_H
#define XDP_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "xdp_abi.h"

#define HASH_OF(map, key_type, value_type)                 \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_HASH);           \
		__uint(map_flags, BPF_F_NO_PREALLOC);      \
		__uint(max_entries, 1);                    \
		__type(key, key_type);                     \
		__type(value, value_type);                 \
	} map SEC(".maps")

#define ARRAY_OF(map, value_type, flags)                   \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_ARRAY);          \
		__uint(map_flags, flags);                  \
		__uint(max_entries, 1);                    \
		__type(key, __u32);                        \
		__type(value, value_type);                 \
	} map SEC(".maps")

HASH_OF(addrs, __u32, struct xdp_addr);
HASH_OF(claims, struct xdp_claim_key, struct xdp_claim);
HASH_OF(ipsec, struct xdp_ipsec_key, __u32);

ARRAY_OF(ports, struct xdp_ports, BPF_F_MMAPABLE);
ARRAY_OF(bindings, struct xdp_binding, BPF_F_MMAPABLE);
ARRAY_OF(counts_in, struct xdp_count, BPF_F_MMAPABLE);
ARRAY_OF(counts_out, struct xdp_count, BPF_F_MMAPABLE);
ARRAY_OF(terms, struct xdp_terms, BPF_F_MMAPABLE);
ARRAY_OF(spis, struct xdp_line, BPF_F_MMAPABLE);
ARRAY_OF(cookies, struct xdp_line, BPF_F_MMAPABLE);
ARRAY_OF(totals, struct xdp_totals, BPF_F_MMAPABLE);
ARRAY_OF(state, struct xdp_state, BPF_F_MMAPABLE);
ARRAY_OF(routes, struct xdp_route_pair, 0);
ARRAY_OF(hops, struct xdp_shared_hop, 0);
ARRAY_OF(devices, struct xdp_device, 0);
ARRAY_OF(egress, struct xdp_egress, 0);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct xdp_flow_key);
	__type(value, struct xdp_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct xdp_hop_key);
	__type(value, struct xdp_hop_id);
} hop_ids SEC(".maps");

/* A binding of this public address that may be used now, or NULL. */
static __always_inline struct xdp_binding *
binding_at(__u32 index, __u32 local_addr)
{
	struct xdp_binding *b = index != 0 ? bpf_map_lookup_elem(&bindings, &index) : NULL;

	return b != NULL && (b->flags & XDP_BINDING_LIVE) != 0 && b->local_addr == local_addr ? b : NULL;
}

#endif
