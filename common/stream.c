/* The TCP half of transport.h. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "rsip_proto.h"
#include "sockaddr.h"
#include "transport.h"

#define MESSAGES_A_TURN 32 /* so that one peer cannot keep the others waiting */

struct stream {
	struct bufferevent *bev;
	struct loop_event *stall; /* runs while a message is incomplete */
	const struct stream_events *events;
	void *arg;
	bool connecting;
	bool incomplete; /* a message has begun: the timer above runs */
	bool unread;     /* too much waits for the peer: so it does, at once */
	bool over;     /* ended was called, or is not to be */
	bool in_call;  /* inside one of the owner's functions: stream_free waits for its return */
	bool freed;
};

const char *
stream_end_text(enum stream_end end)
{
	static const char *const texts[] = {
		[STREAM_CLOSED] = "closed",
		[STREAM_REFUSED] = "refused",
		[STREAM_BAD_FRAME] = "not RSIP",
		[STREAM_STALLED] = "stalled",
	};

	return texts[end];
}

static void
destroy(struct stream *st)
{
	loop_event_free(st->stall);
	bufferevent_free(st->bev);
	free(st);
}

void
stream_free(struct stream *st)
{
	if (st == NULL)
		return;
	st->over = st->freed = true;
	if (!st->in_call)
		destroy(st);
}

/* After a call of the owner's: false when it freed the stream, which then is gone. */
static bool
still_there(struct stream *st)
{
	st->in_call = false;
	if (st->freed)
		destroy(st);
	else
		return true;
	return false;
}

static void
end(struct stream *st, enum stream_end why)
{
	if (st->over)
		return;
	st->over = true;
	bufferevent_disable(st->bev, EV_READ);
	loop_timer_cancel(st->stall);
	st->in_call = true;
	st->events->ended(st->arg, st, why);
	still_there(st);
}

static void
on_stall(void *arg)
{
	end(arg, STREAM_STALLED);
}

/* A message that has begun must go on; nothing else has a deadline. */
static void
watch_incomplete(struct stream *st, bool incomplete)
{
	if (incomplete == st->incomplete || st->unread)
		return;
	st->incomplete = incomplete;
	if (incomplete)
		loop_timer_set(st->stall, STREAM_STALL_MS);
	else
		loop_timer_cancel(st->stall);
}

/* The length of the whole message at the front; 0 when there is none, -1 when there never will be. */
static int
whole_message(struct evbuffer *input)
{
	uint8_t header[RSIP_HEADER_LEN];
	ssize_t got = evbuffer_copyout(input, header, sizeof(header));
	int len = message_frame_len(header, got > 0 ? (size_t)got : 0);

	return len > 0 && evbuffer_get_length(input) < (size_t)len ? 0 : len;
}

/* Hands over at most max messages. False when the stream is gone or over. */
static bool
deliver(struct stream *st, unsigned max)
{
	struct evbuffer *input = bufferevent_get_input(st->bev);
	int len = 0;

	while (!st->over && max-- > 0 && (len = whole_message(input)) > 0) {
		watch_incomplete(st, false);
		st->in_call = true;
		st->events->message(st->arg, st, evbuffer_pullup(input, len), (size_t)len);
		if (!still_there(st))
			return false;
		evbuffer_drain(input, (size_t)len);
	}
	if (len < 0)
		end(st, STREAM_BAD_FRAME);
	return len >= 0 && !st->over;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct stream *st = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	if (st->over || !deliver(st, MESSAGES_A_TURN))
		return;
	if (whole_message(input) != 0)
		bufferevent_trigger(bev, EV_READ, BEV_OPT_DEFER_CALLBACKS); /* the rest in the next turn */
	else
		watch_incomplete(st, evbuffer_get_length(input) > 0);
}

static void
on_connected(struct stream *st)
{
	st->connecting = false;
	if (st->events->connected == NULL)
		return;
	st->in_call = true;
	st->events->connected(st->arg, st);
	still_there(st);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream *st = arg;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		on_connected(st);
	else if ((what & BEV_EVENT_TIMEOUT) != 0)
		end(st, STREAM_STALLED);
	else if (st->connecting)
		end(st, STREAM_REFUSED);
	else if (deliver(st, UINT_MAX)) /* what came before the end counts */
		end(st, STREAM_CLOSED);
}

static struct stream *
stream_new(struct loop *loop, int fd, const struct stream_events *events, void *arg)
{
	static const struct timeval stall = { .tv_sec = STREAM_STALL_MS / 1000 };
	struct stream *st = mem_zero(1, sizeof(*st));
	int on = 1;

	/* Answers are small and wanted now. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	st->events = events;
	st->arg = arg;
	st->stall = loop_timer(loop, on_stall, st);
	st->bev = bufferevent_socket_new(loop_base(loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (st->bev == NULL)
		log_fatal("transport", "out of memory");
	bufferevent_setcb(st->bev, on_read, NULL, on_event, st);
	bufferevent_setwatermark(st->bev, EV_READ, 0, 2 * RSIP_MESSAGE_MAX);
	bufferevent_set_timeouts(st->bev, NULL, &stall);
	bufferevent_enable(st->bev, EV_READ | EV_WRITE);
	return st;
}

struct stream *
stream_accept(struct loop *loop, int fd, const struct stream_events *events, void *arg)
{
	return stream_new(loop, fd, events, arg);
}

/* A socket that is connecting, or connected already; -1 with errno. */
static int
connecting_socket(ip4_t local_addr, ip4_t addr, uint16_t port)
{
	struct sockaddr_in local = sockaddr_of(local_addr, 0), peer = sockaddr_of(addr, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if ((local_addr == 0 || bind(fd, (struct sockaddr *)&local, sizeof(local)) == 0) &&
	    (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) == 0 || errno == EINPROGRESS))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct stream *
stream_connect(struct loop *loop, ip4_t local_addr, ip4_t addr, uint16_t port, const struct stream_events *events,
               void *arg)
{
	int fd = connecting_socket(local_addr, addr, port);

	if (fd < 0)
		return NULL;
	struct stream *st = stream_new(loop, fd, events, arg);
	st->connecting = true;
	if (bufferevent_socket_connect(st->bev, NULL, 0) != 0)
		log_fatal("transport", "cannot watch a socket");
	return st;
}

void
stream_send(struct stream *st, const void *bytes, size_t len)
{
	struct evbuffer *output = bufferevent_get_output(st->bev);

	if (evbuffer_get_length(output) + len > STREAM_UNREAD_MAX) {
		st->unread = true;
		loop_timer_set(st->stall, 0); /* ended() not from here: the caller may be in the middle of something */
		return;
	}
	if (evbuffer_add(output, bytes, len) != 0)
		log_fatal("transport", "out of memory");
}

/* --- an orderly end: what was sent goes out first --- */

static void
on_written(struct bufferevent *bev, void *arg)
{
	(void)bev;
	destroy(arg);
}

static void
on_unwritable(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	destroy(arg);
}

void
stream_finish(struct stream *st)
{
	st->over = true;
	bufferevent_disable(st->bev, EV_READ);
	loop_timer_cancel(st->stall);
	if (evbuffer_get_length(bufferevent_get_output(st->bev)) == 0)
		stream_free(st);
	else
		bufferevent_setcb(st->bev, NULL, on_written, on_unwritable, st);
}
