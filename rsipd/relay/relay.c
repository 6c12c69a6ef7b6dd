#include "relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "dp_server.h"
#include "engine.h"
#include "frames.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "monitor_proto.h"
#include "nexthop.h"
#include "packet.h"
#include "path_mtu.h"
#include "pktio.h"
#include "ring.h"
#include "unsummed.h"
#include "xdp_feed.h"

#define HOUSEKEEPING_MS 1000
#define PATH_MTU_EVERY 30 /* in housekeepings; the kernel tells no sooner that a path has become wider */
#define GATHER_FROM 50    /* packets a millisecond */
#define GATHER_NS 20000   /* what the timer adds to it not told: some 50 microseconds */
#define NAT_KEEPALIVE_LEN 9 /* UDP header and one byte, RFC 3948 2.3 */

struct relay {
	const struct relay_fds *fds;
	const struct relay_net *net;
	struct dp_counters *counters;
	struct loop *loop;
	struct loop_event *control, *housekeeping;
	struct loop_event *packets[4]; /* TUN, IP-IP, GRE, ICMP; NULL until control has told everything once */
	struct ring *rings[RELAY_RINGS_MAX];
	struct loop_event *ring_events[RELAY_RINGS_MAX];
	struct dp_server *dp;
	struct xdp_feed *xdp; /* NULL: there is no XDP data plane */
	struct pktio *io;
	struct nexthops *hops; /* with it the short way out; or NULL, and the next as well */
	struct frames *frames;
	struct loop_event *news;
	struct engine engine;
	struct verdict verdicts[PKTIO_BATCH]; /* of the batch in work */
	struct verdict echo;                  /* of an answer that goes to a host of ours */
	struct verdict released;              /* of a fragment that had waited */
	unsigned ticks;
	int64_t rate_from;         /* the millisecond that rate_now counts ring packets of */
	unsigned rate_now, rate;   /* in it, and in the one before */
};

/* ---- carrying out a verdict ---- */

static void
refresh_path_mtu(struct demux_host *host, void *arg)
{
	struct relay *r = arg;
	uint16_t mtu = path_mtu(r->fds->probe, host->addr);

	if (mtu < PATH_MTU_MIN || mtu == host->path_mtu)
		return;
	host->path_mtu = mtu;
	xdp_feed_path_mtu(r->xdp, host);
}

/* The kernel routes the gateway's answers as it does every packet from the TUN; but in own-address mode it would
 * take one to a host of ours for its own. Such an answer is an ICMP error, so no answer follows from it; it has no
 * DF set, so it waits in a queue that is not the one being flushed when a packet was too big. */
static void
send_answer(struct relay *r, const struct verdict *v)
{
	const uint8_t *bytes = v->answer;
	struct packet p;

	if (!packet_parse(&p, (uint8_t *)bytes, v->answer_len))
		return;
	const struct dp_pool *pool = demux_pool(r->engine.demux, p.dst);
	if (pool == NULL || !pool->own) {
		pktio_write_public(r->io, bytes, v->answer_len);
		return;
	}
	engine_inbound(&r->engine, (uint8_t *)bytes, v->answer_len, &r->echo);
	if (r->echo.action == VERDICT_HOST) {
		pktio_queue(r->io, &r->echo);
		pktio_flush(r->io);
	}
}

/* IKE that a peer begins anew while several hosts speak with it (RFC 3104 Appendix E) is lost, and no host can see it:
 * the operator can. Keepalives, which ask for nothing, are only counted. */
static void
explain(const struct verdict *v)
{
	static struct log_limit limit;
	char peer[IP4_STRLEN], address[IP4_STRLEN];
	struct packet p;

	if (v->action != VERDICT_DROP || v->reason != DP_DROP_AMBIGUOUS_COOKIE || !packet_parse(&p, v->bytes, v->len) ||
	    p.payload_len <= NAT_KEEPALIVE_LEN)
		return;
	log_warn_limited(&limit, "relay", "IKE with new cookies dropped: several hosts have sessions with this peer, and nothing "
	                                  "tells which is meant peer=%s address=%s", ip4_str(p.src, peer),
	                 ip4_str(p.dst, address));
}

static void
finish(struct relay *r, struct verdict *v)
{
	demux_need_meter(r->engine.demux, v->binding);
	demux_need_meter(r->engine.demux, v->from);
	verdict_count(v, r->counters);
	explain(v);
	if (v->answer != NULL)
		send_answer(r, v);
}

