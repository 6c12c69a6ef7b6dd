/* What becomes of redirected frames behind the programs: counted from the kernel's own trace points, by the device that
 * they were to leave on. And a program that redirects one frame, to try a device. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "redirect_watch_abi.h"

/* Of the kernel's structures the fields that are read; where they lie is found when the program is loaded. */
struct ns_common { unsigned int inum; } __attribute__((preserve_access_index));
struct net { struct ns_common ns; } __attribute__((preserve_access_index));
typedef struct { struct net *net; } possible_net_t;
struct net_device { int ifindex; possible_net_t nd_net; } __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REDIRECT_DEVICES_MAX);
	__type(key, __u32);
	__type(value, struct redirect_count);
} redirect_counts SEC(".maps");

/* Our network namespace: devices of others have the same numbers. */
const volatile __u32 redirect_netns = 0;

/* Where the probe goes. */
volatile __u32 redirect_target = 0;

static __always_inline void
count(__u32 ifindex, __u64 sent, __u64 lost, int error)
{
	struct redirect_count *c = bpf_map_lookup_elem(&redirect_counts, &ifindex);

	if (c == NULL)
		return;
	__sync_fetch_and_add(&c->sent, sent);
	__sync_fetch_and_add(&c->lost, lost);
	if (lost != 0)
		c->error = error;
}

static __always_inline int
is_ours(const struct net_device *device)
{
	return BPF_CORE_READ(device, nd_net.net, ns.inum) == redirect_netns;
}

/* (from, to, sent, drops, err): a driver was given a bulk of frames. */
SEC("raw_tp/xdp_devmap_xmit")
int
redirect_bulk(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net_device *to = (const void *)ctx->args[1];

	if (is_ours(to))
		count((__u32)BPF_CORE_READ(to, ifindex), (__u64)(int)ctx->args[2], (__u64)(int)ctx->args[3], (int)ctx->args[4]);
	return 0;
}

/* (from, program, target, err, map type, map, index): no frame got as far as that. */
SEC("raw_tp/xdp_redirect_err")
int
redirect_error(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_ours((const void *)ctx->args[0]))
		count((__u32)ctx->args[6], 0, 1, (int)ctx->args[3]);
	return 0;
}

SEC("xdp")
int
redirect_probe(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect(redirect_target, 0);
}

char redirect_license[] SEC("license") = "GPL";
