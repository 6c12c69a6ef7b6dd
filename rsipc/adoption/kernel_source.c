#include "kernel_source.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <utlist.h>

#include "clock.h"
#include "kernel_news.h"
#include "kernel_tunnel.h"
#include "kernel_witness.h"
#include "loop.h"

/* How long after the last mapping event headers are captured: of a peer that sends keepalives alone (20 seconds apart, when
 * nothing is configured), the first makes the kernel tell of it, and the second is judged. */
#define WITNESS_MS 50000
/* Once that has led to a move, what still comes by the old path is late and not waited for: to capture is as much work as
 * the traffic itself, and that is only beginning to flow again. */
#define FOLLOWED_MS 2000
#define FOLLOWED_WITNESS_MS 200

static void
judge_soon(struct tunnel *tunnel)
{
	if (!tunnel->to_judge)
		DL_APPEND2(tunnel->backend->to_judge, tunnel, judge_prev, judge_next);
	tunnel->to_judge = true;
}

static void
not_to_judge(struct tunnel *tunnel)
{
	if (tunnel->to_judge)
		DL_DELETE2(tunnel->backend->to_judge, tunnel, judge_prev, judge_next);
	tunnel->to_judge = false;
}

void
kernel_source_end(void *arg)
{
	struct tunnel *tunnel = arg;

	not_to_judge(tunnel);
	witness_close(tunnel->witness);
	witness_close(tunnel->old_witness);
	tunnel->witness = tunnel->old_witness = NULL;
	tunnel->mapped = false;
	loop_timer_cancel(tunnel->witnessed);
}

static bool
is_in_use(struct tunnel *tunnel)
{
	return tunnel->in.seq > 0 || (kernel_state_refresh(tunnel->backend->nl, &tunnel->in) == 0 && tunnel->in.seq > 0);
}

/* Once a newer generation is in use, what is left of an older one is late. */
static bool
is_superseded(const struct tunnel *tunnel)
{
	struct tunnel *other;

	DL_FOREACH2(tunnel->group->tunnels, other, group_next) {
		if (other->in.add_time > tunnel->in.add_time && sa_end_equal(other->in.dst, tunnel->in.dst) && is_in_use(other))
			return true;
	}
	return false;
}

static void
judge(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct sa_end source;

	if (kernel_state_refresh(backend->nl, &tunnel->in) != 0)
		return; /* gone, which the news will tell */
	if (witness_judge(tunnel->witness, tunnel->in.seq, tunnel->sa.remote, &source) &&
	    !sa_end_equal(source, tunnel->sa.remote) && !is_superseded(tunnel)) {
		if (tunnel->sa.newest >= tunnel->in.seq)
			tunnel->sa.newest = tunnel->in.seq - 1; /* whoever refreshed the tunnel meanwhile has counted it */
		backend->events->authentic(&tunnel->sa, source, tunnel->in.seq, backend->arg);
	}
	tunnel->sa.newest = tunnel->in.seq;
}

/* By what came to the address that we have left: it must be newer than all that came to the other, too. */
static void
judge_old(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct sa_end source;

	if (kernel_state_refresh(backend->nl, &tunnel->old) != 0 || kernel_state_refresh(backend->nl, &tunnel->in) != 0)
		return;
	tunnel->sa.newest = tunnel->in.seq;
	if (witness_judge(tunnel->old_witness, tunnel->old.seq, tunnel->old.src, &source) &&
	    tunnel->old.seq > tunnel->in.seq && !sa_end_equal(source, tunnel->sa.remote) && !is_superseded(tunnel))
		backend->events->authentic(&tunnel->sa, source, tunnel->old.seq, backend->arg);
}

static void
keep_witness(struct tunnel *tunnel)
{
	bool followed = tunnel->followed_at != 0 && clock_now() - tunnel->followed_at < FOLLOWED_MS;

	loop_timer_set(tunnel->witnessed, followed ? FOLLOWED_WITNESS_MS : WITNESS_MS);
}

void
kernel_source_followed(struct tunnel *tunnel)
{
	tunnel->followed_at = clock_now();
	if (tunnel->witness != NULL || tunnel->old_witness != NULL)
		keep_witness(tunnel);
}

/* Every packet from elsewhere is a mapping event: the timer is set once for all that were read together. */
static void
judge_both(struct tunnel *tunnel)
{
	if (tunnel->mapped)
		keep_witness(tunnel);
	tunnel->mapped = false;
	if (tunnel->witness != NULL)
		judge(tunnel);
	if (tunnel->old_witness != NULL)
		judge_old(tunnel);
}

void
kernel_source_judge(struct kernel_backend *backend)
{
	struct tunnel *tunnel;

	while ((tunnel = backend->to_judge) != NULL) {
		not_to_judge(tunnel);
		judge_both(tunnel);
	}
}

/* News first: the mappings of what is judged are among them. They may end the tunnel's witness: the loop calls again for
 * whatever is left to read. */
void
kernel_source_judge_now(struct tunnel *tunnel)
{
	judge_soon(tunnel);
	kernel_news_take(tunnel->backend);
	kernel_source_judge(tunnel->backend);
}

static void
captured_cb(void *arg)
{
	kernel_source_judge_now(arg);
}

static void
begin_witness(struct tunnel *tunnel, struct sa_end source)
{
	struct loop *loop = tunnel->backend->loop;

	if (tunnel->witness == NULL) {
		tunnel->witness = witness_open(loop, tunnel->in.spi, tunnel->sa.local, captured_cb, tunnel);
		if (tunnel->witness == NULL)
			return;
		keep_witness(tunnel);
		judge(tunnel);
	}
	if (tunnel->witness != NULL)
		witness_mapping(tunnel->witness, source);
	tunnel->mapped = true;
	judge_soon(tunnel);
}

static void
begin_old_witness(struct tunnel *tunnel, struct sa_end source)
{
	struct loop *loop = tunnel->backend->loop;

	if (tunnel->old_witness == NULL) {
		tunnel->old_witness = witness_open(loop, tunnel->old.spi, tunnel->old.dst, captured_cb, tunnel);
		if (tunnel->old_witness == NULL)
			return;
		keep_witness(tunnel);
		judge_old(tunnel);
	}
	if (tunnel->old_witness != NULL)
		witness_mapping(tunnel->old_witness, source);
	tunnel->mapped = true;
	judge_soon(tunnel);
}

void
kernel_source_mapping(struct kernel_backend *backend, const struct xfrm_user_mapping *mapping)
{
	struct kernel_group *group = kernel_names_group(backend->names, mapping->reqid);
	struct sa_end source = { ntohl(mapping->new_saddr.a4), ntohs(mapping->new_sport) };
	struct tunnel *tunnel;

	if (mapping->id.family != AF_INET || group == NULL)
		return;
	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->in.spi != ntohl(mapping->id.spi))
			continue;
		if (tunnel->in.dst.addr == ntohl(mapping->id.daddr.a4))
			begin_witness(tunnel, source);
		else if (tunnel->old.dst.addr == ntohl(mapping->id.daddr.a4))
			begin_old_witness(tunnel, source);
	}
}
