/* SAs and policies of the kernel, read out of its netlink messages, and the messages that change their outer addresses.
 * IPv4 outside, ESP in tunnel mode; everything else is passed over. */
#ifndef RSIPC_KERNEL_STATE_H
#define RSIPC_KERNEL_STATE_H

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdbool.h>
#include <stdint.h>

#include "sa_backend.h"

struct nl_msg;
struct xfrm_nl;

struct kernel_state {
	uint32_t spi, reqid;
	struct sa_end src, dst;
	bool encap, esn;
	struct xfrm_mark mark; /* m 0 = none */
	uint32_t if_id;
	uint64_t add_time;     /* of its making, seconds; in order of its generation */
	uint64_t seq, oseq;    /* highest received and last sent; 64 bits with ESN */
	struct sa_counts counts;
	struct nlmsghdr *raw;  /* all that the kernel told, keys too; NULL unless asked for */
};

/* One policy with one template in tunnel mode, as the kernel told it. */
struct kernel_policy {
	uint8_t dir;          /* XFRM_POLICY_IN, _OUT, _FWD */
	uint32_t reqid;
	ip4_t src, dst;       /* of the template */
	uint32_t spi;         /* of the template, 0 = any */
	struct nlmsghdr *raw;
};

struct kernel_table {
	struct kernel_state *states; /* as the kernel lists them */
	size_t n_states;
	struct kernel_policy *policies;
	size_t n_policies;
};

/* All there is; with_keys: with ->raw of the states of this reqid. 0 or an errno number; cleared in both cases by
 * kernel_table_clear, which wipes what is raw. */
int kernel_table_read(struct xfrm_nl *nl, struct kernel_table *table, bool with_keys, uint32_t reqid);
void kernel_table_clear(struct kernel_table *table);

/* Reads replay state and counts anew; ESRCH when it is gone. */
int kernel_state_refresh(struct xfrm_nl *nl, struct kernel_state *state);
/* Reads all of it anew, ->raw too; ESRCH when it is gone. kernel_state_clear wipes that. */
int kernel_state_reread(struct xfrm_nl *nl, struct kernel_state *state);
void kernel_state_clear(struct kernel_state *state);
/* Where the outbound sequence numbers of its successor begin, so that none is used twice: kernel_move.c. */
uint64_t kernel_state_next(struct xfrm_nl *nl, const struct kernel_state *state);

struct kernel_place { struct sa_end src, dst; };

/* NEWSA of the same SA at another place: keys, replay state, lifetimes and their use kept. Its outbound sequence numbers go
 * on from oseq, where that is more than the state's own. The state has ->raw. */
struct nl_msg *kernel_state_add(const struct kernel_state *state, struct kernel_place to, uint64_t oseq);
/* NEWAE: what the SA has carried counts again, at its new place. The state has ->raw. */
struct nl_msg *kernel_state_use(const struct kernel_state *state, struct kernel_place at);
struct nl_msg *kernel_state_delete(const struct kernel_state *state);

/* UPDPOLICY with these addresses in the template. */
struct nl_msg *kernel_policy_update(const struct kernel_policy *policy, ip4_t src, ip4_t dst);

/* MIGRATE: of the policy's template and one SA that is where the state is, in one step that loses no packet. Without a
 * KMADDRESS, which leaves IKE daemons out of it. */
struct nl_msg *kernel_policy_migrate(const struct kernel_policy *policy, const struct kernel_state *state,
                                     struct kernel_place to);

/* The inner addresses that a policy is for. */
const struct xfrm_selector *kernel_policy_selector(const struct kernel_policy *policy);

#endif
