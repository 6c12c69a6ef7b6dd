#include "config.h"

#include "server.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "acceptor.h"
#include "conf.h"
#include "conns.h"
#include "ledger.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "notice.h"
#include "outbox.h"
#include "parked.h"
#include "rsip_proto.h"
#include "stats.h"
#include "transport.h"

/* One address that we listen on. */
struct listener {
	struct server *srv;
	ip4_t gateway_addr;
	int tcp_fd;
	struct acceptor *acceptor; /* NULL: no TCP here */
	struct datagrams *datagrams; /* NULL: no UDP here */
	uint32_t overflowed; /* datagrams lost that are counted already */
	struct listener *next;
};

struct server {
	struct loop *loop;
	struct service *service;
	struct outbox *outbox;
	struct listener *listeners;
	struct conns conns;
	struct parked parked;
};

/* --- connections --- */

/* What waits of a connection that is gone is not carried out: nobody would hear of it. */
static void
forget_parked(struct server *srv, const struct conn *conn)
{
	struct parked_request *r, *next;

	DL_FOREACH_SAFE(srv->parked.list, r, next) {
		if (r->conn == conn)
			parked_remove(&srv->parked, r);
	}
}

static void
conn_close(struct server *srv, struct conn *conn, bool at_once)
{
	outbox_forget(srv->outbox, conn);
	forget_parked(srv, conn);
	if (at_once)
		stream_free(conn->stream);
	else
		stream_finish(conn->stream);
	conns_remove(&srv->conns, conn);
	srv->service->stats->open_connections = srv->conns.n;
}

/* --- out --- */

static void
count_overflow(struct server *srv)
{
	struct listener *ls;

	LL_FOREACH(srv->listeners, ls) {
		uint32_t now = ls->datagrams != NULL ? datagrams_overflowed(ls->datagrams) : 0;
		srv->service->stats->overflowed += now - ls->overflowed;
		ls->overflowed = now;
	}
}

static void
flush_datagrams(struct server *srv)
{
	struct listener *ls;

	LL_FOREACH(srv->listeners, ls) {
		if (ls->datagrams != NULL)
			datagrams_flush(ls->datagrams);
	}
}

static void
on_sent(void *arg)
{
	flush_datagrams(arg);
	count_overflow(arg);
}

/* A peer that sends no more has heard all that it asked for. */
static void
on_idle(void *arg, struct conn *conn)
{
	if (conn->ended)
		conn_close(arg, conn, false);
}

static size_t
on_regret(void *arg, const struct destination *to, const uint8_t *mac, uint8_t *bytes, size_t len, size_t cap)
{
	const struct server *srv = arg;
	const struct requester from = { .host_addr = to->host_addr, .gateway_addr = to->gateway_addr };

	return request_failed(srv->service, &from, mac, bytes, len, cap);
}

void
server_committed(struct server *srv)
{
	outbox_committed(srv->outbox);
}

bool
server_commit(struct server *srv)
{
	return outbox_commit(srv->outbox);
}

void
server_raise(struct server *srv)
{
	outbox_raise(srv->outbox);
}

/* --- notices --- */

static const struct listener *
listener_at(const struct server *srv, ip4_t gateway_addr)
{
	const struct listener *ls;

	LL_FOREACH(srv->listeners, ls) {
		if (ls->gateway_addr == gateway_addr)
			return ls;
	}
	return srv->listeners;
}

void
server_notify(struct server *srv, const struct session *s, const void *bytes, size_t len)
{
	const struct listener *ls = listener_at(srv, s->gateway_addr);
	struct destination to = { .host_addr = s->host_addr };

	if (s->transport == RSIP_TCP) {
		to.conn = conns_latest(&srv->conns, s->host_addr);
	} else {
		to.datagrams = ls != NULL ? ls->datagrams : NULL;
		to.port = replay_port(&s->replay);
	}
	if (to.conn != NULL || (to.datagrams != NULL && to.port != 0))
		outbox_notify(srv->outbox, &to, bytes, len);
}

