/* A kernel's SAs and policies behind netlink_xfrm.h, as far as a move asks for them: this file's object takes the place of
 * netlink_xfrm.c. One process, one kernel. */
#ifndef XFRM_WORLD_H
#define XFRM_WORLD_H

#include <linux/xfrm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sa_backend.h"

#define WORLD_MAX 8

struct world_sa {
	uint32_t spi, reqid;
	struct sa_end src, dst;
	struct xfrm_lifetime_cur use;
	struct xfrm_replay_state replay;
	uint8_t key[20];
};
struct world_policy {
	uint8_t dir;
	uint32_t reqid, src, dst, index, spi, priority;
	struct xfrm_mark mark; /* by direction and mark one is told from another */
	uint64_t ends_after;   /* seconds, 0 = never */
};

extern struct xfrm_world {
	struct world_sa sas[WORLD_MAX];
	size_t n_sas;
	struct world_policy policies[WORLD_MAX];
	size_t n_policies;
	bool has_migrate;      /* it never succeeds here: only that it is asked for is of interest */
	bool busy;             /* each question finds another packet sent and received */
	int refuse_add_to;     /* an errno number for each NEWSA ... */
	uint32_t refuse_dst;   /* ... to that destination */
	unsigned migrates, deletes, adds;
	unsigned dumps, answers; /* questions for all, and single answers */
} xfrm_world;

void world_clear(void);
/* Its key is its SPI, again and again. */
void world_sa(uint32_t spi, struct sa_end src, struct sa_end dst, uint32_t seq, uint32_t oseq, uint64_t packets);
void world_policy(uint8_t dir, uint32_t src, uint32_t dst);
extern uint32_t world_reqid; /* of both */
/* The one of that SPI and destination, or NULL. */
struct world_sa *world_find(uint32_t spi, uint32_t dst);

#endif
