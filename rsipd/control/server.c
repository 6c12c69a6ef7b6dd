#include "config.h"

#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "conf.h"
#include "conns.h"
#include "ledger.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "notice.h"
#include "parked.h"
#include "rsip_proto.h"
#include "stats.h"
#include "transport.h"

#define FDS_RESERVED 64  /* for everything but TCP connections */
#define CONNECTIONS_MAX 65536 /* or as many as the hard limit of descriptors leaves */
#define ACCEPT_A_TURN 64
#define WAITING_MAX 1024 /* letters: with so many, no more is done before the commit that they wait for has begun */

/* One address that we listen on. */
struct listener {
	struct server *srv;
	ip4_t gateway_addr;
	int tcp_fd;
	struct loop_event *acceptable;
	struct datagrams *datagrams; /* NULL: no UDP here */
	uint32_t overflowed; /* datagrams lost that are counted already */
	struct listener *next;
};

/* Over a connection if there is one, else by datagram. */
struct destination {
	struct conn *conn;
	struct datagrams *datagrams;
	ip4_t host_addr, gateway_addr;
	uint16_t port;
};

/* A message that waits for the commit. */
struct letter {
	struct letter *prev, *next;
	struct destination to;
	bool answer; /* to a request; else a notice */
	bool stray;  /* its connection is gone */
	uint8_t request_mac[RSIP_MAC_LEN]; /* what an authenticated request ended with: its answer is bound to it */
	size_t len;
	uint8_t bytes[];
};

/* Where letters are on their way. */
enum stage {
	WAITING, /* for the next commit to begin */
	LEAVING, /* for the one under way to end */
	DURABLE, /* to be sent */
	STAGES
};

struct server {
	struct loop *loop;
	struct service *service;
	struct server_events events;
	struct loop_event *flush;
	struct listener *listeners;
	struct conns conns;
	struct letter *letters[STAGES];
	size_t n_waiting;
	bool committing, again; /* a commit is under way; there is more for the next */
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
make_stray(struct server *srv, const struct conn *conn)
{
	struct letter *letter;

	for (enum stage stage = 0; stage < STAGES; stage++) {
		DL_FOREACH(srv->letters[stage], letter) {
			if (letter->to.conn == conn)
				letter->stray = true;
		}
	}
}

static void
conn_close(struct server *srv, struct conn *conn, bool at_once)
{
	make_stray(srv, conn);
	forget_parked(srv, conn);
	if (at_once)
		stream_free(conn->stream);
	else
		stream_finish(conn->stream);
	conns_remove(&srv->conns, conn);
	srv->service->stats->open_connections = srv->conns.n;
}

/* --- out --- */

static struct letter *
post(struct server *srv, const struct destination *to, bool answer, const void *bytes, size_t len)
{
	struct letter *letter = mem_zero(1, sizeof(*letter) + len);

	letter->to = *to;
	letter->answer = answer;
	letter->len = len;
	memcpy(letter->bytes, bytes, len);
	if (to->conn != NULL)
		to->conn->letters++;
	DL_APPEND(srv->letters[WAITING], letter);
	srv->n_waiting++;
	server_raise(srv);
	return letter;
}

static void
post_answer(struct server *srv, const struct destination *to, const void *bytes, size_t len, const uint8_t *request,
            size_t request_len)
{
	struct letter *letter = post(srv, to, true, bytes, len);
	const uint8_t *mac = request_mac(request, request_len);

	if (mac != NULL)
		memcpy(letter->request_mac, mac, RSIP_MAC_LEN);
}

static void
send_letter(struct letter *letter, const void *bytes, size_t len)
{
	if (letter->stray)
		return;
	if (letter->to.conn != NULL)
		stream_send(letter->to.conn->stream, bytes, len);
	else
		datagrams_queue(letter->to.datagrams, letter->to.host_addr, letter->to.port, bytes, len);
}

/* After a commit that failed nothing of what the letters say has happened. */
static void
send_regret(const struct server *srv, struct letter *letter)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX];
	const struct requester from = { .host_addr = letter->to.host_addr, .gateway_addr = letter->to.gateway_addr };

	if (!letter->answer)
		return;
	memcpy(bytes, letter->bytes, letter->len);
	send_letter(letter, bytes, request_failed(srv->service, &from, letter->request_mac, bytes, letter->len,
	                                           sizeof(bytes)));
}

static void
release(struct server *srv, struct letter *letter)
{
	struct conn *conn = letter->stray ? NULL : letter->to.conn;

	free(letter);
	if (conn != NULL && --conn->letters == 0 && conn->ended)
		conn_close(srv, conn, false);
}

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
advance(struct server *srv, enum stage from, enum stage to)
{
	DL_CONCAT(srv->letters[to], srv->letters[from]);
	srv->letters[from] = NULL;
	if (from == WAITING)
		srv->n_waiting = 0;
}

static void
deliver(struct server *srv, bool done)
{
	struct letter *letter;
	struct listener *ls;

	while ((letter = srv->letters[DURABLE]) != NULL) {
		DL_DELETE(srv->letters[DURABLE], letter);
		if (done)
			send_letter(letter, letter->bytes, letter->len);
		else
			send_regret(srv, letter);
		release(srv, letter);
	}
	streams_flush(srv->loop);
	LL_FOREACH(srv->listeners, ls) {
		if (ls->datagrams != NULL)
			datagrams_flush(ls->datagrams);
	}
	count_overflow(srv);
}

