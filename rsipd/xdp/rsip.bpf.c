/* The eBPF data plane: what the relay does with the packets that are most of the traffic, at the driver. Whatever is
 * not plain is passed up to the relay, which is the reference; nothing is dropped here. */
#include "bpf/inbound.h"
#include "bpf/outbound.h"

/* On the public interface. */
SEC("xdp")
int
rsip_inbound(struct xdp_md *ctx)
{
	return inbound(ctx);
}

/* On each private interface. */
SEC("xdp")
int
rsip_outbound(struct xdp_md *ctx)
{
	return outbound(ctx);
}

/* Where one interface is both. */
SEC("xdp")
int
rsip_both(struct xdp_md *ctx)
{
	int action = outbound(ctx);

	return action == XDP_PASS ? inbound(ctx) : action;
}

char rsip_license[] SEC("license") = "GPL";
