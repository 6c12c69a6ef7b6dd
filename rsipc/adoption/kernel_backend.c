/* Follows the kernel's tunnels: finds them, hears of their changes, learns who sent their newest packet, and sees to it that
 * they leave from an address that the machine has. */
#include "kernel_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "kernel_align.h"
#include "kernel_drain.h"
#include "kernel_dummy.h"
#include "kernel_pairs.h"
#include "kernel_witness.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "netlink.h"
#include "netlink_xfrm.h"

#define WITNESS_MS 10000 /* how long after the last mapping event headers are captured */
#define SETTLE_MS 20     /* news come in crowds: an IKE daemon that moves or rekeys deletes and adds one by one */
#define GRACE_MS 300     /* an SA that is gone may only be on its way to another place */
#define ASTRAY_MS 100    /* and one that no policy leads to may be as far as the daemon has come */

static struct log_limit astray_limit;

struct tunnel {
	struct sa sa; /* first: it is what others hold */
	struct kernel_backend *backend;
	struct kernel_state in;
	struct kernel_state out; /* spi 0 = none */
	uint32_t spi_out;        /* the last that was not 0 */
	ip4_t way;               /* what the machine's routes said last time: from where to the peer */
	bool found;              /* in the last reading */
	int64_t lost_at;         /* when it was first not found, 0 = it was */
	bool astray;             /* in the last reading: kernel_align.h */
	int64_t astray_at;       /* since when, 0 = it is not */
	bool moved;              /* ever, by us: the IKE daemon may know its outbound SA by another destination */
	struct witness *witness;
	/* The inbound SA at the address that we have left, while it is drained: a peer that has moved at the same time still
	 * sends there, from an address that we do not know. */
	struct kernel_state old;
	struct witness *old_witness;
	struct loop_event *witnessed; /* timer: they may go */
	struct tunnel *prev, *next;
};

struct kernel_backend {
	struct sa_backend ops; /* first */
	struct loop *loop;
	const struct sa_events *events;
	void *arg;
	struct xfrm_nl *nl, *news;
	struct netlink *net;
	struct netlink_paths *paths;
	struct loop_event *readable, *ways;
	struct loop_event *reread; /* timer */
	bool reread_soon;          /* it is set, and not put off by more news */
	struct kernel_drain *drain;
	struct tunnel *tunnels; /* utlist.h, an older generation before a newer one of its reqid */
};

/* ---- who sent the newest packet ---- */

static void
close_witness(void *arg)
{
	struct tunnel *tunnel = arg;

	witness_close(tunnel->witness);
	witness_close(tunnel->old_witness);
	tunnel->witness = tunnel->old_witness = NULL;
	loop_timer_cancel(tunnel->witnessed);
}

/* Once a newer generation is in use, what is left of an older one is late. */
static bool
is_superseded(const struct tunnel *tunnel)
{
	const struct tunnel *other;

	DL_FOREACH(tunnel->backend->tunnels, other) {
		if (other->in.reqid == tunnel->in.reqid && other->in.add_time > tunnel->in.add_time && other->in.seq > 0 &&
		    sa_end_equal(other->in.dst, tunnel->in.dst))
			return true;
	}
	return false;
}

static void read_news(struct kernel_backend *backend);