void
server_call(struct server *srv, ip4_t host_addr, const void *bytes, size_t len)
{
	const struct listener *ls;

	LL_FOREACH(srv->listeners, ls) {
		const struct destination to = { .datagrams = ls->datagrams, .host_addr = host_addr, .port = RSIP_PORT };

		if (to.datagrams != NULL)
			outbox_notify(srv->outbox, &to, bytes, len);
	}
}

/* --- in --- */

/* Carries a request out and answers it. False when it has to wait. */
static bool
serve_now(struct server *srv, const struct requester *from, const struct destination *back, const uint8_t *bytes, size_t len)
{
	static uint8_t response[RSIP_MESSAGE_MAX];
	size_t response_len = request_handle(srv->service, from, bytes, len, response, sizeof(response));

	if (response_len == REQUEST_LATER)
		return false;
	if (response_len > 0)
		outbox_answer(srv->outbox, back, request_mac(bytes, len), response, response_len);
	outbox_make_room(srv->outbox);
	return true;
}

static void
park(struct server *srv, const struct requester *from, const struct destination *back, const uint8_t *bytes, size_t len)
{
	static struct log_limit limit;
	char host[IP4_STRLEN];
	bool full;
	struct parked_request *r = parked_add(&srv->parked, from, bytes, len, &full);

	if (full) {
		srv->service->stats->ignored++;
		log_warn_limited(&limit, "server", "too many requests wait for names: dropped one host=%s",
		                 ip4_str(from->host_addr, host));
	}
	if (r == NULL)
		return;
	r->conn = back->conn;
	r->back = back->datagrams;
	if (back->conn != NULL)
		back->conn->letters++;
}

/* A host's requests are carried out in their order: behind one that waits, all wait. */
static void
serve(struct server *srv, const struct requester *from, const struct destination *back, const uint8_t *bytes, size_t len)
{
	struct requester again = *from;

	if (parked_has_host(&srv->parked, from->host_addr)) {
		park(srv, from, back, bytes, len);
	} else if (!serve_now(srv, from, back, bytes, len)) {
		again.again = true;
		park(srv, &again, back, bytes, len);
	}
}

static void
unpark(struct server *srv, struct parked_request *r)
{
	struct conn *conn = r->conn;

	parked_remove(&srv->parked, r);
	if (conn != NULL && --conn->letters == 0)
		on_idle(srv, conn);
}

void
server_resume(struct server *srv)
{
	struct parked_request *r;

	parked_begin(&srv->parked);
	while ((r = parked_next(&srv->parked)) != NULL) {
		const struct destination back = { .conn = r->conn, .datagrams = r->back, .host_addr = r->from.host_addr,
		                                  .gateway_addr = r->from.gateway_addr, .port = r->from.port };

		if (serve_now(srv, &r->from, &back, r->bytes, r->len)) {
			unpark(srv, r);
		} else {
			r->from.again = true;
			parked_waits(&srv->parked, r);
		}
	}
}

static void
on_stream_message(void *arg, struct stream *stream, const uint8_t *bytes, size_t len)
{
	struct conn *conn = arg;
	const struct requester from = { .host_addr = conn->host_addr, .gateway_addr = conn->gateway_addr,
	                                .transport = RSIP_TCP };
	const struct destination back = { .conn = conn, .host_addr = conn->host_addr, .gateway_addr = conn->gateway_addr };

	(void)stream;
	conns_used(&((struct server *)conn->owner)->conns, conn);
	serve(conn->owner, &from, &back, bytes, len);
}

static void
on_stream_ended(void *arg, struct stream *stream, enum stream_end why)
{
	struct conn *conn = arg;
	struct server *srv = conn->owner;
	uint8_t bytes[NOTICE_MAX];
	char host[IP4_STRLEN];

	(void)stream;
	log_debug("server", "connection ended host=%s why=\"%s\"", ip4_str(conn->host_addr, host), stream_end_text(why));
	if (why == STREAM_STALLED) {
		conn_close(srv, conn, true);
		return;
	}
	if (why == STREAM_BAD_FRAME)
		outbox_answer(srv->outbox, &(struct destination){ .conn = conn }, NULL, bytes, notice_bad_frame(bytes));
	conn->ended = true;
	if (conn->letters == 0)
		conn_close(srv, conn, false);
}

