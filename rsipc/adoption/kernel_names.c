#include "kernel_names.h"

#include <arpa/inet.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mem.h"
#include "netlink_xfrm.h"

/* A policy's index is no other's, but an update of it may lead to another reqid, or nowhere, and tells only that. */
struct known_policy {
	uint32_t index;
	struct kernel_policy name; /* index, dir, mark, if_id; and reqid: its group */
	UT_hash_handle hh;
};

struct kernel_names {
	struct kernel_group *groups;   /* uthash, by reqid */
	struct known_policy *policies; /* uthash, by index */
	uint32_t *due;
	size_t n_due, due_room;
};

/* ---- groups ---- */

struct kernel_names *
kernel_names_new(void)
{
	return mem_zero(1, sizeof(struct kernel_names));
}

struct kernel_group *
kernel_names_group(const struct kernel_names *names, uint32_t reqid)
{
	struct kernel_group *group;

	HASH_FIND(hh, names->groups, &reqid, sizeof(reqid), group);
	return group;
}

struct kernel_group *
kernel_names_next(const struct kernel_names *names, const struct kernel_group *after)
{
	return after == NULL ? names->groups : after->hh.next;
}

static struct kernel_group *
group_for(struct kernel_names *names, uint32_t reqid)
{
	struct kernel_group *group = kernel_names_group(names, reqid);

	if (group != NULL)
		return group;
	group = mem_zero(1, sizeof(*group));
	group->reqid = reqid;
	group->names = names;
	HASH_ADD(hh, names->groups, reqid, sizeof(group->reqid), group);
	return group;
}

static void
free_group(struct kernel_group *group)
{
	HASH_DEL(group->names->groups, group);
	free(group->states);
	free(group->policies);
	free(group);
}

void
kernel_names_tidy(struct kernel_group *group)
{
	if (group->n_states == 0 && group->n_policies == 0 && group->tunnels == NULL)
		free_group(group);
}

/* ---- names ---- */

static struct known_policy *
known_policy(const struct kernel_names *names, uint32_t index)
{
	struct known_policy *known;

	HASH_FIND(hh, names->policies, &index, sizeof(index), known);
	return known;
}

static void
put_state(struct kernel_group *group, const struct kernel_state *state)
{
	group->states = mem_grow(group->states, group->n_states + 1, sizeof(*group->states));
	group->states[group->n_states++] = (struct kernel_state){
		.spi = state->spi, .dst = state->dst, .mark = state->mark, .if_id = state->if_id, .reqid = state->reqid,
	};
}

static void
put_policy(struct kernel_group *group, const struct kernel_policy *policy)
{
	struct known_policy *known = mem_zero(1, sizeof(*known));

	known->index = policy->index;
	known->name = *policy;
	known->name.raw = NULL;
	HASH_ADD(hh, group->names->policies, index, sizeof(known->index), known);
	group->policies = mem_grow(group->policies, group->n_policies + 1, sizeof(*group->policies));
	group->policies[group->n_policies++] = policy->index;
}

static void
forget_policy(struct kernel_names *names, struct known_policy *known)
{
	struct kernel_group *group = kernel_names_group(names, known->name.reqid);
	size_t i = 0;

	while (group->policies[i] != known->index)
		i++;
	group->policies[i] = group->policies[--group->n_policies];
	HASH_DEL(names->policies, known);
	free(known);
}

static void
forget_policies(struct kernel_names *names, const struct kernel_group *group)
{
	for (size_t i = 0; i < group->n_policies; i++) {
		struct known_policy *known = known_policy(names, group->policies[i]);

		HASH_DEL(names->policies, known);
		free(known);
	}
}

/* The group has what stands in the table, which has nothing of other groups, and no more. */
static void
replace(struct kernel_group *group, const struct kernel_table *table)
{
	forget_policies(group->names, group);
	group->n_states = group->n_policies = 0;
	for (size_t i = 0; i < table->n_states; i++)
		put_state(group, &table->states[i]);
	for (size_t i = 0; i < table->n_policies; i++)
		put_policy(group, &table->policies[i]);
}