static void
judge(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct sa_end source;

	if (kernel_state_refresh(backend->nl, &tunnel->in) != 0)
		return; /* gone, which the news will tell */
	if (witness_judge(tunnel->witness, tunnel->in.seq, tunnel->sa.remote, &source) &&
	    !sa_end_equal(source, tunnel->sa.remote) && !is_superseded(tunnel))
		backend->events->authentic(&tunnel->sa, source, tunnel->in.seq, backend->arg);
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

/* News first: the mappings of what is judged are among them. They may end the tunnel's witness: the loop calls again for
 * whatever is left to read. */
static void
captured_cb(void *arg)
{
	struct tunnel *tunnel = arg;

	read_news(tunnel->backend);
	if (tunnel->witness != NULL)
		judge(tunnel);
}

static void
captured_old_cb(void *arg)
{
	struct tunnel *tunnel = arg;

	read_news(tunnel->backend);
	if (tunnel->old_witness != NULL)
		judge_old(tunnel);
}

static void
begin_witness(struct tunnel *tunnel, struct sa_end source)
{
	struct loop *loop = tunnel->backend->loop;

	if (tunnel->witness == NULL) {
		tunnel->witness = witness_open(loop, tunnel->in.spi, tunnel->sa.local, captured_cb, tunnel);
		if (tunnel->witness == NULL)
			return;
		judge(tunnel);
	}
	witness_mapping(tunnel->witness, source);
	loop_timer_set(tunnel->witnessed, WITNESS_MS);
}

static void
begin_old_witness(struct tunnel *tunnel, struct sa_end source)
{
	struct loop *loop = tunnel->backend->loop;

	if (tunnel->old_witness == NULL) {
		tunnel->old_witness = witness_open(loop, tunnel->old.spi, tunnel->old.dst, captured_old_cb, tunnel);
		if (tunnel->old_witness == NULL)
			return;
		judge_old(tunnel);
	}
	witness_mapping(tunnel->old_witness, source);
	loop_timer_set(tunnel->witnessed, WITNESS_MS);
}

static void
mapping(struct kernel_backend *backend, const struct nlmsghdr *header)
{
	const struct xfrm_user_mapping *news = nlmsg_data(header);
	struct sa_end source;
	struct tunnel *tunnel;

	if (!nlmsg_valid_hdr(header, sizeof(*news)) || news->id.family != AF_INET)
		return;
	source = (struct sa_end){ ntohl(news->new_saddr.a4), ntohs(news->new_sport) };
	DL_FOREACH(backend->tunnels, tunnel) {
		if (tunnel->in.spi != ntohl(news->id.spi))
			continue;
		if (tunnel->in.dst.addr == ntohl(news->id.daddr.a4))
			begin_witness(tunnel, source);
		else if (tunnel->old.dst.addr == ntohl(news->id.daddr.a4))
			begin_old_witness(tunnel, source);
	}
}

/* ---- what there is ---- */

static struct tunnel *
by_spi(struct kernel_backend *backend, const struct kernel_state *in)
{
	struct tunnel *tunnel;

	DL_FOREACH(backend->tunnels, tunnel) {
		if (tunnel->in.spi == in->spi && tunnel->in.reqid == in->reqid)
			return tunnel;
	}
	return NULL;
}

static void
fill(struct tunnel *tunnel, const struct kernel_state *in, const struct kernel_state *out)
{
	struct sa *sa = &tunnel->sa;
	bool elsewhere = !sa_end_equal(sa->local, in->dst);

	tunnel->in = *in;
	tunnel->out = *out;
	if (out->spi != 0)
		tunnel->spi_out = out->spi;
	sa->spi_in = in->spi;
	sa->spi_out = out->spi;
	sa->local = in->dst;
	sa->remote = in->src;
	sa->encap = in->encap;
	sa->esn = in->esn;
	sa->newest = in->seq;
	sa->in = in->counts;
	sa->out = out->counts;
	if (elsewhere && tunnel->witness != NULL)
		close_witness(tunnel); /* it looks at packets to the end that was */
}

static void
add(struct kernel_backend *backend, const struct kernel_state *in, const struct kernel_state *out)
{
	struct tunnel *tunnel = mem_zero(1, sizeof(*tunnel));

	tunnel->backend = backend;
	tunnel->witnessed = loop_timer(backend->loop, close_witness, tunnel);
	snprintf(tunnel->sa.name, sizeof(tunnel->sa.name), "reqid-%u/%08x", in->reqid, in->spi);
	fill(tunnel, in, out);
	tunnel->found = true;
	tunnel->way = netlink_source(backend->net, in->src.addr);
	DL_APPEND(backend->tunnels, tunnel);
	backend->events->added(&tunnel->sa, backend->arg);
}

static void
end(struct tunnel *tunnel)
{
	close_witness(tunnel);
	loop_event_free(tunnel->witnessed);
	free(tunnel);
}

static void
read_again(struct kernel_backend *backend, int64_t delay_ms)
{
	if (!backend->reread_soon)
		loop_timer_set(backend->reread, delay_ms);
	backend->reread_soon |= delay_ms == SETTLE_MS;
}

/* Does any tunnel send by this SA? */
static bool
sends(const struct kernel_backend *backend, const struct kernel_state *out)
{
	const struct tunnel *tunnel;

	DL_FOREACH(backend->tunnels, tunnel) {
		if (tunnel->out.spi == out->spi && tunnel->out.reqid == out->reqid)
			return true;
	}
	return false;
}

/* Has it been gone for long enough? */
static bool
is_over(struct tunnel *tunnel)
{
	int64_t now = clock_now();

	if (tunnel->lost_at == 0)
		tunnel->lost_at = now;
	return now - tunnel->lost_at >= GRACE_MS;
}

static void
remove_lost(struct kernel_backend *backend)
{
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE(backend->tunnels, tunnel, next) {
		if (tunnel->found) {
			tunnel->lost_at = 0;
			kernel_drain_keep(backend->drain, &tunnel->out);
			continue;
		}
		if (!is_over(tunnel)) {
			read_again(backend, GRACE_MS);
			continue;
		}
		DL_DELETE(backend->tunnels, tunnel);
		backend->events->removed(&tunnel->sa, backend->arg);
		if (tunnel->moved && !sends(backend, &tunnel->out))
			kernel_drain_orphan(backend->drain, &tunnel->out);
		end(tunnel);
	}
}

/* ---- tunnels in pieces ---- */

/* The reqid's latest, and no other of its tunnels is whole: the policies are for this one. */
static bool
has_policies(const struct tunnel *tunnel)
{
	const struct tunnel *other;

	DL_FOREACH(tunnel->backend->tunnels, other) {
		if (other == tunnel || other->in.reqid != tunnel->in.reqid || !other->found)
			continue;
		if (!other->astray || other->in.add_time > tunnel->in.add_time)
			return false;
	}
	return true;
}

static void
align(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct kernel_pair pair = { tunnel->in.spi, tunnel->out.spi };
	struct kernel_ends ends = { tunnel->sa.local, tunnel->sa.remote };
	int err = kernel_align(backend->nl, tunnel->in.reqid, pair, ends);

	tunnel->astray_at = 0;
	if (err != 0)
		log_warn_limited(&astray_limit, "adoption", "cannot bring together sa=%s error=\"%s\"", tunnel->sa.name,
		    strerror(err));
	else
		log_info("adoption", "brought together sa=%s: an IKE daemon had left it in pieces", tunnel->sa.name);
}

static void
align_astray(struct kernel_backend *backend)
{
	struct tunnel *tunnel;
	int64_t now = clock_now();

	DL_FOREACH(backend->tunnels, tunnel) {
		if (!tunnel->found || !tunnel->astray || !has_policies(tunnel)) {
			tunnel->astray_at = 0;
			continue;
		}
		if (tunnel->astray_at == 0)
			tunnel->astray_at = now;
		if (now - tunnel->astray_at >= ASTRAY_MS)
			align(tunnel);
		read_again(backend, ASTRAY_MS);
	}
}

/* ---- reading ---- */

/* The outbound SA of before, where it is in the table but not between the ends of the inbound one. */
static struct kernel_state
strayed_partner(const struct tunnel *tunnel, const struct kernel_table *table)
{
	for (size_t i = 0; i < table->n_states && tunnel->spi_out != 0; i++) {
		if (table->states[i].spi == tunnel->spi_out && table->states[i].reqid == tunnel->in.reqid)
			return table->states[i];
	}
	return (struct kernel_state){ 0 };
}

static void
take(struct kernel_backend *backend, const struct kernel_table *table, const struct kernel_state *in)
{
	struct kernel_state out = kernel_partner(table, in);
	struct tunnel *tunnel = by_spi(backend, in);

	if (tunnel == NULL) {
		add(backend, in, &out);
		return;
	}
	if (out.spi == 0)
		out = strayed_partner(tunnel, table);
	fill(tunnel, in, &out);
	tunnel->found = true;
	tunnel->astray = kernel_is_astray(table, in, &out);
}

/* Tunnels that are known are first looked for where they were: whether policies lead there or not, an IKE daemon that moves
 * its policies by an older view than ours does not end them. */
static void
take_all(struct kernel_backend *backend, const struct kernel_table *table)
{
	struct tunnel *tunnel;

	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if ((tunnel = by_spi(backend, state)) != NULL && tunnel->in.dst.addr == state->dst.addr)
			take(backend, table, state);
	}
	for (size_t i = 0; i < table->n_states; i++) {
		const struct kernel_state *state = &table->states[i];

		if (!kernel_is_inbound(table, state) || ((tunnel = by_spi(backend, state)) != NULL && tunnel->found))
			continue;
		kernel_drain_keep(backend->drain, state); /* an IKE daemon has led its policies back to it */
		take(backend, table, state);
	}
}