/* Letters that say what is durable already, as the answer to a QUERY, need not wait. */
static void
begin(struct server *srv)
{
	srv->again = false;
	srv->committing = srv->events.begin(srv->events.arg);
	advance(srv, WAITING, LEAVING);
	if (!srv->committing)
		advance(srv, LEAVING, DURABLE);
}

/* The next commit begins before the letters of this one are sent: the disk need not wait for that. What was done on top of
 * one that failed has been undone with it. */
static bool
end(struct server *srv)
{
	bool done = srv->events.end(srv->events.arg);

	srv->committing = false;
	advance(srv, LEAVING, DURABLE);
	if (!done)
		advance(srv, WAITING, DURABLE);
	else if (srv->again)
		begin(srv);
	deliver(srv, done);
	return done;
}

void
server_committed(struct server *srv)
{
	if (srv->committing)
		end(srv);
}

bool
server_commit(struct server *srv)
{
	if (srv->committing && !end(srv))
		return false;
	if (!srv->committing) {
		begin(srv);
		deliver(srv, true);
	}
	return !srv->committing || end(srv);
}

/* What is done while one commit is under way shares the next. */
static void
on_flush(void *arg)
{
	struct server *srv = arg;

	srv->again = srv->committing;
	if (srv->committing)
		return;
	begin(srv);
	deliver(srv, true);
}

/* Waits for the disk, where hosts ask faster than it writes. */
static void
make_room(struct server *srv)
{
	if (srv->committing) {
		srv->again = true;
		end(srv);
	} else {
		begin(srv);
		deliver(srv, true);
	}
}

void
server_raise(struct server *srv)
{
	loop_deferred_raise(srv->flush);
}

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
		post(srv, &to, false, bytes, len);
}

void
server_call(struct server *srv, ip4_t host_addr, const void *bytes, size_t len)
{
	const struct listener *ls;

	LL_FOREACH(srv->listeners, ls) {
		const struct destination to = { .datagrams = ls->datagrams, .host_addr = host_addr, .port = RSIP_PORT };

		if (to.datagrams != NULL)
			post(srv, &to, false, bytes, len);
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
		post_answer(srv, back, response, response_len, bytes, len);
	if (srv->n_waiting >= WAITING_MAX)
		make_room(srv);
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
	if (conn != NULL && --conn->letters == 0 && conn->ended)
		conn_close(srv, conn, false);
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
		post(srv, &(struct destination){ .conn = conn }, true, bytes, notice_bad_frame(bytes));
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
admit(struct listener *ls, int fd, ip4_t host_addr)
{
	static struct log_limit limit;
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

static void
on_acceptable(int listen_fd, void *arg)
{
	static struct log_limit limit;
	struct sockaddr_in peer;

	for (int i = 0; i < ACCEPT_A_TURN; i++) {
		socklen_t len = sizeof(peer);
		int fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit(arg, fd, ntohl(peer.sin_addr.s_addr));
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ECONNABORTED && errno != EINTR)
			log_warn_limited(&limit, "server", "cannot accept error=\"%s\"", strerror(errno));
		return;
	}
}

/* --- life --- */

/* As many as the hard limit of descriptors allows: the soft one is for programs that use select(2). */
static size_t
max_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return FDS_RESERVED;
	if (limit.rlim_cur < CONNECTIONS_MAX + FDS_RESERVED) {
		limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX + FDS_RESERVED ? limit.rlim_max : CONNECTIONS_MAX + FDS_RESERVED;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur <= 2 * FDS_RESERVED)
		return FDS_RESERVED;
	return limit.rlim_cur - FDS_RESERVED < CONNECTIONS_MAX ? (size_t)limit.rlim_cur - FDS_RESERVED : CONNECTIONS_MAX;
}

struct server *
server_new(struct loop *loop, struct service *service, const struct server_events *events)
{
	struct server *srv = mem_zero(1, sizeof(*srv));

	srv->loop = loop;
	srv->service = service;
	srv->events = *events;
	srv->conns.max = max_connections();
	srv->flush = loop_deferred(loop, on_flush, srv);
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
		ls->acceptable = loop_readable(srv->loop, tcp_fd, on_acceptable, ls);
	if (udp_fd >= 0)
		ls->datagrams = datagrams_new(srv->loop, udp_fd, on_datagram, ls);
	LL_APPEND(srv->listeners, ls);
}

void
server_free(struct server *srv)
{
	struct letter *letter, *next_letter;
	struct listener *ls, *next;
	struct conn *conn;

	if (srv == NULL)
		return;
	while ((conn = conns_any(&srv->conns)) != NULL)
		conn_close(srv, conn, true);
	while (srv->parked.list != NULL)
		parked_remove(&srv->parked, srv->parked.list);
	for (enum stage stage = 0; stage < STAGES; stage++) {
		DL_FOREACH_SAFE(srv->letters[stage], letter, next_letter)
			free(letter);
	}
	LL_FOREACH_SAFE(srv->listeners, ls, next) {
		loop_event_free(ls->acceptable);
		if (ls->tcp_fd >= 0)
			close(ls->tcp_fd);
		datagrams_free(ls->datagrams);
		free(ls);
	}
	loop_event_free(srv->flush);
	free(srv);
}