void
kernel_names_free(struct kernel_names *names)
{
	struct kernel_group *group, *next;

	if (names == NULL)
		return;
	HASH_ITER(hh, names->groups, group, next) {
		forget_policies(names, group);
		free_group(group);
	}
	free(names->due);
	free(names);
}

void
kernel_names_all(struct kernel_names *names, const struct kernel_table *all)
{
	struct kernel_group *group, *next;

	for (size_t i = 0; i < all->n_states; i++)
		group_for(names, all->states[i].reqid);
	for (size_t i = 0; i < all->n_policies; i++)
		group_for(names, all->policies[i].reqid);
	HASH_ITER(hh, names->groups, group, next) {
		const struct kernel_table none = { 0 };

		replace(group, &none); /* each index has to be free before another group may have it */
	}
	HASH_ITER(hh, names->groups, group, next) {
		struct kernel_table part = kernel_table_part(all, group->reqid);

		replace(group, &part);
	}
}

/* ---- what is due ---- */

void
kernel_group_raise(struct kernel_group *group)
{
	struct kernel_names *names = group->names;

	if (group->due)
		return;
	group->due = true;
	if (names->n_due == names->due_room) {
		names->due_room = names->due_room == 0 ? 16 : 2 * names->due_room;
		names->due = mem_grow(names->due, names->due_room, sizeof(*names->due));
	}
	names->due[names->n_due++] = group->reqid;
}

size_t
kernel_names_due(struct kernel_names *names, uint32_t **out)
{
	size_t n = names->n_due;

	*out = names->due;
	names->due = NULL;
	names->n_due = names->due_room = 0;
	for (size_t i = 0; i < n; i++) {
		struct kernel_group *group = kernel_names_group(names, (*out)[i]);

		if (group != NULL)
			group->due = false;
	}
	return n;
}

/* ---- what the kernel tells ---- */

static bool
same_name(const struct kernel_state *a, const struct kernel_state *b)
{
	return a->spi == b->spi && a->dst.addr == b->dst.addr && a->mark.v == b->mark.v && a->mark.m == b->mark.m;
}

void
kernel_group_note(struct kernel_group *group, const struct kernel_state *state)
{
	for (size_t i = 0; i < group->n_states; i++) {
		if (same_name(&group->states[i], state))
			return;
	}
	put_state(group, state);
}

static void
told_state(struct kernel_names *names, const struct nlmsghdr *header)
{
	struct kernel_state state;
	struct kernel_group *group;

	if (!kernel_state_read(header, &state))
		return;
	group = group_for(names, state.reqid);
	kernel_group_note(group, &state);
	kernel_group_raise(group);
}

/* One that is known leads no longer where it led. */
static void
changed_policy(struct kernel_names *names, uint32_t index)
{
	struct known_policy *known = known_policy(names, index);

	if (known != NULL)
		kernel_group_raise(kernel_names_group(names, known->name.reqid));
}

static void
told_policy(struct kernel_names *names, const struct nlmsghdr *header)
{
	const struct xfrm_userpolicy_info *info = nlmsg_data(header);
	struct known_policy *known;
	struct kernel_policy policy;

	if (!nlmsg_valid_hdr(header, sizeof(*info)))
		return;
	changed_policy(names, info->index);
	if (!kernel_policy_read(header, &policy))
		return;
	if ((known = known_policy(names, policy.index)) != NULL)
		forget_policy(names, known);
	put_policy(group_for(names, policy.reqid), &policy);
	kernel_group_raise(group_for(names, policy.reqid));
}

/* Of what has gone the attribute tells what the fixed part would of what has come. */
static const void *
gone(const struct nlmsghdr *header, size_t fixed, int type, size_t len)
{
	const struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, (int)fixed, type);

	return attr != NULL && (size_t)nla_len(attr) >= len ? nla_data(attr) : NULL;
}

static void
told_no_state(struct kernel_names *names, const void *told)
{
	struct xfrm_usersa_info info; /* that of an attribute is aligned to 4 bytes only */
	struct kernel_group *group;

	if (told == NULL)
		return;
	memcpy(&info, told, sizeof(info));
	if ((group = kernel_names_group(names, info.reqid)) != NULL)
		kernel_group_raise(group);
}