static const struct stream_events stream_events = { .message = on_stream_message, .ended = on_stream_ended };

static void
on_datagram(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len)
{
	struct listener *ls = arg;
	const struct requester from = { .host_addr = peer_addr, .gateway_addr = ls->gateway_addr, .port = peer_port,
	                                .transport = RSIP_UDP };
	const struct destination back = { .datagrams = ls->datagrams, .host_addr = peer_addr,
	                                  .gateway_addr = ls->gateway_addr, .port = peer_port };

	serve(ls->srv, &from, &back, bytes, len);
}

static void
displace(struct server *srv, struct conn *conn)
{
	if (conn == NULL)
		return;
	srv->service->stats->connections_displaced++;
	conn_close(srv, conn, true);
}

static void
on_connection(void *arg, int fd, ip4_t host_addr)
{
	static struct log_limit limit;
	const struct listener *ls = arg;
	struct server *srv = ls->srv;
	bool stranger = conf_policy_for(srv->service->ledger->conf, host_addr) == NULL;
	struct conn *conn;
	char host[IP4_STRLEN];

	displace(srv, conns_in_the_way(&srv->conns, stranger));
	conn = conns_add(&srv->conns, host_addr, stranger);
	if (conn == NULL) {
		srv->service->stats->connections_refused++;
		log_warn_limited(&limit, "server", "too many connections, refused one host=%s open=%zu",
		                 ip4_str(host_addr, host), srv->conns.n);
		close(fd);
		return;
	}
	conn->owner = srv;
	conn->gateway_addr = ls->gateway_addr;
	conn->stream = stream_accept(srv->loop, fd, &stream_events, conn);
	srv->service->stats->connections++;
	srv->service->stats->open_connections = srv->conns.n;
	displace(srv, conns_surplus(&srv->conns, host_addr));
}

/* --- life --- */

struct server *
server_new(struct loop *loop, struct service *service, const struct server_events *events)
{
	struct server *srv = mem_zero(1, sizeof(*srv));
	const struct outbox_events outbox_events = { events->begin, events->end, events->arg, on_regret, on_idle, on_sent, srv };

	srv->loop = loop;
	srv->service = service;
	srv->conns.max = acceptor_connections_max();
	srv->outbox = outbox_new(loop, &outbox_events);
	return srv;
}

void
server_listen(struct server *srv, ip4_t gateway_addr, int tcp_fd, int udp_fd)
{
	struct listener *ls = mem_zero(1, sizeof(*ls));

	ls->srv = srv;
	ls->gateway_addr = gateway_addr;
	ls->tcp_fd = tcp_fd;
	if (tcp_fd >= 0)
		ls->acceptor = acceptor_new(srv->loop, tcp_fd, on_connection, ls);
	if (udp_fd >= 0)
		ls->datagrams = datagrams_new(srv->loop, udp_fd, on_datagram, ls);
	LL_APPEND(srv->listeners, ls);
}

void
server_free(struct server *srv)
{
	struct listener *ls, *next;
	struct conn *conn;

	if (srv == NULL)
		return;
	while ((conn = conns_any(&srv->conns)) != NULL)
		conn_close(srv, conn, true);
	while (srv->parked.list != NULL)
		parked_remove(&srv->parked, srv->parked.list);
	outbox_free(srv->outbox);
	LL_FOREACH_SAFE(srv->listeners, ls, next) {
		acceptor_free(ls->acceptor);
		if (ls->tcp_fd >= 0)
			close(ls->tcp_fd);
		datagrams_free(ls->datagrams);
		free(ls);
	}
	free(srv);
}
