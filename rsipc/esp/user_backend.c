#include "user_backend.h"

#include <stdlib.h>

#include "esp_engine.h"
#include "esp_tunnel.h"
#include "mem.h"

struct user_backend {
	struct sa_backend backend; /* first */
	const struct esp_conf *conf;
	struct esp_engine *engine;
	const struct sa_events *events;
	void *arg;
};

static struct esp_tunnel *
tunnel_of(struct sa *sa)
{
	return (struct esp_tunnel *)sa; /* its first member */
}

static struct user_backend *
user_of(struct sa_backend *backend)
{
	return (struct user_backend *)backend;
}

/* ---- the engine's news ---- */

static void
authentic_cb(struct esp_tunnel *t, struct sa_end from, uint64_t sequence, void *arg)
{
	struct user_backend *user = arg;

	user->events->authentic(&t->sa, from, sequence, user->arg);
}

static void
answered_cb(struct esp_tunnel *t, struct sa_end from, void *arg)
{
	struct user_backend *user = arg;

	user->events->answered(&t->sa, from, user->arg);
}

static void
local_changed_cb(struct esp_tunnel *t, ip4_t local, void *arg)
{
	struct user_backend *user = arg;

	user->events->local_changed(&t->sa, (struct sa_end){ local, t->sa.local.port }, user->arg);
}

/* ---- what adoption asks ---- */

static bool
user_start(struct sa_backend *backend, struct loop *loop, const struct sa_events *events, void *arg)
{
	struct user_backend *user = user_of(backend);
	struct esp_engine_events engine_events = { authentic_cb, answered_cb, local_changed_cb, user };

	user->events = events;
	user->arg = arg;
	if ((user->engine = esp_engine_new(loop, user->conf, &engine_events)) == NULL)
		return false;
	for (struct esp_tunnel *t = NULL; (t = esp_engine_next(user->engine, t)) != NULL;)
		events->added(&t->sa, arg);
	return true;
}

static void
user_stop(struct sa_backend *backend)
{
	esp_engine_free(user_of(backend)->engine);
	free(backend);
}

static struct sa *
user_next(struct sa_backend *backend, const struct sa *after)
{
	struct esp_tunnel *t = esp_engine_next(user_of(backend)->engine, (const struct esp_tunnel *)after);

	return t != NULL ? &t->sa : NULL;
}

/* Always up to date. */
static void
user_refresh(struct sa_backend *backend, struct sa *sa)
{
	(void)backend;
	(void)sa;
}

/* The sockets hear every local address: what still comes for the old one is taken. */
static int
user_move(struct sa_backend *backend, struct sa *sa, struct sa_end local, struct sa_end remote)
{
	sa->local = local;
	sa->remote = remote;
	esp_engine_moved(user_of(backend)->engine, tunnel_of(sa));
	return 0;
}

static int
user_send_dummy(struct sa_backend *backend, struct sa *sa)
{
	return esp_engine_dummy(user_of(backend)->engine, tunnel_of(sa));
}

static int
user_probe(struct sa_backend *backend, struct sa *sa, struct sa_end to)
{
	return esp_engine_probe(user_of(backend)->engine, tunnel_of(sa), to);
}

static void
user_drops(struct sa_backend *backend, const struct sa *sa, sa_drop_visit *visit, void *arg)
{
	const struct esp_tunnel_drops *d = &((const struct esp_tunnel *)sa)->drops;

	(void)backend;
	visit("replayed", d->replayed, arg);
	visit("unauthentic", d->unauthentic, arg);
	visit("malformed", d->malformed, arg);
	visit("unselected", d->unselected, arg);
	visit("congested", d->congested, arg);
	visit("wrong_encapsulation", d->wrong_encap, arg);
	visit("over_limit", d->over_limit, arg);
	visit("no_sequence_number", d->overflow, arg);
	visit("too_big", d->too_big, arg);
	visit("send_failed", d->failed, arg);
	visit("dummies", d->dummies, arg);
}

static const struct sa_backend ops = {
	.name = "user",
	.start = user_start, .stop = user_stop, .next = user_next, .refresh = user_refresh, .move = user_move,
	.send_dummy = user_send_dummy, .probe = user_probe, .drops = user_drops,
};

struct sa_backend *
user_backend_new(const struct esp_conf *conf)
{
	struct user_backend *user = mem_zero(1, sizeof(*user));

	user->backend = ops;
	user->conf = conf;
	return &user->backend;
}