static void
finish_failed(struct relay *r, struct verdict *v)
{
	verdict_drop(v, DP_DROP_SEND_FAILED);
	finish(r, v);
}

/* The path to a host has become narrower than we knew: the peer is told, as RFC 2003 5.1 wants. */
static void
sent(struct verdict *v, int error, void *arg)
{
	struct relay *r = arg;

	if (error == EMSGSIZE && v->action == VERDICT_HOST && v->tunnel.df) {
		refresh_path_mtu(v->host, r);
		engine_too_big(&r->engine, v);
		finish(r, v);
	} else if (error != 0) {
		finish_failed(r, v);
	} else {
		finish(r, v);
	}
}

static void
carry_out(struct relay *r, struct verdict *v)
{
	switch (v->action) {
	case VERDICT_HOST:
		if (r->frames == NULL || !frames_to_host(r->frames, v, r->engine.now))
			pktio_queue(r->io, v);
		break;
	case VERDICT_PUBLIC:
		if (r->frames != NULL && frames_to_public(r->frames, v, r->engine.now))
			break;
		/* fallthrough */
	case VERDICT_STACK:
		if (pktio_write_public(r->io, v->bytes, v->len))
			finish(r, v);
		else
			finish_failed(r, v);
		break;
	case VERDICT_DROP:
	case VERDICT_ANSWERED:
	case VERDICT_HELD:
		finish(r, v);
		break;
	}
}

static void
end_batch(struct relay *r)
{
	pktio_flush(r->io);
	if (r->frames != NULL)
		frames_flush(r->frames);
}

/* The fragments that waited for the packet just carried out, one by one: each borrows the engine's memory. */
static void
carry_out_released(struct relay *r)
{
	while (engine_next_released(&r->engine, &r->released)) {
		carry_out(r, &r->released);
		end_batch(r);
	}
}

/* ---- the descriptors ---- */

static void
disconnect_control(struct relay *r)
{
	loop_event_free(r->control);
	r->control = NULL;
	dp_server_connect(r->dp, -1);
}

/* Control's messages go before packets: a host that has its lease finds it in force with its first packet. */
static void
poll_control(struct relay *r)
{
	r->engine.now = clock_now();
	if (r->control == NULL || dp_server_poll(r->dp, r->engine.now))
		return;
	log_warn("relay", "control is gone, packets go on");
	disconnect_control(r);
}

static void
begin_batch(struct relay *r)
{
	poll_control(r);
	r->engine.ms_of_day = (uint32_t)(clock_wall() % 86400 * 1000);
}

static void
from_public(struct relay *r, const struct pktio_packet *packet, struct verdict *v)
{
	engine_inbound(&r->engine, packet->bytes, packet->len, v);
	carry_out(r, v);
	carry_out_released(r);
}

static void
public_cb(int fd, void *arg)
{
	struct relay *r = arg;
	struct pktio_packet batch[PKTIO_BATCH];
	size_t n;

	(void)fd;
	begin_batch(r);
	n = pktio_read_public(r->io, batch);
	for (size_t i = 0; i < n; i++)
		from_public(r, &batch[i], &r->verdicts[i]);
	end_batch(r);
}

/* Tunnel packets from elsewhere than the private side were not sent by hosts, whatever their source says. */
static bool
is_private(const struct relay_net *net, unsigned ifindex)
{
	for (size_t i = 0; i < net->n_private; i++) {
		if (net->private_ifindex[i] == ifindex)
			return true;
	}
	return false;
}

/* What came in elsewhere: a lie where it claims to be from a host; else it belongs to another tunnel of this machine, such
 * as the one to a gateway that leases us our own pool. */
static void
not_from_host(struct relay *r, const struct pktio_packet *packet)
{
	struct packet outer;

	if (packet_parse(&outer, packet->bytes, packet->len) && demux_host(r->engine.demux, outer.src) != NULL)
		r->counters->drops[DP_DROP_NOT_REGISTERED]++;
}

static void
from_tunnel(struct relay *r, const struct pktio_packet *packet, struct verdict *v)
{
	if (!is_private(r->net, packet->ifindex)) {
		not_from_host(r, packet);
		return;
	}
	engine_outbound(&r->engine, packet->bytes, packet->len, v);
	if (v->claims > 0)
		dp_server_tell_claims(r->dp);
	if (v->violation.error != RSIP_OK)
		dp_server_violation(r->dp, v->host, &v->violation, r->engine.now);
	carry_out(r, v);
	carry_out_released(r);
}

