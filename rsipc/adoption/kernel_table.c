#include "kernel_table.h"

#include <stdlib.h>

#include "mem.h"
#include "netlink_xfrm.h"

/* ---- reading ---- */

struct reading { struct kernel_table *table; size_t states_room, policies_room; bool keys; };

/* Room for one more of n. */
static void *
grow(void *all, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return all;
	*room = *room == 0 ? 8 : 2 * *room;
	return mem_grow(all, *room, size);
}

static void
add_state(struct reading *reading, const struct nlmsghdr *header)
{
	struct kernel_table *table = reading->table;
	struct kernel_state state;

	if (!kernel_state_read(header, &state))
		return;
	if (reading->keys)
		state.raw = kernel_raw_copy(header);
	table->states = grow(table->states, table->n_states, &reading->states_room, sizeof(state));
	table->states[table->n_states++] = state;
}

static void
add_policy(struct reading *reading, const struct nlmsghdr *header)
{
	struct kernel_table *table = reading->table;
	struct kernel_policy policy;

	if (!kernel_policy_read(header, &policy))
		return;
	policy.raw = kernel_raw_copy(header);
	table->policies = grow(table->policies, table->n_policies, &reading->policies_room, sizeof(policy));
	table->policies[table->n_policies++] = policy;
}

static void
read_cb(const struct nlmsghdr *header, void *arg)
{
	if (header->nlmsg_type == XFRM_MSG_NEWSA)
		add_state(arg, header);
	else if (header->nlmsg_type == XFRM_MSG_NEWPOLICY)
		add_policy(arg, header);
}

int
kernel_table_ask(struct xfrm_nl *nl, struct nl_msg *const *questions, size_t n, bool keys, struct kernel_table *table)
{
	struct reading reading = { .table = table, .keys = keys };

	*table = (struct kernel_table){ 0 };
	return xfrm_nl_ask_each(nl, questions, n, read_cb, &reading);
}

void
kernel_table_clear(struct kernel_table *table)
{
	for (size_t i = 0; i < table->n_states; i++)
		kernel_raw_free(table->states[i].raw);
	for (size_t i = 0; i < table->n_policies; i++)
		kernel_raw_free(table->policies[i].raw);
	free(table->states);
	free(table->policies);
	*table = (struct kernel_table){ 0 };
}

/* ---- all, by reqid ---- */

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
order_of_states(const void *a, const void *b)
{
	const struct kernel_state *one = a, *other = b;
	int by = order(one->reqid, other->reqid);

	if (by == 0)
		by = order(one->add_time, other->add_time);
	if (by == 0)
		by = order(one->spi, other->spi);
	return by != 0 ? by : order(one->dst.addr, other->dst.addr);
}

static int
order_of_policies(const void *a, const void *b)
{
	const struct kernel_policy *one = a, *other = b;
	int by = order(one->reqid, other->reqid);

	return by != 0 ? by : order(one->index, other->index);
}

int
kernel_table_read(struct xfrm_nl *nl, struct kernel_table *table)
{
	struct reading reading = { .table = table };
	struct xfrm_userpolicy_id policy = { 0 };
	struct xfrm_usersa_id sa = { 0 };
	int err;

	*table = (struct kernel_table){ 0 };
	err = xfrm_nl_ask(nl, xfrm_nl_message(XFRM_MSG_GETSA, NLM_F_DUMP, &sa, sizeof(sa)), read_cb, &reading);
	if (err == 0)
		err = xfrm_nl_ask(nl, xfrm_nl_message(XFRM_MSG_GETPOLICY, NLM_F_DUMP, &policy, sizeof(policy)), read_cb,
		    &reading);
	if (table->n_states > 0)
		qsort(table->states, table->n_states, sizeof(*table->states), order_of_states);
	if (table->n_policies > 0)
		qsort(table->policies, table->n_policies, sizeof(*table->policies), order_of_policies);
	return err;
}

/* How many have a lower reqid. */
static size_t
states_before(const struct kernel_table *table, uint64_t reqid)
{
	size_t low = 0, high = table->n_states;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->states[middle].reqid < reqid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t
policies_before(const struct kernel_table *table, uint64_t reqid)
{
	size_t low = 0, high = table->n_policies;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->policies[middle].reqid < reqid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct kernel_table
kernel_table_part(const struct kernel_table *table, uint32_t reqid)
{
	size_t state = states_before(table, reqid), policy = policies_before(table, reqid);
	uint64_t end = (uint64_t)reqid + 1;

	return (struct kernel_table){
		.states = table->n_states > 0 ? table->states + state : NULL,
		.n_states = states_before(table, end) - state,
		.policies = table->n_policies > 0 ? table->policies + policy : NULL,
		.n_policies = policies_before(table, end) - policy,
	};
}
