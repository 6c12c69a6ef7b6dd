/* The TCP half of transport.h. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "rsip_proto.h"
#include "sockaddr.h"
#include "transport.h"

#define PAUSE_ABOVE (32 << 10) /* bytes that wait for the peer: more, and nothing is read from it */
#define RESUME_BELOW (8 << 10)
#define MESSAGES_A_TURN 128 /* of all peers, so that they do not keep datagrams and the commit waiting */
#define AT_A_TIME 8         /* of one peer before the next has its turn */

/* The streams of one event loop. */
struct turn {
	struct loop *loop;
	struct loop_event *go, *depart;
	struct stream *ready; /* those that have something to hand over, in the order of their turns */
	struct stream *outgoing; /* those that have something to write */
	size_t streams;
	struct turn *next;
};
static struct turn *turns;

struct stream {
	struct turn *turn;
	struct stream *prev, *next; /* while in turn->ready */
	struct stream *out_prev, *out_next; /* while in turn->outgoing */
	struct evbuffer *out; /* what was sent and no write has been tried of yet; NULL: nothing */
	struct bufferevent *bev;
	struct loop_event *stall; /* runs while a message is incomplete */
	const struct stream_events *events;
	void *arg;
	bool connecting;
	bool incomplete; /* a message has begun: the timer above runs */
	bool unread;     /* too much waits for the peer: so it does, at once */
	bool paused;     /* much waits for the peer: nothing more is read from it until that is taken */
	bool ready;      /* in turn->ready */
	bool full;       /* so much has come that a message is whole: no more is read before it is handed over */
	bool closed;     /* nothing more comes */
	bool broken;     /* nothing more can be sent, and libevent will not say so again */
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

/* --- turns --- */

static void on_turn(void *arg);
static void on_depart(void *arg);

static struct turn *
join(struct loop *loop)
{
	struct turn *turn;

	LL_SEARCH_SCALAR(turns, turn, loop, loop);
	if (turn == NULL) {
		turn = mem_zero(1, sizeof(*turn));
		turn->loop = loop;
		turn->go = loop_deferred(loop, on_turn, turn);
		turn->depart = loop_deferred(loop, on_depart, turn);
		LL_PREPEND(turns, turn);
	}
	turn->streams++;
	return turn;
}

static void
leave(struct turn *turn)
{
	if (--turn->streams > 0)
		return;
	LL_DELETE(turns, turn);
	loop_event_free(turn->go);
	loop_event_free(turn->depart);
	free(turn);
}

static void
step_back(struct stream *st)
{
	if (st->ready)
		DL_DELETE(st->turn->ready, st);
	st->ready = false;
}

static void
line_up(struct stream *st)
{
	if (!st->ready)
		DL_APPEND(st->turn->ready, st);
	st->ready = true;
	loop_deferred_raise(st->turn->go);
}

/* --- one stream --- */

static void
drop_out(struct stream *st)
{
	if (st->out == NULL)
		return;
	DL_DELETE2(st->turn->outgoing, st, out_prev, out_next);
	evbuffer_free(st->out);
	st->out = NULL;
}

static void
destroy(struct stream *st)
{
	drop_out(st);
	step_back(st);
	leave(st->turn);
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

/* Reads on unless there is a reason not to. A high watermark of libevent's would call on_read without end while it is
 * reached. */
static void
read_on(struct stream *st)
{
	if (!st->paused && !st->closed && !st->full)
		bufferevent_enable(st->bev, EV_READ);
	else
		bufferevent_disable(st->bev, EV_READ);
}

static void
measure_input(struct stream *st)
{
	bool full = evbuffer_get_length(bufferevent_get_input(st->bev)) >= RSIP_MESSAGE_MAX;

	if (full == st->full)
		return;
	st->full = full;
	read_on(st);
}

/* What is to happen with what is left, len being the length of a whole message at the front. */
static void
look_ahead(struct stream *st, int len)
{
	measure_input(st);
	if (len < 0)
		end(st, STREAM_BAD_FRAME);
	else if (len > 0)
		line_up(st);
	else if (st->closed)
		end(st, STREAM_CLOSED);
	else
		watch_incomplete(st, evbuffer_get_length(bufferevent_get_input(st->bev)) > 0);
}

/* Hands over a few messages; the rest when its turn comes again. Returns how many. */
static unsigned
deliver(struct stream *st)
{
	struct evbuffer *input = bufferevent_get_input(st->bev);
	unsigned n = 0;
	int len;

	while ((len = whole_message(input)) > 0 && n < AT_A_TIME) {
		n++;
		watch_incomplete(st, false);
		st->in_call = true;
		st->events->message(st->arg, st, evbuffer_pullup(input, len), (size_t)len);
		if (!still_there(st))
			return n;
		evbuffer_drain(input, (size_t)len);
		if (st->over)
			return n;
	}
	look_ahead(st, len);
	return n;
}

static void
on_turn(void *arg)
{
	struct turn *turn = arg;
	struct stream *st;

	turn->streams++; /* not to go with the last of them while we are here */
	for (unsigned n = 0; n < MESSAGES_A_TURN && (st = turn->ready) != NULL; n++) {
		step_back(st);
		if (!st->over && !st->paused)
			n += deliver(st);
	}
	if (turn->ready != NULL)
		loop_deferred_raise(turn->go);
	leave(turn);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	measure_input(arg);
	line_up(arg);
}

/* The peer has taken most of what waited. */
static void
on_taken(struct bufferevent *bev, void *arg)
{
	struct stream *st = arg;

	(void)bev;
	if (!st->paused || st->over)
		return;
	st->paused = false;
	read_on(st);
	line_up(st); /* what had come already */
}

/* One that asks and does not listen waits for itself, and fills its own buffers instead of ours. */
static void
pause_reading(struct stream *st)
{
	st->paused = true;
	watch_incomplete(st, false);
	read_on(st);
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

/* What came before the end counts. */
static void
last_turn(struct stream *st)
{
	st->closed = true;
	read_on(st);
	line_up(st);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream *st = arg;

	(void)bev;
	st->broken |= (what & BEV_EVENT_ERROR) != 0;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		on_connected(st);
	else if ((what & BEV_EVENT_TIMEOUT) != 0)
		end(st, STREAM_STALLED);
	else if (st->connecting)
		end(st, STREAM_REFUSED);
	else if (st->paused || (st->closed && !st->ready)) /* paused: it waited for what the peer will never take */
		end(st, STREAM_CLOSED);
	else
		last_turn(st);
}

static struct stream *
stream_new(struct loop *loop, int fd, const struct stream_events *events, void *arg)
{
	static const struct timeval stall = { .tv_sec = STREAM_STALL_MS / 1000 };
	struct stream *st = mem_zero(1, sizeof(*st));
	int on = 1;

	/* Answers are small and wanted now. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	st->turn = join(loop);
	st->events = events;
	st->arg = arg;
	st->stall = loop_timer(loop, on_stall, st);
	st->bev = bufferevent_socket_new(loop_base(loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (st->bev == NULL)
		log_fatal("transport", "out of memory");
	bufferevent_setcb(st->bev, on_read, on_taken, on_event, st);
	bufferevent_setwatermark(st->bev, EV_WRITE, RESUME_BELOW, 0);
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

/* --- out --- */

/* Writes what has gathered. Nearly always the socket takes it all; else libevent waits until it takes the rest, and tells
 * what went wrong. */
static void
depart(struct stream *st)
{
	struct evbuffer *output = bufferevent_get_output(st->bev);

	if (st->broken) {
		drop_out(st);
		return;
	}
	if (!st->connecting && evbuffer_get_length(output) == 0)
		evbuffer_write(st->out, bufferevent_getfd(st->bev));
	if (evbuffer_get_length(st->out) > 0 && bufferevent_write_buffer(st->bev, st->out) != 0)
		log_fatal("transport", "out of memory");
	drop_out(st);
	if (!st->paused && !st->over && evbuffer_get_length(output) > PAUSE_ABOVE)
		pause_reading(st);
}

static void
on_depart(void *arg)
{
	struct turn *turn = arg;

	while (turn->outgoing != NULL)
		depart(turn->outgoing);
}

void
streams_flush(struct loop *loop)
{
	struct turn *turn;

	LL_SEARCH_SCALAR(turns, turn, loop, loop);
	if (turn != NULL)
		on_depart(turn);
}

/* Into what leaves together: a system call for each message would be most of its cost. */
static void
gather(struct stream *st, const void *bytes, size_t len)
{
	if (st->out == NULL) {
		st->out = evbuffer_new();
		DL_APPEND2(st->turn->outgoing, st, out_prev, out_next);
		loop_deferred_raise(st->turn->depart);
	}
	if (st->out == NULL || evbuffer_add(st->out, bytes, len) != 0)
		log_fatal("transport", "out of memory");
}

static size_t
unwritten(const struct stream *st)
{
	return evbuffer_get_length(bufferevent_get_output(st->bev)) + (st->out != NULL ? evbuffer_get_length(st->out) : 0);
}

void
stream_send(struct stream *st, const void *bytes, size_t len)
{
	if (st->broken)
		return;
	if (unwritten(st) + len <= STREAM_UNREAD_MAX) {
		gather(st, bytes, len);
		return;
	}
	st->unread = true;
	loop_timer_set(st->stall, 0); /* ended() not from here: the caller may be in the middle of something */
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
	if (st->out != NULL)
		depart(st);
	if (st->broken || evbuffer_get_length(bufferevent_get_output(st->bev)) == 0) {
		stream_free(st);
		return;
	}
	bufferevent_setwatermark(st->bev, EV_WRITE, 0, 0);
	bufferevent_setcb(st->bev, NULL, on_written, on_unwritable, st);
}
