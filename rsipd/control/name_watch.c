#include "name_watch.h"

#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "policy.h"
#include "resolver.h"

struct name_watch {
	const struct conf *conf;
	struct name_watch_events events;
	struct remote_names *names;
	struct resolver *resolver;
	struct loop_event *due, *answered;
};

/* --- what the names ask for --- */

static void
look_up(void *arg, const char *name)
{
	struct name_watch *watch = arg;

	resolver_look_up(watch->resolver, name);
}

static bool
may_talk_to(void *arg, ip4_t addr)
{
	const struct name_watch *watch = arg;

	return policy_is_peer(watch->conf, addr);
}

static void
on_changed(void *arg, const struct remote_name *name)
{
	const struct name_watch *watch = arg;

	watch->events.changed(watch->events.arg, name);
}

/* An answer may come in the midst of a request: what it lets go on waits for the end of the turn. */
static void
on_answered(void *arg)
{
	struct name_watch *watch = arg;

	loop_deferred_raise(watch->answered);
}

/* --- what the resolver tells --- */

static void
on_addresses(void *arg, const char *name, const ip4_t *addrs, size_t n, uint32_t ttl_s)
{
	const struct name_watch *watch = arg;

	remote_names_answer(watch->names, name, addrs, n, ttl_s);
}

static void
on_no_answer(void *arg, const char *name)
{
	const struct name_watch *watch = arg;

	remote_names_failed(watch->names, name);
}

/* --- time --- */

static void
arm(struct name_watch *watch)
{
	int64_t delay = remote_names_delay(watch->names);

	if (delay >= 0)
		loop_timer_at(watch->due, clock_now() + delay);
}

static void
on_due(void *arg)
{
	struct name_watch *watch = arg;

	remote_names_due(watch->names);
	arm(watch);
}

static void
on_turn_end(void *arg)
{
	struct name_watch *watch = arg;

	watch->events.answered(watch->events.arg);
	arm(watch);
}

/* --- life --- */

struct name_watch *
name_watch_new(struct loop *loop, const struct conf *conf, const struct name_watch_events *events)
{
	struct name_watch *watch = mem_zero(1, sizeof(*watch));
	const struct remote_names_events names_events = { look_up, may_talk_to, on_changed, on_answered, watch };
	const struct resolver_events resolver_events = { on_addresses, on_no_answer, watch };

	watch->conf = conf;
	watch->events = *events;
	watch->names = remote_names_new(&names_events);
	watch->resolver = resolver_new(loop, conf, &resolver_events);
	watch->due = loop_timer(loop, on_due, watch);
	watch->answered = loop_deferred(loop, on_turn_end, watch);
	return watch;
}

void
name_watch_free(struct name_watch *watch)
{
	resolver_free(watch->resolver);
	remote_names_free(watch->names);
	loop_event_free(watch->due);
	loop_event_free(watch->answered);
	free(watch);
}

void
name_watch_begin(struct name_watch *watch)
{
	arm(watch);
}

void
name_watch_set_conf(struct name_watch *watch, const struct conf *conf)
{
	watch->conf = conf;
	resolver_set_conf(watch->resolver, conf);
}

struct remote_names *
name_watch_names(struct name_watch *watch)
{
	return watch->names;
}
