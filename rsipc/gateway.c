#include "gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "rsip_proto.h"
#include "transport.h"

#define CONNECT_MS 10000 /* for TCP's handshake: a gateway is near */

struct gateway {
	struct loop *loop;
	const struct conf *conf;
	const struct gateway_events *events;
	void *arg;
	struct stream *stream;
	struct datagrams *datagrams;
	struct datagrams *bell; /* where a gateway that has forgotten us, and our port, can reach us; NULL: nowhere */
	struct loop_event *patience;    /* the handshake takes too long */
	struct loop_event *news;        /* up or down, told in the next turn of the loop */
	ip4_t host_addr;
	const char *why; /* down, NULL = up */
};

static void
fail_later(struct gateway *g, const char *why)
{
	g->why = why;
	loop_deferred_raise(g->news);
}

static void
news_cb(void *arg)
{
	struct gateway *g = arg;

	if (g->why == NULL) {
		g->events->up(g->host_addr, g->arg);
		return;
	}
	gateway_close(g);
	g->events->down(g->why, g->arg);
}

/* ---- TCP ---- */

static void
connected(void *arg, struct stream *st)
{
	struct gateway *g = arg;

	(void)st;
	loop_timer_cancel(g->patience);
	g->events->up(g->host_addr, g->arg);
}

static void
stream_message(void *arg, struct stream *st, const uint8_t *bytes, size_t len)
{
	struct gateway *g = arg;

	(void)st;
	g->events->message(bytes, len, g->arg);
}

static void
ended(void *arg, struct stream *st, enum stream_end end)
{
	struct gateway *g = arg;

	(void)st;
	gateway_close(g);
	g->events->down(stream_end_text(end), g->arg);
}

static const struct stream_events stream_events = {
	.connected = connected, .message = stream_message, .ended = ended,
};

static void
patience_cb(void *arg)
{
	struct gateway *g = arg;

	gateway_close(g);
	g->events->down("no answer to the connection attempt", g->arg);
}

static void
open_stream(struct gateway *g)
{
	g->stream = stream_connect(g->loop, g->host_addr, g->conf->gateway, g->conf->gateway_port, &stream_events, g);
	if (g->stream == NULL)
		fail_later(g, strerror(errno));
	else
		loop_timer_set(g->patience, CONNECT_MS);
}

/* ---- UDP ---- */

static void
datagram(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len)
{
	struct gateway *g = arg;

	(void)peer_addr; /* the socket is connected: nobody else's datagrams arrive */
	(void)peer_port;
	g->events->message(bytes, len, g->arg);
}

static void
rung(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len)
{
	struct gateway *g = arg;

	(void)peer_addr; /* connected, as above */
	(void)peer_port;
	g->events->called(bytes, len, g->arg);
}

/* The port may be taken, by a gateway on this machine or another agent: we do without. */
static void
hang_bell(struct gateway *g)
{
	int fd = datagrams_connect_socket(g->host_addr, RSIP_PORT, g->conf->gateway, g->conf->gateway_port);

	if (fd >= 0)
		g->bell = datagrams_new(g->loop, fd, rung, g);
	else
		log_debug("gateway", "cannot be called by the gateway error=\"%s\"", strerror(errno));
}

/* ---- both ---- */

/* The address that this host has towards the gateway: that of a connected socket. */
static ip4_t
own_address(int fd)
{
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);

	return getsockname(fd, (struct sockaddr *)&own, &len) == 0 ? ntohl(own.sin_addr.s_addr) : 0;
}

ip4_t
gateway_host_addr(const struct gateway *g)
{
	return g->host_addr;
}

ip4_t
gateway_source(const struct gateway *g)
{
	int fd = datagrams_connect_socket(0, 0, g->conf->gateway, g->conf->gateway_port);
	ip4_t addr = fd >= 0 ? own_address(fd) : 0;

	if (fd >= 0)
		close(fd);
	return addr;
}

void
gateway_open(struct gateway *g)
{
	int fd = datagrams_connect_socket(0, 0, g->conf->gateway, g->conf->gateway_port);

	gateway_close(g);
	if (fd < 0) {
		fail_later(g, strerror(errno));
		return;
	}
	g->host_addr = own_address(fd);
	g->why = NULL;
	hang_bell(g);
	if (g->conf->udp) {
		g->datagrams = datagrams_new(g->loop, fd, datagram, g);
		loop_deferred_raise(g->news);
	} else {
		close(fd);
		open_stream(g);
	}
}

/* Makes the event anew: one that is raised already cannot be taken back. */
static void
forget_news(struct gateway *g)
{
	loop_event_free(g->news);
	g->news = loop_deferred(g->loop, news_cb, g);
}

void
gateway_close(struct gateway *g)
{
	loop_timer_cancel(g->patience);
	forget_news(g);
	stream_free(g->stream);
	datagrams_free(g->datagrams);
	datagrams_free(g->bell);
	g->stream = NULL;
	g->datagrams = g->bell = NULL;
}

void
gateway_send(struct gateway *g, const void *bytes, size_t len)
{
	if (g->stream != NULL)
		stream_send(g->stream, bytes, len);
	else if (g->datagrams != NULL)
		datagrams_send(g->datagrams, g->conf->gateway, g->conf->gateway_port, bytes, len);
}

struct gateway *
gateway_new(struct loop *loop, const struct conf *conf, const struct gateway_events *events, void *arg)
{
	struct gateway *g = mem_zero(1, sizeof(*g));

	g->loop = loop;
	g->conf = conf;
	g->events = events;
	g->arg = arg;
	g->patience = loop_timer(loop, patience_cb, g);
	g->news = loop_deferred(loop, news_cb, g);
	return g;
}

void
gateway_free(struct gateway *g)
{
	if (g == NULL)
		return;
	gateway_close(g);
	loop_event_free(g->patience);
	loop_event_free(g->news);
	free(g);
}
