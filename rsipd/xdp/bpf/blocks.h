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

/* What is in *word now: user space writes to it meanwhile. */
static __always_inline __u64
read_once(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

static __always_inline __u32
read_once_u32(const __u32 *word)
{
	return *(const volatile __u32 *)word;
}

/* An index of a binding that may lease the block, or 0: whether it is of the address is for the caller to see. */
static __always_inline __u32
spi_in_line(const struct xdp_block_key *key, __u32 line)
{
	const struct xdp_spi_line *l = bpf_map_lookup_elem(&spis, &line);
	__u64 owner = 0;

	if (l == NULL)
		return 0;
#pragma unroll
	for (int i = 0; i < XDP_SPI_ITEMS; i++) {
		__u64 slot = read_once(&l->items[i]) ^ key->id;

		owner |= slot & all_where_0(slot >> XDP_ITEM_SLOT_BITS);
	}
	return (__u32)owner;
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
		key = xdp_spi_key(a->mix, bpf_ntohl(spi) >> shift << shift, shift, now->spi_lines);
		if (likely((owner = spi_in_line(&key, key.line)) != 0) ||
		    (owner = spi_in_line(&key, xdp_other_line(key.sum, key.line, now->spi_lines))) != 0)
			return owner;
	}
	return 0;
}

/* An item that has just made room for another is seen by its index, which changes before and after it. */
static __always_inline __u32
cookie_in_line(const struct xdp_block_key *key, __u32 line)
{
	const struct xdp_cookie_line *l = bpf_map_lookup_elem(&cookies, &line);
	__u64 owner = 0;

	if (l == NULL)
		return 0;
#pragma unroll
	for (int i = 0; i < XDP_COOKIE_ITEMS; i++) {
		__u32 slot = read_once_u32(&l->slots[i]);
		__u64 other_item = read_once(&l->items[i]) ^ key->id;

		owner |= slot & all_where_0(other_item | (read_once_u32(&l->slots[i]) ^ slot));
	}
	return (__u32)owner;
}

/* Where an address has blocks of several masks, one of another could look like one of ours. */
static __always_inline int
has_mask(const struct xdp_addr *a, __u32 owner, __u64 mask)
{
	const struct xdp_terms *t;

	if (a->n_masks == 1)
		return 1;
	t = bpf_map_lookup_elem(&terms, &owner);
	return t != NULL && t->cookie_mask == mask;
}

static __always_inline __u32
cookie_block_owner(const struct xdp_state *now, const struct xdp_addr *a, __u64 cookie)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < XDP_MASKS_MAX; i++) {
		struct xdp_block_key key;
		__u32 owner;

		if (i >= a->n_masks)
			break;
		key = xdp_cookie_key(a->mix, cookie & a->masks[i], a->masks[i], now->cookie_lines);
		if ((likely((owner = cookie_in_line(&key, key.line)) != 0) ||
		     (owner = cookie_in_line(&key, xdp_other_line(key.sum, key.line, now->cookie_lines))) != 0) &&
		    has_mask(a, owner, a->masks[i]))
			return owner;
	}
	return 0;
}

#endif
