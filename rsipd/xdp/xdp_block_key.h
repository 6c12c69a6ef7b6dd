/* Where in the tables SPIS and COOKIES a block is looked for, by the programs and by user space: in one of two lines,
 * in any item of it. The item says which of the blocks that meet in a line it is; of the few that still look alike user
 * space enters one only. It says nothing about the address for certain, which the binding does. */
#ifndef RSIPD_XDP_BLOCK_KEY_H
#define RSIPD_XDP_BLOCK_KEY_H

#include "xdp_abi.h"

/* An item of SPIS: 32 bits of tag, 5 of kind, the rest the binding's index. */
#define XDP_ITEM_SLOT_BITS 27
#define XDP_ITEM_SLOTS (1ull << XDP_ITEM_SLOT_BITS)

struct xdp_block_key {
	__u64 id;   /* the item; of SPIS, but for its index */
	__u32 line; /* where it should be */
	__u32 sum;  /* of that and the other line in which it may be, modulo the number of lines */
};

/* Each bit of the result depends on all of x. */
static inline __u64
xdp_mix(__u64 x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

/* 32 bits as a number below n. */
static inline __u32
xdp_reduce(__u32 bits, __u32 n)
{
	return (__u32)((__u64)bits * n >> 32);
}

static inline __u32
xdp_addr_mix(__u32 seed, __u32 addr)
{
	return (__u32)xdp_mix((__u64)seed << 32 | addr);
}

static inline __u32
xdp_spi_sum(__u64 item, __u32 n_lines)
{
	return xdp_reduce((__u32)(item >> 32) * 0x9e3779b1u, n_lines);
}

static inline __u32
xdp_cookie_sum(__u64 item, __u32 n_lines)
{
	return xdp_reduce((__u32)xdp_mix(item), n_lines);
}

/* The block of 1 << shift SPIs from first on, in host order. */
static inline struct xdp_block_key
xdp_spi_key(__u32 addr_mix, __u32 first, __u32 shift, __u32 n_lines)
{
	__u64 bits = xdp_mix(((__u64)addr_mix << 32 | first) + shift);
	__u64 id = (__u64)(first ^ addr_mix) << 32 | (__u64)shift << XDP_ITEM_SLOT_BITS;

	return (struct xdp_block_key) { .id = id, .line = xdp_reduce((__u32)(bits >> 32), n_lines),
		                        .sum = xdp_spi_sum(id, n_lines) };
}

/* The block of cookies that are value where mask is set, both in network order. */
static inline struct xdp_block_key
xdp_cookie_key(__u32 addr_mix, __u64 value, __u64 mask, __u32 n_lines)
{
	__u64 id = value + addr_mix * 0x9e3779b97f4a7c15u + mask * 0xd6e8feb86659fd93u;

	return (struct xdp_block_key) { .id = id, .line = xdp_reduce((__u32)(xdp_mix(id) >> 32), n_lines),
		                        .sum = xdp_cookie_sum(id, n_lines) };
}

/* The other of two lines of this sum. */
static inline __u32
xdp_other_line(__u32 sum, __u32 line, __u32 n_lines)
{
	return sum >= line ? sum - line : sum + n_lines - line;
}

#endif