static void
reread(void *arg)
{
	struct kernel_backend *backend = arg;
	struct kernel_table table;
	struct tunnel *tunnel;
	int err = kernel_table_read(backend->nl, &table, false, 0);

	backend->reread_soon = false;
	DL_FOREACH(backend->tunnels, tunnel)
		tunnel->found = err != 0;
	if (err == 0)
		take_all(backend, &table);
	else
		log_warn("adoption", "SAs cannot be read error=\"%s\"", strerror(err));
	kernel_table_clear(&table);
	remove_lost(backend);
	align_astray(backend);
	loop_deferred_raise(backend->ways);
}

static void
news_cb(const struct nlmsghdr *header, void *arg)
{
	struct kernel_backend *backend = arg;

	if (header->nlmsg_type == XFRM_MSG_MAPPING)
		mapping(backend, header);
	else
		read_again(backend, SETTLE_MS);
}

static void
read_news(struct kernel_backend *backend)
{
	int err = xfrm_nl_news(backend->news, news_cb, backend);

	if (err == ENOBUFS)
		read_again(backend, SETTLE_MS);
	else if (err != 0)
		log_warn("adoption", "news of SAs cannot be read error=\"%s\"", strerror(err));
}

static void
news_readable(int fd, void *arg)
{
	struct kernel_backend *backend = arg;
	struct tunnel *tunnel;

	(void)fd;
	read_news(backend);
	DL_FOREACH(backend->tunnels, tunnel) {
		if (tunnel->witness != NULL)
			judge(tunnel);
		if (tunnel->old_witness != NULL)
			judge_old(tunnel);
	}
}

