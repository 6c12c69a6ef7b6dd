/* Who leases an SPI or an IKE cookie: a look into one cache line, seldom two. */
#ifndef XDP_BPF_BLOCKS_H
#define XDP_BPF_BLOCKS_H

#include <bpf/bpf_endian.h>

#include "header.h"
#include "maps.h"
#include "xdp_block_key.h"

/* All bits where x is 0, else none: told without a branch, which could not be predicted, and would have to wait for the
 * line besides. */
static __always_inline __u64
all_where_0(__u64 x)
{
	barrier_var(x);
	return (((x | -x) >> 63) - 1);
}

/* An index of a binding that may lease the block, or 0: whether it is of the address is for the caller to see. */
static __always_inline __u32
owner_in_line(void *table, const struct xdp_block_key *key, __u32 line)
{
	const volatile struct xdp_line *l = bpf_map_lookup_elem(table, &line); /* written to meanwhile */
	__u64 owner = 0;

	if (l == NULL)
		return 0;
#pragma unroll
	for (int i = 0; i < XDP_LINE_ITEMS; i++) {
		__u64 slot = l->items[i] ^ key->id;

		owner |= slot & all_where_0(slot >> XDP_ITEM_SLOT_BITS);
	}
	return (__u32)owner;
}

static __always_inline __u32
owner_of_block(void *table, const struct xdp_lines *in_use, const struct xdp_block_key *key)
{
	__u32 owner = owner_in_line(table, key, xdp_first_line(key, in_use));

	return likely(owner != 0) ? owner : owner_in_line(table, key, xdp_second_line(key, in_use));
}

/* spi: in network order. */
static __always_inline __u32
spi_owner(const struct xdp_state *now, const struct xdp_addr *a, __u32 spi)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_SHIFTS_MAX; i++) {
		struct xdp_block_key key;
		__u32 owner, shift;

		if (i >= a->n_shifts)
			break;
		shift = a->shifts[i] & 31;
		key = xdp_spi_key(a->mix, bpf_ntohl(spi) >> shift << shift, shift);
		if (likely((owner = owner_of_block(&spis, &now->spis, &key)) != 0))
			return owner;
	}
	return 0;
}

/* A tag of 32 bits cannot tell all blocks from each other that have more of them fixed. */
static __always_inline int
is_of_block(__u32 owner, __u64 value, __u32 fixed)
{
	const struct xdp_terms *t;

	if (fixed <= XDP_COOKIE_BITS_TOLD)
		return 1;
	t = bpf_map_lookup_elem(&terms, &owner);
	return t != NULL && t->cookie_value == value;
}

/* cookie: in network order. */
static __always_inline __u32
cookie_block_owner(const struct xdp_state *now, const struct xdp_addr *a, __u64 cookie)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_FIXED_MAX; i++) {
		struct xdp_block_key key;
		__u32 owner, fixed, rest;
		__u64 value;

		if (i >= a->n_fixed)
			break;
		fixed = a->fixed[i];
		rest = (64 - fixed) & 63;
		value = bpf_be64_to_cpu(cookie) >> rest << rest;
		key = xdp_cookie_key(a->mix, value, fixed);
		if (likely((owner = owner_of_block(&cookies, &now->cookies, &key)) != 0) && is_of_block(owner, value, fixed))
			return owner;
	}
	return 0;
}

#endif
