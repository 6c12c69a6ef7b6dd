/* The functions of sa_backend.h over the kernel's tunnels. */
#include "kernel_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "kernel_drain.h"
#include "kernel_dummy.h"
#include "kernel_move.h"
#include "kernel_news.h"
#include "kernel_probe.h"
#include "kernel_reading.h"
#include "kernel_shadow.h"
#include "kernel_source.h"
#include "kernel_tunnel.h"
#include "kernel_way.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink.h"
#include "netlink_xfrm.h"

static void
paths_changed(bool by_destination, void *arg)
{
	(void)by_destination;
	kernel_ways_changed(arg);
}

/* ---- the backend's functions ---- */

static struct kernel_backend *
of(struct sa_backend *ops)
{
	return (struct kernel_backend *)ops;
}

static bool
backend_start(struct sa_backend *ops, struct loop *loop, const struct sa_events *events, void *arg)
{
	struct kernel_backend *backend = of(ops);

	backend->loop = loop;
	backend->events = events;
	backend->arg = arg;
	backend->reread = loop_timer(loop, kernel_reading, backend);
	backend->check_ways = loop_deferred(loop, kernel_ways_check, backend);
	backend->names = kernel_names_new();
	if ((backend->nl = xfrm_nl_open()) == NULL || !kernel_news_begin(backend) || (backend->net = netlink_open()) == NULL ||
	    (backend->paths = netlink_paths(loop, paths_changed, backend)) == NULL)
		return false;
	backend->drain = kernel_drain_new(loop, backend->nl, backend->names);
	backend->reread_all = true;
	kernel_shadow_clear(backend);
	kernel_reading(backend);
	return true;
}

static void
backend_stop(struct sa_backend *ops)
{
	struct kernel_backend *backend = of(ops);
	struct tunnel *tunnel, *next;

	if (backend->news != NULL)
		kernel_news_note(backend);
	DL_FOREACH(backend->tunnels, tunnel)
		kernel_shadow_end(tunnel);
	DL_FOREACH_SAFE(backend->tunnels, tunnel, next)
		kernel_reading_forget(tunnel);
	kernel_news_end(backend);
	loop_event_free(backend->reread);
	loop_event_free(backend->check_ways);
	kernel_drain_free(backend->drain);
	netlink_paths_free(backend->paths);
	netlink_ways_free(backend->ways);
	netlink_close(backend->net);
	xfrm_nl_close(backend->nl);
	kernel_names_free(backend->names);
	free(backend);
}

static struct sa *
backend_next(struct sa_backend *ops, const struct sa *after)
{
	const struct tunnel *tunnel = (const struct tunnel *)after;
	struct tunnel *next = tunnel != NULL ? tunnel->next : of(ops)->tunnels;

	return next != NULL ? &next->sa : NULL;
}

static void
backend_refresh(struct sa_backend *ops, struct sa *sa)
{
	struct tunnel *tunnel = (struct tunnel *)sa;
	int err = kernel_state_refresh(of(ops)->nl, &tunnel->in);

	if (err == 0) {
		sa->in = tunnel->in.counts;
		sa->newest = tunnel->in.seq;
	} else if (err == ESRCH) {
		kernel_reading_group(of(ops), tunnel->group);
	}
	if (tunnel->out.spi != 0 && kernel_state_refresh(of(ops)->nl, &tunnel->out) == 0)
		sa->out = tunnel->out.counts;
}

static bool
goes_along(const struct tunnel *tunnel, struct kernel_ends from)
{
	return sa_end_equal(tunnel->sa.local, from.local) && sa_end_equal(tunnel->sa.remote, from.remote);
}

/* What waits at the address that the tunnel comes back to. */
static void
make_room(struct kernel_backend *backend, const struct kernel_group *group, struct kernel_ends from, struct sa_end local)
{
	struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		struct kernel_state there = tunnel->in;

		there.dst = local;
		if (goes_along(tunnel, from) && local.addr != from.local.addr)
			kernel_drain_end(backend->drain, &there);
	}
}

