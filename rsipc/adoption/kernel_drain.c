#include "kernel_drain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <uthash.h>

#include "clock.h"
#include "kernel_names.h"
#include "kernel_pairs.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink_xfrm.h"

#define CHECK_MS 500
#define QUIET_MS 2000  /* without a packet: drained */
#define LONGEST_MS 10000

struct left_key { uint32_t spi; ip4_t dst; };

struct left {
	struct left_key key;
	struct kernel_state state;
	int64_t since, quiet_since;
	bool orphan; /* an outbound one */
	UT_hash_handle hh;
};

struct kernel_drain {
	struct xfrm_nl *nl;
	const struct kernel_names *names;
	struct loop_event *timer;
	struct left *all; /* uthash, by destination and SPI */
};

/* What cannot be known is not deleted. */
static bool
is_sent_by(struct kernel_drain *drain, const struct kernel_state *state)
{
	struct kernel_group *group = kernel_names_group(drain->names, state->reqid);
	struct kernel_table table;
	bool sent;

	if (group == NULL)
		return false;
	sent = kernel_group_read(group, drain->nl, false, &table) != 0 || kernel_is_sent_by(&table, state);
	kernel_table_clear(&table);
	return sent;
}

static void
finish(struct kernel_drain *drain, struct left *left)
{
	struct nl_msg *msg;

	if (!left->orphan || !is_sent_by(drain, &left->state)) {
		msg = kernel_state_delete(&left->state);
		xfrm_nl_do(drain->nl, &msg, 1, NULL); /* the IKE daemon may have been first */
		log_debug("adoption", "old SA ended spi=%08x packets=%llu", left->state.spi,
		    (unsigned long long)left->state.counts.packets);
	}
	HASH_DEL(drain->all, left);
	free(left);
}

static bool
is_drained(struct kernel_drain *drain, struct left *left)
{
	uint64_t packets = left->state.counts.packets;
	int64_t now = clock_now();

	if (kernel_state_refresh(drain->nl, &left->state) != 0)
		return true;
	if (left->state.counts.packets != packets)
		left->quiet_since = now;
	return now - left->quiet_since >= QUIET_MS || now - left->since >= LONGEST_MS;
}

static void
check_cb(void *arg)
{
	struct kernel_drain *drain = arg;
	struct left *left, *next;

	HASH_ITER(hh, drain->all, left, next) {
		if (is_drained(drain, left))
			finish(drain, left);
	}
	if (drain->all != NULL)
		loop_timer_set(drain->timer, CHECK_MS);
}

struct kernel_drain *
kernel_drain_new(struct loop *loop, struct xfrm_nl *nl, const struct kernel_names *names)
{
	struct kernel_drain *drain = mem_zero(1, sizeof(*drain));

	drain->nl = nl;
	drain->names = names;
	drain->timer = loop_timer(loop, check_cb, drain);
	return drain;
}

void
kernel_drain_free(struct kernel_drain *drain)
{
	struct left *left, *next;

	if (drain == NULL)
		return;
	HASH_ITER(hh, drain->all, left, next)
		finish(drain, left);
	loop_event_free(drain->timer);
	free(drain);
}

static struct left *
find(const struct kernel_drain *drain, const struct kernel_state *state)
{
	const struct left_key key = { state->spi, state->dst.addr };
	struct left *left;

	HASH_FIND(hh, drain->all, &key, sizeof(key), left);
	return left;
}

static void
put(struct kernel_drain *drain, const struct kernel_state *state, bool orphan)
{
	struct left *left = find(drain, state);

	if (drain->all == NULL)
		loop_timer_set(drain->timer, CHECK_MS);
	if (left == NULL) {
		left = mem_zero(1, sizeof(*left));
		left->key = (struct left_key){ state->spi, state->dst.addr };
		HASH_ADD(hh, drain->all, key, sizeof(left->key), left);
	}
	left->state = *state;
	left->orphan = orphan;
	left->since = left->quiet_since = clock_now();
}

void
kernel_drain_add(struct kernel_drain *drain, const struct kernel_state *state)
{
	put(drain, state, false);
}

void
kernel_drain_end(struct kernel_drain *drain, const struct kernel_state *state)
{
	struct left *left = find(drain, state);

	if (left != NULL)
		finish(drain, left);
}

void
kernel_drain_orphan(struct kernel_drain *drain, const struct kernel_state *state)
{
	struct kernel_state now = *state;

	if (state->spi != 0 && kernel_state_refresh(drain->nl, &now) == 0)
		put(drain, state, true);
}

void
kernel_drain_keep(struct kernel_drain *drain, const struct kernel_state *state)
{
	struct left *left = find(drain, state);

	if (left == NULL)
		return;
	HASH_DEL(drain->all, left);
	free(left);
}