/* ---- our own address ---- */

static bool
is_ours(struct netlink *net, ip4_t addr)
{
	struct netlink_addr *all;
	size_t n = netlink_addresses(net, &all), i = 0;

	while (i < n && all[i].addr != addr)
		i++;
	free(all);
	return i < n;
}

/* A tunnel leaves from elsewhere when its address has gone from the machine, and when the routes, which said one thing
 * before, now say another: one that was set up against the routes stays as it is. */
static void
check_way(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	ip4_t way = netlink_source(backend->net, tunnel->sa.remote.addr), before = tunnel->way;
	struct sa_end local = { way, tunnel->sa.local.port };

	if (way == 0)
		return;
	tunnel->way = way;
	if (way != tunnel->sa.local.addr && (way != before || !is_ours(backend->net, tunnel->sa.local.addr)))
		backend->events->local_changed(&tunnel->sa, local, backend->arg);
}

static void
check_ways(void *arg)
{
	struct kernel_backend *backend = arg;
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE(backend->tunnels, tunnel, next)
		check_way(tunnel);
}

static void
paths_changed(bool by_destination, void *arg)
{
	(void)by_destination;
	loop_deferred_raise(((struct kernel_backend *)arg)->ways);
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
	backend->reread = loop_timer(loop, reread, backend);
	backend->ways = loop_deferred(loop, check_ways, backend);
	if ((backend->nl = xfrm_nl_open()) == NULL || (backend->news = xfrm_nl_open_news()) == NULL ||
	    (backend->net = netlink_open()) == NULL || (backend->paths = netlink_paths(loop, paths_changed, backend)) == NULL)
		return false;
	backend->drain = kernel_drain_new(loop, backend->nl);
	backend->readable = loop_readable(loop, xfrm_nl_fd(backend->news), news_readable, backend);
	reread(backend);
	return true;
}

