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
	uint32_t index;       /* which names it, with mark and if_id */
	struct xfrm_mark mark;
	uint32_t if_id;
	uint8_t dir;          /* XFRM_POLICY_IN, _OUT, _FWD */
	uint32_t reqid;
	ip4_t src, dst;       /* of the template */
	uint32_t spi;         /* of the template, 0 = any */
	struct nlmsghdr *raw;
};

/* What a message tells of an SA, an xfrm_usersa_info with its attributes (NEWSA, UPDSA), or of a policy, an
 * xfrm_userpolicy_info (NEWPOLICY, UPDPOLICY); without ->raw. False: it is passed over. */
bool kernel_state_read(const struct nlmsghdr *header, struct kernel_state *out);
bool kernel_policy_read(const struct nlmsghdr *header, struct kernel_policy *out);

/* A copy for ->raw; kernel_raw_free wipes it, and accepts NULL. */
struct nlmsghdr *kernel_raw_copy(const struct nlmsghdr *header);
void kernel_raw_free(struct nlmsghdr *raw);

/* Reads replay state and counts anew; ESRCH when it is gone. */
int kernel_state_refresh(struct xfrm_nl *nl, struct kernel_state *state);
/* Reads all of it anew, ->raw too; ESRCH when it is gone. kernel_state_clear wipes that. */
int kernel_state_reread(struct xfrm_nl *nl, struct kernel_state *state);
void kernel_state_clear(struct kernel_state *state);
/* Where the outbound sequence numbers of its successor begin, so that none is used twice: kernel_move.c. */
uint64_t kernel_state_next(struct xfrm_nl *nl, const struct kernel_state *state);

/* Questions for the one SA, or policy, of that name: destination, SPI, mark and if_id, or index, dir, mark and if_id. */
struct nl_msg *kernel_state_question(const struct kernel_state *name);
struct nl_msg *kernel_policy_question(const struct kernel_policy *name);

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
