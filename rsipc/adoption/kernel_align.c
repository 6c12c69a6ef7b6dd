#include "kernel_align.h"

#include <stdlib.h>

#include "kernel_pairs.h"
#include "netlink_xfrm.h"

/* Do all SAs of the reqid lie between the two addresses of this one? Else a policy may be another tunnel's. */
static bool
is_alone(const struct kernel_table *table, const struct kernel_state *in)
{
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];
		bool same = state->src.addr == in->src.addr && state->dst.addr == in->dst.addr;

		if (state->reqid == in->reqid && !same && (state->src.addr != in->dst.addr || state->dst.addr != in->src.addr))
			return false;
	}
	return true;
}

/* Is there a policy of the reqid that leads away from these two addresses? */
static bool
is_led_away(const struct kernel_table *table, const struct kernel_state *in)
{
	for (size_t i = 0; i < table->n_policies; i++) {
		const struct kernel_policy *policy = &table->policies[i];
		bool sends = policy->dir == XFRM_POLICY_OUT;
		ip4_t src = sends ? in->dst.addr : in->src.addr, dst = sends ? in->src.addr : in->dst.addr;

		if (policy->reqid == in->reqid && ((policy->src != 0 && policy->src != src) || (policy->dst != 0 && policy->dst != dst)))
			return true;
	}
	return false;
}

bool
kernel_is_astray(const struct kernel_table *table, const struct kernel_state *in, const struct kernel_state *out)
{
	bool any = false;

	for (size_t i = 0; i < table->n_policies && !any; i++)
		any = table->policies[i].reqid == in->reqid;
	if (!any)
		return false;
	if (!kernel_led_to(table, in, false) || (is_alone(table, in) && is_led_away(table, in)))
		return true;
	return out->spi != 0 && (!sa_end_equal(out->src, in->dst) || !sa_end_equal(out->dst, in->src) ||
	                            !kernel_led_to(table, out, true));
}

static bool
is_there(const struct kernel_table *table, uint32_t spi, ip4_t dst)
{
	for (size_t i = 0; i < table->n_states; i++) {
		if (table->states[i].spi == spi && table->states[i].dst.addr == dst)
			return true;
	}
	return false;
}

/* In one go, back after an error. */
static int
put_state(struct xfrm_nl *nl, const struct kernel_table *table, const struct kernel_state *state, struct kernel_place to)
{
	struct nl_msg *msgs[2];
	int err;

	if (sa_end_equal(state->src, to.src) && sa_end_equal(state->dst, to.dst))
		return 0;
	if (state->dst.addr != to.dst.addr && is_there(table, state->spi, to.dst.addr))
		return 0;
	msgs[0] = kernel_state_delete(state);
	msgs[1] = kernel_state_add(state, to, kernel_state_next(nl, state));
	if ((err = xfrm_nl_do(nl, msgs, 2, NULL)) != 0) {
		msgs[0] = kernel_state_add(state, (struct kernel_place){ state->src, state->dst }, kernel_state_next(nl, state));
		xfrm_nl_do(nl, msgs, 1, NULL);
	}
	return err;
}

static int
put_policy(struct xfrm_nl *nl, const struct kernel_policy *policy, struct kernel_ends ends)
{
	bool out = policy->dir == XFRM_POLICY_OUT;
	ip4_t src = out ? ends.local.addr : ends.remote.addr, dst = out ? ends.remote.addr : ends.local.addr;
	struct nl_msg *msg;

	if ((policy->src == 0 || policy->src == src) && (policy->dst == 0 || policy->dst == dst))
		return 0;
	msg = kernel_policy_update(policy, policy->src != 0 ? src : 0, policy->dst != 0 ? dst : 0);
	return xfrm_nl_do(nl, &msg, 1, NULL);
}

/* At its new place its name may be another. */
static int
put_known(struct xfrm_nl *nl, struct kernel_group *group, const struct kernel_table *table, const struct kernel_state *state,
    struct kernel_place to)
{
	struct kernel_state there = *state;

	there.dst = to.dst;
	kernel_group_note(group, &there);
	return put_state(nl, table, state, to);
}

int
kernel_align(struct xfrm_nl *nl, struct kernel_group *group, struct kernel_pair pair, struct kernel_ends ends)
{
	struct kernel_table table;
	int err = kernel_group_read(group, nl, true, &table);

	for (size_t i = 0; i < table.n_states && err == 0; i++) {
		const struct kernel_state *state = &table.states[i];

		if (state->spi == pair.in)
			err = put_known(nl, group, &table, state, (struct kernel_place){ ends.remote, ends.local });
		else if (state->spi == pair.out && pair.out != 0)
			err = put_known(nl, group, &table, state, (struct kernel_place){ ends.local, ends.remote });
	}
	for (size_t i = 0; i < table.n_policies && err == 0; i++)
		err = put_policy(nl, &table.policies[i], ends);
	kernel_table_clear(&table);
	return err;
}
