/* The order of a move: kernel_move.h.
 *
 * An SA is named by its destination and SPI (RFC 4301 4.1). When the peer has moved, our outbound SA has another
 * destination; when we have, our inbound one.
 *
 *  1. Those that get a new name are added, beside the old: nothing uses them yet.
 *  2. Those that keep it are moved by MIGRATE, which swaps the SA and the template of its policy in one step. Where the
 *     kernel has none (ENOPROTOOPT), they are deleted and added in one go, with the templates behind.
 *  3. The templates of the other policies change: packets leave by the new SA.
 *  4. The old outbound SA goes.
 *
 * The peer's packets are checked against the templates of `in` and `fwd`, whose source address must be the SA's. So while
 * an inbound SA changes its source, those let any in (0.0.0.0): the reqid still ties them to the SA.
 *
 * Between the reading of an outbound SA and the change of its policy it goes on sending: the new one starts some numbers
 * later, so that none is used twice, by four times what was sent during the preparations. The kernel's IVs do not
 * repeat even then: they come of the sequence number and a random salt that every SA draws when it is made. */
#include "kernel_move.h"

#include <errno.h>
#include <stdlib.h>

#include "mem.h"
#include "netlink_xfrm.h"

struct move {
	struct xfrm_nl *nl;
	struct kernel_group *group;
	struct kernel_ends from, to;
	struct kernel_table table;
	bool migrates; /* the kernel can, and may */
};

static bool
is_outbound(const struct move *move, const struct kernel_state *state)
{
	return sa_end_equal(state->src, move->from.local) &&
	    sa_end_equal(state->dst, move->from.remote);
}

static bool
is_inbound(const struct move *move, const struct kernel_state *state)
{
	return sa_end_equal(state->src, move->from.remote) &&
	    sa_end_equal(state->dst, move->from.local);
}

static struct kernel_place
out_place(const struct move *move)
{
	return (struct kernel_place){ move->to.local, move->to.remote };
}

static struct kernel_place
in_place(const struct move *move)
{
	return (struct kernel_place){ move->to.remote, move->to.local };
}

static bool
same_name(struct sa_end from, struct sa_end to)
{
	return from.addr == to.addr;
}

/* ---- batches ---- */

struct batch { struct nl_msg **msgs; size_t n; };

static void
batch_add(struct batch *batch, struct nl_msg *msg)
{
	batch->msgs = mem_grow(batch->msgs, batch->n + 1, sizeof(*batch->msgs));
	batch->msgs[batch->n++] = msg;
}

static int
batch_do(struct xfrm_nl *nl, struct batch *batch)
{
	int err = xfrm_nl_do(nl, batch->msgs, batch->n, NULL);

	free(batch->msgs);
	*batch = (struct batch){ 0 };
	return err;
}

/* ---- policies ---- */

static bool
is_policy(const struct move *move, const struct kernel_policy *policy)
{
	bool out = policy->dir == XFRM_POLICY_OUT;
	ip4_t local = out ? policy->src : policy->dst, remote = out ? policy->dst : policy->src;

	return (local == 0 || local == move->from.local.addr) && (remote == 0 || remote == move->from.remote.addr);
}

static void
put_policies(const struct move *move, struct batch *batch, uint8_t dir, ip4_t src, ip4_t dst)
{
	for (size_t i = 0; i < move->table.n_policies; i++) {
		const struct kernel_policy *policy = &move->table.policies[i];

		if (is_policy(move, policy) && policy->dir == dir)
			batch_add(batch, kernel_policy_update(policy, src, dst));
	}
}

static const struct kernel_policy *
first_policy(const struct move *move, uint8_t dir)
{
	for (size_t i = 0; i < move->table.n_policies; i++) {
		const struct kernel_policy *policy = &move->table.policies[i];

		if (is_policy(move, policy) && policy->dir == dir && policy->src != 0)
			return policy;
	}
	return NULL;
}

/* ---- SAs that get a new name ---- */

/* The SA is where it is, and at its new place. */
static void
note(const struct move *move, const struct kernel_state *state, struct sa_end dst)
{
	struct kernel_state renamed = *state;

	renamed.dst = dst;
	kernel_group_note(move->group, &renamed);
}

/* One may be there already, where an IKE daemon made another beside one that we had moved: it knows what it has received
 * and makes room for itself in its right place. */
static void
put_inbound(const struct move *move, struct batch *batch, const struct kernel_state *state)
{
	for (size_t i = 0; i < move->table.n_states; i++) {
		const struct kernel_state *there = &move->table.states[i];

		if (there->spi != state->spi || there->dst.addr != move->to.local.addr)
			continue;
		batch_add(batch, kernel_state_delete(there));
		if (there->seq >= state->seq)
			state = there;
		break;
	}
	batch_add(batch, kernel_state_add(state, in_place(move), 0));
	note(move, state, move->to.local);
}

static int
add_renamed(struct move *move)
{
	bool out = !same_name(move->from.remote, move->to.remote), in = !same_name(move->from.local, move->to.local);
	struct batch batch = { 0 };

	for (size_t i = 0; i < move->table.n_states; i++) {
		const struct kernel_state *state = &move->table.states[i];

		if (in && is_inbound(move, state))
			put_inbound(move, &batch, state);
		if (!out || !is_outbound(move, state))
			continue;
		batch_add(&batch, kernel_state_add(state, out_place(move), kernel_state_next(move->nl, state)));
		note(move, state, move->to.remote);
	}
	return batch_do(move->nl, &batch);
}