static void
tunnel_cb(int fd, void *arg)
{
	struct relay *r = arg;
	struct pktio_packet batch[PKTIO_BATCH];
	size_t n;

	begin_batch(r);
	n = pktio_read_tunnel(r->io, fd, batch);
	for (size_t i = 0; i < n; i++)
		from_tunnel(r, &batch[i], &r->verdicts[i]);
	end_batch(r);
}

/* Public packets come in by the ring as the wire had them: the kernel has not counted the hop yet that they have behind
 * them when they come in by the TUN. */
static void
from_ring(struct relay *r, const struct pktio_packet *packet, struct verdict *v)
{
	if (packet->unsummed)
		unsummed_complete(packet->bytes, packet->len);
	if (packet->ifindex != r->net->public_ifindex) {
		from_tunnel(r, packet, v);
		return;
	}
	packet_hop(packet->bytes);
	from_public(r, packet, v);
}

/* On one core with the kernel's receiving side a relay that wakes for every packet spends its time with waking. At rates
 * where it would, it lets some gather. */
static void
gather(struct relay *r, size_t n)
{
	const struct timespec a_moment = { .tv_nsec = GATHER_NS };

	if (r->engine.now != r->rate_from) {
		r->rate = r->engine.now == r->rate_from + 1 ? r->rate_now : 0;
		r->rate_from = r->engine.now;
		r->rate_now = 0;
	}
	r->rate_now += (unsigned)n;
	if (n < PKTIO_BATCH && r->rate >= GATHER_FROM)
		nanosleep(&a_moment, NULL);
}

static void
ring_cb(int fd, void *arg)
{
	struct relay *r = arg;
	struct pktio_packet batch[PKTIO_BATCH];
	size_t i = 0, n;

	while (r->fds->rings[i].fd != fd)
		i++;
	begin_batch(r);
	n = ring_read(r->rings[i], batch);
	for (size_t k = 0; k < n; k++)
		from_ring(r, &batch[k], &r->verdicts[k]);
	end_batch(r);
	ring_release(r->rings[i]);
	gather(r, n);
}

static void
news_cb(int fd, void *arg)
{
	(void)fd;
	nexthops_news(((struct relay *)arg)->hops);
}

/* What the kernel itself has to say about a host of the LAN that does not answer comes from our own address. */
static bool
error_is_private(const struct relay *r, const struct pktio_packet *packet)
{
	struct packet p;

	return is_private(r->net, packet->ifindex) || (packet_parse(&p, packet->bytes, packet->len) && p.src == p.dst);
}

/* The kernel reads these errors too: it knows the path MTU before we do. */
static void
icmp_cb(int fd, void *arg)
{
	struct relay *r = arg;
	struct pktio_packet batch[PKTIO_BATCH];
	size_t n;

	begin_batch(r);
	n = pktio_read_tunnel(r->io, fd, batch);
	for (size_t i = 0; i < n; i++) {
		if (!error_is_private(r, &batch[i]) ||
		    !engine_tunnel_error(&r->engine, batch[i].bytes, batch[i].len, &r->verdicts[i]))
			continue;
		r->counters->tunnel_errors++;
		refresh_path_mtu(r->verdicts[i].host, r);
		finish(r, &r->verdicts[i]);
	}
}

/* A relay that has just started knows no host. The packets wait in their sockets until it does: otherwise a restart
 * would drop them, and tell hosts that they use what is not theirs. */
static void
open_packets(struct relay *r)
{
	r->packets[0] = loop_readable(r->loop, r->fds->tun, public_cb, r);
	r->packets[1] = loop_readable(r->loop, r->fds->ipip[RELAY_DF], tunnel_cb, r);
	r->packets[2] = loop_readable(r->loop, r->fds->gre[RELAY_DF], tunnel_cb, r);
	r->packets[3] = loop_readable(r->loop, r->fds->icmp, icmp_cb, r);
	for (size_t i = 0; i < r->fds->n_rings; i++)
		r->ring_events[i] = loop_readable(r->loop, r->fds->rings[i].fd, ring_cb, r);
}

