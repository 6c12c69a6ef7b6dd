/* The bench's own programs: a source of frames, a sink that counts them, and the least that any XDP forwarder does, as
 * yardsticks: a bare redirect, a bare tunnel header on by one hash, and off. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench_site.h"

char license_of_bench[] SEC("license") = "GPL";

const volatile struct bench_traffic traffic = { 0 };
const volatile __u32 redirect_to = 0;
const volatile struct bench_way redirect_way = { 0 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} arrived SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct bench_key);
	__type(value, struct bench_way);
} ways SEC(".maps");

static __always_inline __u16
header_checksum(const struct iphdr *ip)
{
	const __u32 *word = (const __u32 *)ip;
	__u64 sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4];

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~((sum & 0xffff) + (sum >> 16));
}

static __always_inline void
write_ip(struct iphdr *ip, __u32 src, __u32 dst, __u8 protocol, __u16 len)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(len);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->check = 0;
	ip->saddr = bpf_htonl(src);
	ip->daddr = bpf_htonl(dst);
	ip->check = header_checksum(ip);
}

static __always_inline void
write_udp(void *at, __u16 src, __u16 dst, __u16 len)
{
	__u16 *udp = at;

	udp[0] = bpf_htons(src);
	udp[1] = bpf_htons(dst);
	udp[2] = bpf_htons(len);
	udp[3] = 0;
}

/* ---- source and sink ---- */

static __u32 sequence;

static __always_inline void
write_packet(struct iphdr *ip, __u32 i, __u16 len)
{
	void *payload = ip + 1;

	switch (traffic.kind) {
	case BENCH_PORT:
		write_ip(ip, bench_peer(i), bench_address(i), IPPROTO_UDP, len);
		write_udp(payload, 7, bench_port(i) + 3, len - 20);
		break;
	case BENCH_SPI:
		write_ip(ip, bench_peer(i), bench_address(i), IPPROTO_ESP, len);
		*(__u32 *)payload = bpf_htonl(bench_spi(i) + 3);
		*(__u32 *)(payload + 4) = 0;
		break;
	case BENCH_PLAIN_IN:
		write_ip(ip, bench_peer(i), bench_host(i), IPPROTO_UDP, len);
		write_udp(payload, 7, 1024, len - 20);
		break;
	case BENCH_PLAIN_OUT:
		write_ip(ip, bench_host(i), bench_peer(i), IPPROTO_UDP, len);
		write_udp(payload, 1024, 7, len - 20);
		break;
	}
}

static __always_inline void
write_ike(__u8 *ike, __u64 cookie, __u16 len)
{
	__u32 *word = (__u32 *)ike;

	word[0] = bpf_htonl((__u32)(cookie >> 32));
	word[1] = bpf_htonl(sequence);
	word[2] = word[3] = bpf_htonl(0x01020304);
	ike[16] = 46; /* encrypted, IKEv2, INFORMATIONAL, from the initiator's side answered */
	ike[17] = 0x20;
	ike[18] = 37;
	ike[19] = 0x20;
	word[5] = 0;
	word[6] = bpf_htonl(len);
}

static __always_inline void
write_ether(struct ethhdr *eth, const __u8 dst[6], const __u8 src[6])
{
	__builtin_memcpy(eth->h_dest, dst, 6);
	__builtin_memcpy(eth->h_source, src, 6);
	eth->h_proto = bpf_htons(ETH_P_IP);
}

/* Writes the frame of the next binding over whatever is there: all of its headers, so that it may come back as whoever
 * handled it last left it. Each binding has its turn, in an order that no cache can guess. False: no room. */
static __always_inline int
write_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 i = (__u32)((__u64)(sequence++ * 2654435761u) * traffic.n >> 32);
	__u16 len = (__u16)(traffic.len - sizeof(struct ethhdr));
	struct bench_way way = traffic.way;

	if (traffic.kind == BENCH_OUT) {
		if (data + 14 + 20 + 20 + 8 > end)
			return 0;
		write_ip(ip, bench_host(i), BENCH_GATEWAY, IPPROTO_IPIP, len);
		write_ip(ip + 1, bench_address(i), bench_peer(i), IPPROTO_UDP, len - 20);
		write_udp(ip + 2, bench_port(i) + 3, 7, len - 40);
	} else if (traffic.kind == BENCH_COOKIE) {
		if (data + 14 + 20 + 8 + 28 > end)
			return 0;
		write_ip(ip, bench_peer(i), bench_address(i), IPPROTO_UDP, len);
		write_udp(ip + 1, 500, 500, len - 20);
		write_ike((__u8 *)(ip + 1) + 8, bench_cookie(i), len - 28);
	} else {
		if (data + 14 + 20 + 8 > end)
			return 0;
		write_packet(ip, i, len);
	}
	write_ether(data, way.dst, way.src);
	return 1;
}

SEC("xdp")
int
source(struct xdp_md *ctx)
{
	return write_frame(ctx) ? bpf_redirect(traffic.ifindex, 0) : XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/* The same for a test run of the program in measured, which may have moved the head of the frame. */
SEC("xdp")
int
source_of_run(struct xdp_md *ctx)
{
	int moved = (int)(ctx->data_end - ctx->data) - (int)traffic.len;

	if ((moved != 0 && bpf_xdp_adjust_head(ctx, moved) != 0) || !write_frame(ctx))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_DROP;
}

SEC("xdp")
int
sink(struct xdp_md *ctx)
{
	__u32 only = 0;

	(void)ctx;
	__u64 *n = bpf_map_lookup_elem(&arrived, &only);

	if (n != NULL)
		++*n;
	return XDP_DROP;
}

/* ---- yardsticks ---- */

SEC("xdp")
int
bare_redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct bench_way way = redirect_way;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	write_ether(eth, way.dst, way.src);
	return bpf_redirect(redirect_to, 0);
}

SEC("xdp")
int
bare_encap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct bench_way *way;

	if ((void *)(ip + 1) + 4 > end)
		return XDP_PASS;
	struct bench_key key = {
		bpf_ntohl(ip->daddr), (bpf_ntohs(((__u16 *)(ip + 1))[1]) - BENCH_PORT_FIRST) / BENCH_PORTS,
	};
	__u16 len = bpf_ntohs(ip->tot_len);
	if ((way = bpf_map_lookup_elem(&ways, &key)) == NULL || bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)) != 0)
		return XDP_PASS;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ip = data + sizeof(struct ethhdr);
	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	write_ip(ip, BENCH_GATEWAY, way->host, IPPROTO_IPIP, len + sizeof(*ip));
	write_ether(data, way->dst, way->src);
	return bpf_redirect(redirect_to, 0);
}

SEC("xdp")
int
bare_strip(struct xdp_md *ctx)
{
	struct bench_way way = redirect_way;
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)) != 0)
		return XDP_PASS;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	write_ether(eth, way.dst, way.src);
	return bpf_redirect(redirect_to, 0);
}

/* What a test run costs when nothing is done. */
SEC("xdp")
int
bare_nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
