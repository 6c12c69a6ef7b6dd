#include "loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "log.h"

/* Two priorities: input first, deferred work (group commit, replies) when the input that is ready has been read. */
enum { PRIO_INPUT, PRIO_DEFERRED, PRIO_COUNT };

struct loop { struct event_base *base; };

struct loop_event {
	struct event *ev;
	loop_fd_cb *fd_cb;
	loop_cb *cb;
	void *arg;
};

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL || (loop->base = event_base_new()) == NULL ||
	    event_base_priority_init(loop->base, PRIO_COUNT) != 0)
		log_fatal("loop", "cannot make an event loop: out of memory");
	return loop;
}

void
loop_free(struct loop *loop)
{
	event_base_free(loop->base);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void
loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

void
loop_once(struct loop *loop, bool wait)
{
	event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

static void
dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct loop_event *event = arg;

	(void)what;
	if (event->fd_cb != NULL)
		event->fd_cb(fd, event->arg);
	else
		event->cb(event->arg);
}

static struct loop_event *
event_make(struct loop *loop, int fd, short what, int prio, loop_fd_cb *fd_cb, loop_cb *cb, void *arg)
{
	struct loop_event *event = calloc(1, sizeof(*event));

	if (event == NULL || (event->ev = event_new(loop->base, fd, what, dispatch, event)) == NULL)
		log_fatal("loop", "cannot make an event: out of memory");
	event_priority_set(event->ev, prio);
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
	return event_start(event_make(loop, fd, EV_READ | EV_PERSIST, PRIO_INPUT, cb, NULL, arg));
}

struct loop_event *
loop_writable(struct loop *loop, int fd, loop_fd_cb *cb, void *arg)
{
	return event_start(event_make(loop, fd, EV_WRITE | EV_PERSIST, PRIO_INPUT, cb, NULL, arg));
}

struct loop_event *
loop_signal(struct loop *loop, int signo, loop_cb *cb, void *arg)
{
	return event_start(event_make(loop, signo, EV_SIGNAL | EV_PERSIST, PRIO_INPUT, NULL, cb, arg));
}

struct loop_event *
loop_timer(struct loop *loop, loop_cb *cb, void *arg)
{
	return event_make(loop, -1, 0, PRIO_INPUT, NULL, cb, arg);
}

struct loop_event *
loop_deferred(struct loop *loop, loop_cb *cb, void *arg)
{
	return event_make(loop, -1, 0, PRIO_DEFERRED, NULL, cb, arg);
}

void
loop_timer_set(struct loop_event *timer, int64_t delay_ms)
{
	if (delay_ms < 0)
		delay_ms = 0;
	struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
	event_add(timer->ev, &tv);
}

void
loop_timer_cancel(struct loop_event *timer)
{
	event_del(timer->ev);
}

void
loop_deferred_raise(struct loop_event *deferred)
{
	event_active(deferred->ev, EV_TIMEOUT, 0);
}

void
loop_event_free(struct loop_event *event)
{
	if (event == NULL)
		return;
	event_free(event->ev);
	free(event);
}
