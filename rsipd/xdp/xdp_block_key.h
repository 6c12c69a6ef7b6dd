/* Where in the tables SPIS and COOKIES a block is looked for, by the programs and by user space: in one of two lines,
 * in any item of it. An item says which of the blocks that meet in a line it is, and whose; of the few that still look
 * alike user space enters one only. It says nothing about the address for certain, which the binding does. */
#ifndef RSIPD_XDP_BLOCK_KEY_H
#define RSIPD_XDP_BLOCK_KEY_H

#include "xdp_abi.h"

/* An item: 32 bits of tag, 6 of kind, which is the block's size, and the binding's index. */
#define XDP_ITEM_SLOT_BITS 26
#define XDP_ITEM_KIND_BITS 6
#define XDP_ITEM_SLOTS (1ull << XDP_ITEM_SLOT_BITS)

/* With no more fixed bits than this the tag tells a block of cookies from all others of its address; with more the
 * binding's terms have to be asked. */
#define XDP_COOKIE_BITS_TOLD 32

struct xdp_block_key {
	__u64 id;   /* the item, but for its index */
	__u64 bits; /* half of them for each line in which it may be, the upper ones for where it should */
};

/* Each bit of the result depends on all of x. */
static inline __u64
xdp_mix(__u64 x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static inline __u32
xdp_addr_mix(__u32 seed, __u32 addr)
{
	return (__u32)xdp_mix((__u64)seed << 32 | addr);
}

static inline __u64
xdp_item_id(__u32 tag, __u32 kind)
{
	return ((__u64)tag << XDP_ITEM_KIND_BITS | kind) << XDP_ITEM_SLOT_BITS;
}

/* The block of 1 << shift SPIs from first on, in host order. */
static inline struct xdp_block_key
xdp_spi_key(__u32 addr_mix, __u32 first, __u32 shift)
{
	return (struct xdp_block_key) { .id = xdp_item_id(first ^ addr_mix, shift),
		                        .bits = xdp_mix(((__u64)addr_mix << 32 | first) + shift) };
}

/* The block of cookies whose first fixed bits are those of value, the others being 0 there; in host order. */
static inline struct xdp_block_key
xdp_cookie_key(__u32 addr_mix, __u64 value, __u32 fixed)
{
	__u32 tag = (__u32)(value >> 32) ^ (__u32)value * 0x9e3779b1u ^ addr_mix;

	return (struct xdp_block_key) { .id = xdp_item_id(tag, fixed & 63),
		                        .bits = xdp_mix(value + addr_mix * 0x9e3779b97f4a7c15u + fixed) };
}

/* The lines in use are a prefix of the table, which grows by one at a time (linear hashing): a line that is not there
 * yet is still part of the one that it will be split off. Told without a branch, which could not be predicted. */
static inline __u32
xdp_line_of(__u32 bits, const struct xdp_lines *in_use)
{
	__u32 line = bits & in_use->wide;
	__u64 is_there = -(((__u64)line - in_use->n) >> 63);

#ifdef __bpf__
	asm volatile("" : "+r"(is_there));
#endif
	return line & ((__u32)is_there | in_use->wide >> 1);
}

static inline __u32
xdp_first_line(const struct xdp_block_key *key, const struct xdp_lines *in_use)
{
	return xdp_line_of((__u32)(key->bits >> 32), in_use);
}

static inline __u32
xdp_second_line(const struct xdp_block_key *key, const struct xdp_lines *in_use)
{
	return xdp_line_of((__u32)key->bits, in_use);
}

#endif