static void
backend_stop(struct sa_backend *ops)
{
	struct kernel_backend *backend = of(ops);
	struct tunnel *tunnel, *next;

	DL_FOREACH_SAFE(backend->tunnels, tunnel, next)
		end(tunnel);
	loop_event_free(backend->readable);
	loop_event_free(backend->reread);
	loop_event_free(backend->ways);
	kernel_drain_free(backend->drain);
	netlink_paths_free(backend->paths);
	netlink_close(backend->net);
	xfrm_nl_close(backend->news);
	xfrm_nl_close(backend->nl);
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

	if (kernel_state_refresh(of(ops)->nl, &tunnel->in) == 0) {
		sa->in = tunnel->in.counts;
		sa->newest = tunnel->in.seq;
	}
	if (tunnel->out.spi != 0 && kernel_state_refresh(of(ops)->nl, &tunnel->out) == 0)
		sa->out = tunnel->out.counts;
}

static bool
goes_along(const struct tunnel *tunnel, uint32_t reqid, struct kernel_ends from)
{
	return tunnel->in.reqid == reqid && sa_end_equal(tunnel->sa.local, from.local) &&
	    sa_end_equal(tunnel->sa.remote, from.remote);
}

/* What waits at the address that the tunnel comes back to. */
static void
make_room(struct kernel_backend *backend, uint32_t reqid, struct kernel_ends from, struct sa_end local)
{
	struct tunnel *tunnel;

	DL_FOREACH(backend->tunnels, tunnel) {
		struct kernel_state there = tunnel->in;

		there.dst = local;
		if (goes_along(tunnel, reqid, from) && local.addr != from.local.addr)
			kernel_drain_end(backend->drain, &there);
	}
}

static void
follow(struct tunnel *tunnel, struct kernel_ends to)
{
	bool elsewhere = !sa_end_equal(to.local, tunnel->sa.local);

	if (to.local.addr != tunnel->sa.local.addr) {
		kernel_drain_add(tunnel->backend->drain, &tunnel->in);
		tunnel->old = tunnel->in;
	}
	tunnel->in.src = tunnel->out.dst = tunnel->sa.remote = to.remote;
	tunnel->in.dst = tunnel->out.src = tunnel->sa.local = to.local;
	tunnel->moved = true;
	tunnel->astray_at = 0;
	if (elsewhere)
		close_witness(tunnel);
}

/* All tunnels of the reqid between these ends, that is all its generations, go together, as their policies do. */
static int
backend_move(struct sa_backend *ops, struct sa *sa, struct sa_end local, struct sa_end remote)
{
	struct kernel_backend *backend = of(ops);
	struct kernel_ends from = { sa->local, sa->remote }, to = { local, remote };
	uint32_t reqid = ((struct tunnel *)sa)->in.reqid;
	struct tunnel *tunnel;
	int err;

	make_room(backend, reqid, from, local);
	if ((err = kernel_move(backend->nl, reqid, from, to)) != 0)
		return err;
	DL_FOREACH(backend->tunnels, tunnel) {
		if (goes_along(tunnel, reqid, from))
			follow(tunnel, to);
	}
	return 0;
}

static int
backend_dummy(struct sa_backend *ops, struct sa *sa)
{
	struct kernel_backend *backend = of(ops);
	struct tunnel *tunnel = (struct tunnel *)sa;
	struct kernel_table table;
	int err = kernel_table_read(backend->nl, &table, false, 0);

	for (size_t i = 0; err == 0 && i < table.n_policies; i++) {
		const struct kernel_policy *policy = &table.policies[i];

		if (policy->dir == XFRM_POLICY_OUT && policy->reqid == tunnel->in.reqid && policy->dst == sa->remote.addr) {
			err = kernel_dummy_send(backend->net, kernel_policy_selector(policy));
			kernel_table_clear(&table);
			return err;
		}
	}
	kernel_table_clear(&table);
	return err != 0 ? err : ENOENT;
}

static int
backend_probe(struct sa_backend *ops, struct sa *sa, struct sa_end to)
{
	(void)ops;
	(void)sa;
	(void)to;
	return ENOTSUP;
}

struct sa_backend *
kernel_backend_new(void)
{
	struct kernel_backend *backend = mem_zero(1, sizeof(*backend));

	backend->ops = (struct sa_backend){
		.name = "kernel", .start = backend_start, .stop = backend_stop, .next = backend_next, .refresh = backend_refresh,
		.move = backend_move, .send_dummy = backend_dummy, .probe = backend_probe,
	};
	return &backend->ops;
}