static void
control_cb(int fd, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	poll_control(r);
	if (r->packets[0] == NULL && dp_server_in_step(r->dp)) {
		open_packets(r);
		monitor_send(r->fds->monitor, MON_IN_STEP, NULL, -1);
	}
}

static void
connect_control(struct relay *r, int fd)
{
	disconnect_control(r);
	dp_server_connect(r->dp, fd);
	r->control = loop_readable(r->loop, fd, control_cb, r);
}

static void
monitor_cb(int fd, void *arg)
{
	struct relay *r = arg;
	struct monitor_msg msg;
	int passed;

	switch (monitor_receive(fd, &msg, &passed)) {
	case 0:
		return;
	case 1:
		if (msg.op == MON_CONTROL && passed >= 0)
			connect_control(r, passed);
		else if (passed >= 0)
			close(passed);
		if (msg.op == MON_PING)
			monitor_send(fd, MON_PONG, NULL, -1);
		return;
	default:
		loop_stop(r->loop);
	}
}

static void
housekeeping_cb(void *arg)
{
	struct relay *r = arg;

	r->engine.now = clock_now();
	engine_expire(&r->engine, r->counters);
	dp_server_tell_claims(r->dp);
	if (++r->ticks % PATH_MTU_EVERY == 0)
		demux_each_host(r->engine.demux, refresh_path_mtu, r);
	loop_timer_set(r->housekeeping, HOUSEKEEPING_MS);
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	dp_server_forgotten(((struct relay *)arg)->dp, item);
}

/* ---- life ---- */

/* Frames in by the rings, and out by the sender. */
static void
open_frames(struct relay *r)
{
	for (size_t i = 0; i < r->fds->n_rings; i++)
		r->rings[i] = ring_new(&r->fds->rings[i]);
	r->hops = r->fds->n_rings > 0 ? nexthops_new(r->fds, r->net) : NULL;
	if (r->hops == NULL)
		return;
	r->frames = frames_new(r->fds, r->hops, sent, r);
	r->news = loop_readable(r->loop, r->fds->news, news_cb, r);
}

static struct relay *
relay_new(const struct relay_fds *fds, const struct relay_net *net, struct dp_counters *counters)
{
	struct relay *r = mem_zero(1, sizeof(*r));
	struct demux_events events = { .forgotten = forgotten_cb, .host_new = refresh_path_mtu, .arg = r };

	r->fds = fds;
	r->net = net;
	r->counters = counters;
	r->loop = loop_new();
	r->io = pktio_new(fds, sent, r);
	r->engine.demux = demux_new(&events);
	r->engine.gateway_addr = net->gateway_addr;
	r->engine.public_addr = net->public_addr;
	demux_meter(r->engine.demux, fds->meters);
	r->xdp = xdp_feed_new(fds->xdp, r->engine.demux, net->gateway_addr);
	r->dp = dp_server_new(r->engine.demux);
	open_frames(r);
	return r;
}

static void
relay_free(struct relay *r)
{
	xdp_feed_free(r->xdp);
	demux_free(r->engine.demux);
	dp_server_free(r->dp);
	pktio_free(r->io);
	frames_free(r->frames);
	nexthops_free(r->hops);
	for (size_t i = 0; i < r->fds->n_rings; i++)
		ring_free(r->rings[i]);
	loop_free(r->loop);
	free(r);
}

int
relay_main(const struct relay_fds *fds, const struct relay_net *net, struct dp_counters *counters)
{
	struct relay *r = relay_new(fds, net, counters);
	struct loop_event *monitor = loop_readable(r->loop, fds->monitor, monitor_cb, r);

	r->housekeeping = loop_timer(r->loop, housekeeping_cb, r);
	loop_timer_set(r->housekeeping, HOUSEKEEPING_MS);
	connect_control(r, fds->control);
	log_info("relay", "running");
	loop_run(r->loop);
	log_info("relay", "monitor is gone, ending");
	for (size_t i = 0; i < sizeof(r->packets) / sizeof(r->packets[0]); i++)
		loop_event_free(r->packets[i]);
	for (size_t i = 0; i < fds->n_rings; i++)
		loop_event_free(r->ring_events[i]);
	loop_event_free(r->news);
	loop_event_free(monitor);
	loop_event_free(r->housekeeping);
	disconnect_control(r);
	relay_free(r);
	return 0;
}