static void
told_no_policy(struct kernel_names *names, const void *told)
{
	struct xfrm_userpolicy_info info;

	if (told == NULL)
		return;
	memcpy(&info, told, sizeof(info));
	changed_policy(names, info.index);
}

/* SAs between two addresses are between others now, and so may have other names. */
static void
told_move(struct kernel_names *names, const struct xfrm_user_migrate *move)
{
	struct kernel_group *group = kernel_names_group(names, move->reqid);
	size_t n = group != NULL ? group->n_states : 0;

	for (size_t i = 0; i < n && move->new_family == AF_INET; i++) {
		struct kernel_state moved = group->states[i];

		moved.dst.addr = ntohl(move->new_daddr.a4);
		if (group->states[i].dst.addr == ntohl(move->old_daddr.a4))
			kernel_group_note(group, &moved);
	}
	if (group != NULL)
		kernel_group_raise(group);
}

static void
told_moves(struct kernel_names *names, const struct nlmsghdr *header)
{
	const struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, header, (int)sizeof(struct xfrm_userpolicy_id), left) {
		if (nla_type(attr) == XFRMA_MIGRATE && nla_len(attr) >= (int)sizeof(struct xfrm_user_migrate))
			told_move(names, nla_data(attr));
	}
}

bool
kernel_names_told(struct kernel_names *names, const struct nlmsghdr *header)
{
	const size_t sa = sizeof(struct xfrm_usersa_info), policy = sizeof(struct xfrm_userpolicy_info);

	switch (header->nlmsg_type) {
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		told_state(names, header);
		return true;
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		told_policy(names, header);
		return true;
	case XFRM_MSG_DELSA:
		told_no_state(names, gone(header, sizeof(struct xfrm_usersa_id), XFRMA_SA, sa));
		return true;
	case XFRM_MSG_DELPOLICY:
		told_no_policy(names, gone(header, sizeof(struct xfrm_userpolicy_id), XFRMA_POLICY, policy));
		return true;
	case XFRM_MSG_EXPIRE: /* begins with it */
		told_no_state(names, nlmsg_valid_hdr(header, (int)sa) ? nlmsg_data(header) : NULL);
		return true;
	case XFRM_MSG_POLEXPIRE:
		told_no_policy(names, nlmsg_valid_hdr(header, (int)policy) ? nlmsg_data(header) : NULL);
		return true;
	case XFRM_MSG_MIGRATE:
		told_moves(names, header);
		return true;
	default:
		return false;
	}
}

/* ---- what a group has ---- */

/* A name may be that of another group's by now, of which the kernel has told, or will. */
static void
keep_own(const struct kernel_group *group, struct kernel_table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n_states; i++) {
		if (table->states[i].reqid == group->reqid)
			table->states[n++] = table->states[i];
		else
			kernel_raw_free(table->states[i].raw);
	}
	table->n_states = n;
	n = 0;
	for (size_t i = 0; i < table->n_policies; i++) {
		if (table->policies[i].reqid == group->reqid)
			table->policies[n++] = table->policies[i];
		else
			kernel_raw_free(table->policies[i].raw);
	}
	table->n_policies = n;
}

int
kernel_group_read(struct kernel_group *group, struct xfrm_nl *nl, bool keys, struct kernel_table *table)
{
	struct nl_msg **questions = mem_zero(group->n_states + group->n_policies, sizeof(struct nl_msg *));
	size_t n = 0;
	int err;

	for (size_t i = 0; i < group->n_states; i++)
		questions[n++] = kernel_state_question(&group->states[i]);
	for (size_t i = 0; i < group->n_policies; i++)
		questions[n++] = kernel_policy_question(&known_policy(group->names, group->policies[i])->name);
	err = kernel_table_ask(nl, questions, n, keys, table);
	free(questions);
	keep_own(group, table);
	if (err == 0)
		replace(group, table);
	return err;
}