static void
follow(struct tunnel *tunnel, struct kernel_ends to)
{
	bool elsewhere = !sa_end_equal(to.local, tunnel->sa.local), followed = !sa_end_equal(to.remote, tunnel->sa.remote);

	if (to.local.addr != tunnel->sa.local.addr) {
		tunnel->sa.roamed = true;
		kernel_drain_add(tunnel->backend->drain, &tunnel->in);
		tunnel->old = tunnel->in;
	}
	tunnel->in.src = tunnel->out.dst = tunnel->sa.remote = to.remote;
	tunnel->in.dst = tunnel->out.src = tunnel->sa.local = to.local;
	tunnel->moved = true;
	tunnel->astray_at = 0;
	tunnel->unshadowed = true;
	if (followed)
		kernel_source_followed(tunnel);
	if (elsewhere)
		kernel_source_end(tunnel);
}

/* All tunnels of the group between these ends, that is all generations, go together, as their policies do. */
static int
backend_move(struct sa_backend *ops, struct sa *sa, struct sa_end local, struct sa_end remote)
{
	struct kernel_backend *backend = of(ops);
	struct kernel_ends from = { sa->local, sa->remote }, to = { local, remote };
	struct kernel_group *group = ((struct tunnel *)sa)->group;
	struct tunnel *tunnel;
	int err;

	kernel_news_note(backend);
	make_room(backend, group, from, local);
	if ((err = kernel_move(backend->nl, group, from, to, backend->migrate)) != 0) {
		kernel_reading_group(backend, group); /* an IKE daemon may have been first */
		return err;
	}
	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (goes_along(tunnel, from))
			follow(tunnel, to);
	}
	if (local.addr != from.local.addr)
		kernel_way_begin(backend, local.addr, from.local.addr);
	return 0;
}

/* Of a policy that leads into the tunnel, copied to *out. 0 or an errno number. */
static int
read_selector(struct kernel_backend *backend, const struct tunnel *tunnel, struct xfrm_selector *out)
{
	struct kernel_table table;
	bool found = false;
	int err;

	kernel_news_note(backend);
	err = kernel_group_read(tunnel->group, backend->nl, false, &table);
	for (size_t i = 0; err == 0 && i < table.n_policies && !found; i++) {
		const struct kernel_policy *policy = &table.policies[i];

		found = policy->dir == XFRM_POLICY_OUT && policy->dst == tunnel->sa.remote.addr;
		if (found)
			*out = *kernel_policy_selector(policy);
	}
	kernel_table_clear(&table);
	return err != 0 ? err : found ? 0 : ENOENT;
}

static int
backend_dummy(struct sa_backend *ops, struct sa *sa)
{
	struct kernel_backend *backend = of(ops);
	struct xfrm_selector selector;
	int err = read_selector(backend, (struct tunnel *)sa, &selector);

	return err != 0 ? err : kernel_dummy_send(backend->net, &selector);
}

/* Who sent the newest packet, which may be the answer, is judged first. */
static void
answered_cb(struct sa_end to, void *arg)
{
	struct tunnel *tunnel = arg;
	struct kernel_backend *backend = tunnel->backend;

	kernel_source_judge_now(tunnel);
	backend->events->answered(&tunnel->sa, to, backend->arg);
}

static int
backend_probe(struct sa_backend *ops, struct sa *sa, struct sa_end to)
{
	struct kernel_backend *backend = of(ops);
	struct tunnel *tunnel = (struct tunnel *)sa;
	struct xfrm_selector selector;
	int err = tunnel->out.spi != 0 ? read_selector(backend, tunnel, &selector) : ENOENT;

	if (err != 0)
		return err;
	if (tunnel->probe == NULL)
		tunnel->probe = kernel_probe_new(backend->loop, answered_cb, tunnel);
	return kernel_probe_send(tunnel->probe, (struct kernel_probe_nl){ backend->nl, backend->net }, &tunnel->out, &selector,
	    to);
}

struct sa_backend *
kernel_backend_new(bool migrate)
{
	struct kernel_backend *backend = mem_zero(1, sizeof(*backend));

	backend->migrate = migrate;
	backend->ops = (struct sa_backend){
		.name = "kernel", .start = backend_start, .stop = backend_stop, .next = backend_next, .refresh = backend_refresh,
		.move = backend_move, .send_dummy = backend_dummy, .probe = backend_probe,
	};
	return &backend->ops;
}
