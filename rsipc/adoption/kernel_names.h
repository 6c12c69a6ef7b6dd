/* Names of the kernel's SAs and policies, in groups: those of one reqid, by which the kernel ties SAs and policies together.
 * What an event needs to know of the kernel is asked for by these names, so that it costs the same however many tunnels
 * there are beside; all is read when the agent starts, and when news were lost.
 *
 * A name too many does no harm: nothing answers to it, and it is forgotten. One too few would be an SA that is left behind
 * when its tunnel moves. So whatever the kernel tells is noted before anything is asked, and what we add, when we do. */
#ifndef RSIPC_KERNEL_NAMES_H
#define RSIPC_KERNEL_NAMES_H

#include <uthash.h>

#include "kernel_table.h"

struct kernel_names;
struct nlmsghdr;
struct tunnel;
struct xfrm_nl;

struct kernel_group {
	uint32_t reqid;
	struct kernel_names *names;
	struct kernel_state *states; /* of each its name only: spi, dst, mark, if_id */
	size_t n_states;
	uint32_t *policies;          /* their indexes */
	size_t n_policies;
	struct tunnel *tunnels;      /* the backend's: kernel_tunnel.h */
	bool due;                    /* something of it has changed: kernel_names_due */
	UT_hash_handle hh;
};

struct kernel_names *kernel_names_new(void); /* never NULL */
void kernel_names_free(struct kernel_names *names); /* accepts NULL */

struct kernel_group *kernel_names_group(const struct kernel_names *names, uint32_t reqid); /* or NULL */
struct kernel_group *kernel_names_next(const struct kernel_names *names, const struct kernel_group *after); /* NULL starts, ends */
/* Forgets a group that has neither names nor tunnels. */
void kernel_names_tidy(struct kernel_group *group);

/* What there is, and no more, is what stands in the table: kernel_table_read(). */
void kernel_names_all(struct kernel_names *names, const struct kernel_table *all);

/* Notes what the kernel tells by this message, one of XFRMNLGRP_SA, _POLICY, _EXPIRE and _MIGRATE: its groups are due. False:
 * that cannot be had by name, and all is to be read. */
bool kernel_names_told(struct kernel_names *names, const struct nlmsghdr *header);
/* An SA of this group has been added, or is about to be, with that name. */
void kernel_group_note(struct kernel_group *group, const struct kernel_state *state);

/* The group has changed, or is to be looked at again: it is due. */
void kernel_group_raise(struct kernel_group *group);
/* The reqids of the groups that are due, which are so no longer. The caller frees *out. Returns how many. */
size_t kernel_names_due(struct kernel_names *names, uint32_t **out);

/* What the group has now, all of its reqid; keys: with ->raw of SAs. Names to which nothing answers are forgotten. 0 or an
 * errno number; cleared in both cases by kernel_table_clear. */
int kernel_group_read(struct kernel_group *group, struct xfrm_nl *nl, bool keys, struct kernel_table *table);

#endif
