/* The tables of SPI and cookie blocks as user space writes them: two lines for each block, and where both are full, what
 * is in them makes room (cuckoo hashing). Programs read meanwhile: they find the old holder of a block, the new one or
 * nobody, never another block's. */
#ifndef RSIPD_XDP_BLOCKS_H
#define RSIPD_XDP_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "xdp_block_key.h"
#include "xdp_tables.h"

enum xdp_block_table { XDP_BLOCKS_SPI, XDP_BLOCKS_COOKIE };

/* The block leads to the binding's entry, which is filled, from now on. False: no room, or in both lines a block of
 * another address looks just like it. */
bool xdp_blocks_set(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot);

/* The block leads nowhere, if it has led there. */
void xdp_blocks_drop(struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key, uint32_t slot);

/* The entry that the block leads to, or 0. */
uint32_t xdp_blocks_find(const struct xdp_tables *t, enum xdp_block_table table, const struct xdp_block_key *key);

/* What leads to no live binding goes. */
void xdp_blocks_sweep(struct xdp_tables *t);

/* How many items there are. */
uint32_t xdp_blocks_count(const struct xdp_tables *t, enum xdp_block_table table);

#endif
