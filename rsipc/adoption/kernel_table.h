/* SAs and policies of the kernel's, as they were at one moment: all that there are, or those that were asked for. */
#ifndef RSIPC_KERNEL_TABLE_H
#define RSIPC_KERNEL_TABLE_H

#include "kernel_state.h"

struct kernel_table {
	struct kernel_state *states;
	size_t n_states;
	struct kernel_policy *policies; /* with ->raw */
	size_t n_policies;
};

/* All there is, without keys, in order of reqid, and of one reqid the older SA first. 0 or an errno number; cleared in both
 * cases by kernel_table_clear. */
int kernel_table_read(struct xfrm_nl *nl, struct kernel_table *table);
/* What of that has this reqid; not to be cleared. */
struct kernel_table kernel_table_part(const struct kernel_table *table, uint32_t reqid);

/* The answers to these questions, whose messages it frees; keys: with ->raw of SAs. What is not there is left out. 0 or an
 * errno number; cleared in both cases. */
int kernel_table_ask(struct xfrm_nl *nl, struct nl_msg *const *questions, size_t n, bool keys, struct kernel_table *table);

void kernel_table_clear(struct kernel_table *table); /* wipes what is raw */

#endif
