/* The event loop: descriptors, timers, signals, deferred work. Only loop.c, and the files that need a libevent
 * service of their own (streams, HTTP), include libevent. */
#ifndef RSIP_LOOP_H
#define RSIP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_event; /* one registered descriptor, timer, signal or deferred call */
struct event_base;

typedef void loop_fd_cb(int fd, void *arg);
typedef void loop_cb(void *arg);

struct loop *loop_new(void); /* never NULL: out of memory ends the program */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* from inside a callback; deferred work of the turn is still done */
void loop_once(struct loop *loop, bool wait); /* one turn: what is ready, waiting for something first if asked */

/* The libevent base below, for streams and HTTP. */
struct event_base *loop_base(struct loop *loop);

/* Each returns an event that the caller ends with loop_event_free, which accepts NULL. */
struct loop_event *loop_readable(struct loop *loop, int fd, loop_fd_cb *cb, void *arg);
struct loop_event *loop_writable(struct loop *loop, int fd, loop_fd_cb *cb, void *arg);
struct loop_event *loop_signal(struct loop *loop, int signo, loop_cb *cb, void *arg);
struct loop_event *loop_timer(struct loop *loop, loop_cb *cb, void *arg); /* made idle */
/* Runs once, at the end of the turn, when all input that was ready at its start has been handled: how replies wait for
 * one commit. Made idle. */
struct loop_event *loop_deferred(struct loop *loop, loop_cb *cb, void *arg);
/* The same, raised by the loop itself when the machine has slept, or its wall clock was set (clock_watch). */
struct loop_event *loop_woken(struct loop *loop, loop_cb *cb, void *arg);

/* Both replace an earlier setting. A delay is patience with something at work beside us: it does not go on while the machine
 * sleeps. A time of clock_now() is what was promised to others, who may be awake: one that has passed in sleep is due at
 * once. */
void loop_timer_set(struct loop_event *timer, int64_t delay_ms);
void loop_timer_at(struct loop_event *timer, int64_t when);
void loop_timer_cancel(struct loop_event *timer);
void loop_deferred_raise(struct loop_event *deferred); /* again while raised: no effect */
void loop_event_free(struct loop_event *event);

void loop_wake(struct loop *loop); /* what the loop does when it finds that the machine has slept; for tests */

#endif
