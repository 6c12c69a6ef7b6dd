/* IPv4 headers: what is proven of them before they are believed, and the few fields that a router changes. */
#ifndef XDP_BPF_HEADER_H
#define XDP_BPF_HEADER_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp_abi.h"

/* What most packets do stands together in the program, which is long for the cache of instructions. */
#define likely(condition) __builtin_expect(!!(condition), 1)

#define IP_DF 0x4000
#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */

/* A packet in a frame. Pointers are void once the frame has been changed. Lengths have 64 bits because the verifier
 * knows no 32-bit arithmetic with pointers. */
struct frame {
	void *data, *end;
	struct iphdr *ip;
	__u64 len; /* of the packet, by its header */
	__u64 pad; /* bytes that the wire added behind it */
};

/* A length or port that was swapped, for use with pointers. The compiler knows that it has 16 bits; verifiers before Linux
 * 6.2 forget that with the swap, so it is masked where the compiler cannot see that this changes nothing. */
static __always_inline __u64
bounded(__u16 value)
{
	__u64 wide = value;

	barrier_var(wide);
	return wide & 0xffff;
}

static __always_inline __u16
fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* The one's complement sum of a header without options (RFC 1071): all ones when its checksum is right. */
static __always_inline __u16
header_sum(const struct iphdr *ip)
{
	const __u32 *word = (const __u32 *)ip;

	return fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
}

/* Why the header is nothing for us, or XDP_PASS_COUNT. room: the bytes that it may fill. */
static __always_inline enum xdp_pass
header_fault(const struct iphdr *ip, __u32 room)
{
	__u32 len = bpf_ntohs(ip->tot_len);

	if (ip->version != 4 || ip->ihl != 5 || len < sizeof(*ip) || len > room || header_sum(ip) != 0xffff)
		return XDP_PASS_HEADER;
	if ((ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0)
		return XDP_PASS_FRAGMENT;
	return XDP_PASS_COUNT;
}

/* Addresses that no router forwards from or to: 0/8, 127/8, and from 224/4 on. The kernel decides about them. */
static __always_inline int
is_martian(__u32 addr)
{
	__u32 first = bpf_ntohl(addr) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

/* RFC 1624 equation 3, for a 16-bit word under the checksum. */
static __always_inline void
checksum_adjust(struct iphdr *ip, __u16 before, __u16 after)
{
	ip->check = (__u16)~fold((__u64)(__u16)~ip->check + (__u16)~before + after);
}

static __always_inline void
decrement_ttl(struct iphdr *ip)
{
	__u16 *word = (__u16 *)&ip->ttl, before = *word;

	ip->ttl--;
	checksum_adjust(ip, before, *word);
}

static __always_inline void
set_tos(struct iphdr *ip, __u8 tos)
{
	__u16 *word = (__u16 *)ip, before = *word;

	ip->tos = tos;
	checksum_adjust(ip, before, *word);
}

/* Finds the packet in an Ethernet frame that is for us and untagged. */
static __always_inline int
frame_open(struct xdp_md *ctx, const struct xdp_device *device, struct frame *f)
{
	struct ethhdr *eth;
	const __u16 *to, *us = (const __u16 *)device->mac;

	f->data = (void *)(long)ctx->data;
	f->end = (void *)(long)ctx->data_end;
	eth = f->data;
	f->ip = (void *)(eth + 1);
	if ((void *)(f->ip + 1) > f->end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	to = (const __u16 *)eth->h_dest;
	return to[0] == us[0] && to[1] == us[1] && to[2] == us[2];
}

#endif
