/* Counting. Totals are a CPU's own: a program is not interrupted by another one there. */
#ifndef XDP_BPF_COUNT_H
#define XDP_BPF_COUNT_H

#include "maps.h"

/* Leaves the packet to the kernel, and so to the relay, for this reason. */
static __always_inline int
pass_up(enum xdp_pass reason)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdp_totals *t = bpf_map_lookup_elem(&totals, &cpu);

	if (t != NULL)
		t->passed[reason]++;
	return XDP_PASS;
}

/* A word of a line that will be written to. It has nothing to wait for, so the line is on its way while the program waits
 * for another one. */
static __always_inline __u64
fetched(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

/* The counters of a binding may be written by several CPUs, so by atomic additions. */
static __always_inline void
count(struct xdp_count *c, __u32 bytes)
{
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
}

static __always_inline void
count_in(struct xdp_count *c, __u32 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdp_totals *t = bpf_map_lookup_elem(&totals, &cpu);

	if (t != NULL) {
		t->in_packets++;
		t->in_bytes += bytes;
	}
	count(c, bytes);
}

static __always_inline void
count_out(struct xdp_count *c, __u32 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdp_totals *t = bpf_map_lookup_elem(&totals, &cpu);

	if (t != NULL) {
		t->out_packets++;
		t->out_bytes += bytes;
	}
	count(c, bytes);
}

#endif
