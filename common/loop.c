#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

struct loop {
	struct event_base *base;
	struct loop_event *raised; /* deferred calls that are due, first raised first */
	struct loop_event *timed;  /* timers that are set to a time of clock_now() */
	struct loop_event *woken;  /* deferred calls that waking up raises */
	struct loop_event *watch;  /* clock_watch, once one of these is there */
	int watch_fd;
	bool stopped;
};

struct loop_event {
	struct event *ev; /* NULL for a deferred call */
	loop_fd_cb *fd_cb;
	loop_cb *cb;
	void *arg;
	struct loop *loop;
	struct loop_event *prev, *next; /* in loop->raised, or a timer in loop->timed */
	struct loop_event *prev_woken, *next_woken;
	int64_t when; /* while timed */
	bool raised, timed, woken;
};

struct loop *
loop_new(void)
{
	struct loop *loop = mem_zero(1, sizeof(*loop));

	if ((loop->base = event_base_new()) == NULL)
		log_fatal("loop", "cannot make an event loop: out of memory");
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop->watch != NULL)
		close(loop->watch_fd);
	loop_event_free(loop->watch);
	event_base_free(loop->base);
	free(loop);
}

/* Runs what was raised before now: what these calls raise waits for the next turn. */
static void
run_deferred(struct loop *loop)
{
	struct loop_event *event;
	int n;

	DL_COUNT(loop->raised, event, n);
	while (n-- > 0 && (event = loop->raised) != NULL) {
		DL_DELETE(loop->raised, event);
		event->raised = false;
		event->cb(event->arg);
	}
}

/* One turn: every event that is ready, once, then the deferred calls. That these do not have a lower priority of
 * libevent's instead is so that input without end, as a flood of datagrams, cannot keep them waiting without end. */
void
loop_once(struct loop *loop, bool wait)
{
	bool block = wait && loop->raised == NULL;

	if (block)
		log_flush();
	event_base_loop(loop->base, block ? EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_ONCE | EVLOOP_NONBLOCK);
	run_deferred(loop);
}

void
loop_run(struct loop *loop)
{
	for (loop->stopped = false; !loop->stopped;)
		loop_once(loop, true);
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

/* A timer that has run, or is set anew. */
static void
forget_time(struct loop_event *event)
{
	if (event->timed)
		DL_DELETE(event->loop->timed, event);
	event->timed = false;
}

static void
dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct loop_event *event = arg;

	(void)what;
	forget_time(event);
	if (event->fd_cb != NULL)
		event->fd_cb(fd, event->arg);
	else
		event->cb(event->arg);
}

static struct loop_event *
event_make(struct loop *loop, int fd, short what, loop_fd_cb *fd_cb, loop_cb *cb, void *arg)
{
	struct loop_event *event = mem_zero(1, sizeof(*event));

	if ((event->ev = event_new(loop->base, fd, what, dispatch, event)) == NULL)
		log_fatal("loop", "cannot make an event: out of memory");
	event->loop = loop;
	event->fd_cb = fd_cb;
	event->cb = cb;
	event->arg = arg;
	return event;
}

static struct loop_event *
event_start(struct loop_event *event)
{
	if (event_add(event->ev, NULL) != 0)
		log_fatal("loop", "cannot watch a descriptor or signal");
	return event;
}

struct loop_event *
loop_readable(struct loop *loop, int fd, loop_fd_cb *cb, void *arg)
{
	return event_start(event_make(loop, fd, EV_READ | EV_PERSIST, cb, NULL, arg));
}

struct loop_event *
loop_writable(struct loop *loop, int fd, loop_fd_cb *cb, void *arg)
{
	return event_start(event_make(loop, fd, EV_WRITE | EV_PERSIST, cb, NULL, arg));
}

struct loop_event *
loop_signal(struct loop *loop, int signo, loop_cb *cb, void *arg)
{
	return event_start(event_make(loop, signo, EV_SIGNAL | EV_PERSIST, NULL, cb, arg));
}

struct loop_event *
loop_timer(struct loop *loop, loop_cb *cb, void *arg)
{
	return event_make(loop, -1, 0, NULL, cb, arg);
}

struct loop_event *
loop_deferred(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_event *event = mem_zero(1, sizeof(*event));

	event->loop = loop;
	event->cb = cb;
	event->arg = arg;
	return event;
}

/* ---- waking up: libevent's timers stand still while the machine sleeps ---- */

static void
start_timer(struct loop_event *timer, int64_t delay_ms)
{
	if (delay_ms < 0)
		delay_ms = 0;
	struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
	event_add(timer->ev, &tv);
}

void
loop_wake(struct loop *loop)
{
	struct loop_event *event;

	DL_FOREACH(loop->timed, event)
		start_timer(event, event->when - clock_now());
	DL_FOREACH2(loop->woken, event, next_woken)
		loop_deferred_raise(event);
}

static void
on_watch(int fd, void *arg)
{
	clock_watch_read(fd);
	loop_wake(arg);
}

static void
watch_clock(struct loop *loop)
{
	if (loop->watch != NULL)
		return;
	if ((loop->watch_fd = clock_watch()) >= 0)
		loop->watch = loop_readable(loop, loop->watch_fd, on_watch, loop);
	else
		log_warn("loop", "what falls due while the machine sleeps will be late error=\"%s\"", strerror(errno));
}

struct loop_event *
loop_woken(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_event *event = loop_deferred(loop, cb, arg);

	watch_clock(loop);
	event->woken = true;
	DL_APPEND2(loop->woken, event, prev_woken, next_woken);
	return event;
}

void
loop_timer_set(struct loop_event *timer, int64_t delay_ms)
{
	forget_time(timer);
	start_timer(timer, delay_ms);
}

void
loop_timer_at(struct loop_event *timer, int64_t when)
{
	watch_clock(timer->loop);
	forget_time(timer);
	timer->when = when;
	timer->timed = true;
	DL_APPEND(timer->loop->timed, timer);
	start_timer(timer, when - clock_now());
}

void
loop_timer_cancel(struct loop_event *timer)
{
	forget_time(timer);
	event_del(timer->ev);
}

void
loop_deferred_raise(struct loop_event *deferred)
{
	if (deferred->raised)
		return;
	deferred->raised = true;
	DL_APPEND(deferred->loop->raised, deferred);
}

void
loop_event_free(struct loop_event *event)
{
	if (event == NULL)
		return;
	if (event->ev != NULL)
		event_free(event->ev);
	forget_time(event);
	if (event->raised)
		DL_DELETE(event->loop->raised, event);
	if (event->woken)
		DL_DELETE2(event->loop->woken, event, prev_woken, next_woken);
	free(event);
}