static void
delete_renamed(struct move *move)
{
	struct batch batch = { 0 };

	for (size_t i = 0; i < move->table.n_states && !same_name(move->from.remote, move->to.remote); i++) {
		if (is_outbound(move, &move->table.states[i]))
			batch_add(&batch, kernel_state_delete(&move->table.states[i]));
	}
	batch_do(move->nl, &batch);
}

/* After an error: what add_renamed added. Where what it is a copy of has gone meanwhile, an IKE daemon was at the same move,
 * and the one at the new place, whoever added it, is the only one. */
static void
undo_renamed(struct move *move)
{
	bool out = !same_name(move->from.remote, move->to.remote), in = !same_name(move->from.local, move->to.local);
	struct batch batch = { 0 };

	for (size_t i = 0; i < move->table.n_states; i++) {
		struct kernel_state added = move->table.states[i];

		if (((in && is_inbound(move, &added)) || (out && is_outbound(move, &added))) &&
		    kernel_state_refresh(move->nl, &added) == 0) {
			added.dst = is_inbound(move, &added) ? move->to.local : move->to.remote;
			batch_add(&batch, kernel_state_delete(&added));
		}
	}
	batch_do(move->nl, &batch);
}

/* ---- SAs that keep their name ---- */

/* MIGRATE begins the counts anew, by which lifetimes in bytes and the IKE daemon go. */
static void
restore_use(struct move *move, const struct kernel_state *state, struct kernel_place to)
{
	struct nl_msg *msg = kernel_state_use(state, to);

	xfrm_nl_do(move->nl, &msg, 1, NULL);
}

/* One SA and one policy in a step of the kernel's. False: it cannot, and has changed nothing. */
static bool
migrate(struct move *move, const struct kernel_state *state, uint8_t dir, struct kernel_place to)
{
	const struct kernel_policy *policy = first_policy(move, dir);
	struct nl_msg *msg;
	int err;

	if (!move->migrates || policy == NULL || policy->src != state->src.addr || policy->dst != state->dst.addr)
		return false;
	msg = kernel_policy_migrate(policy, state, to);
	err = xfrm_nl_do(move->nl, &msg, 1, NULL);
	if (err == ENOPROTOOPT)
		move->migrates = false;
	if (err == 0)
		restore_use(move, state, to);
	return err == 0;
}

/* What it has received until the last moment is in its replay window at the new place. */
static int
replace(struct move *move, struct kernel_state *state, struct kernel_place to)
{
	uint64_t oseq = kernel_state_next(move->nl, state);
	struct kernel_place back = { state->src, state->dst };
	struct batch batch = { 0 };
	int err = kernel_state_reread(move->nl, state);

	if (err != 0)
		return err;
	batch_add(&batch, kernel_state_delete(state));
	batch_add(&batch, kernel_state_add(state, to, oseq));
	if ((err = batch_do(move->nl, &batch)) != 0) {
		batch_add(&batch, kernel_state_add(state, back, oseq));
		batch_do(move->nl, &batch);
	}
	return err;
}

static int
move_named(struct move *move)
{
	bool out = same_name(move->from.remote, move->to.remote), in = same_name(move->from.local, move->to.local);
	int err = 0;

	for (size_t i = 0; i < move->table.n_states && err == 0; i++) {
		struct kernel_state *state = &move->table.states[i];

		if (out && is_outbound(move, state) && !migrate(move, state, XFRM_POLICY_OUT, out_place(move)))
			err = replace(move, state, out_place(move));
		if (in && is_inbound(move, state) && !migrate(move, state, XFRM_POLICY_IN, in_place(move)))
			err = replace(move, state, in_place(move));
	}
	return err;
}

/* ---- the whole ---- */

/* While an inbound SA changes its source, and for good afterwards. */
static int
open_forwarding(struct move *move)
{
	struct batch batch = { 0 };

	if (!same_name(move->from.remote, move->to.remote) && move->group->reqid != 0)
		put_policies(move, &batch, XFRM_POLICY_FWD, 0, move->to.local.addr);
	return batch_do(move->nl, &batch);
}

static int
move_policies(struct move *move)
{
	struct batch batch = { 0 };

	put_policies(move, &batch, XFRM_POLICY_OUT, move->to.local.addr, move->to.remote.addr);
	put_policies(move, &batch, XFRM_POLICY_IN, move->to.remote.addr, move->to.local.addr);
	put_policies(move, &batch, XFRM_POLICY_FWD, move->to.remote.addr, move->to.local.addr);
	return batch_do(move->nl, &batch);
}

static int
move_all(struct move *move)
{
	int err = add_renamed(move);

	if (err == 0)
		err = open_forwarding(move);
	if (err == 0)
		err = move_named(move);
	if (err == 0)
		err = move_policies(move);
	if (err == 0)
		delete_renamed(move);
	else
		undo_renamed(move);
	return err;
}

static bool
is_there(const struct move *move)
{
	for (size_t i = 0; i < move->table.n_states; i++) {
		if (is_inbound(move, &move->table.states[i]))
			return true;
	}
	return false;
}

int
kernel_move(struct xfrm_nl *nl, struct kernel_group *group, struct kernel_ends from, struct kernel_ends to, bool may_migrate)
{
	struct move move = { .nl = nl, .group = group, .from = from, .to = to, .migrates = may_migrate };
	int err = kernel_group_read(group, nl, true, &move.table);

	if (err == 0)
		err = is_there(&move) ? move_all(&move) : ESRCH;
	kernel_table_clear(&move.table);
	return err;
}
