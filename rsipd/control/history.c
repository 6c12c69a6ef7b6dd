#include "history.h"

#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "store.h"

#define PASS_MS (3600 * 1000) /* from the end of one pass through the old rows to the next */
#define STEP_MS 100           /* between its steps: thousands of rows a second, and hosts are served meanwhile */

struct history {
	struct store *store;
	struct loop_event *timer;
	void (*changed)(void *arg);
	void *arg;
	uint32_t keep_s;
};

static void
on_step(void *arg)
{
	struct history *h = arg;
	bool more = store_prune(h->store, clock_wall() - h->keep_s);

	loop_timer_set(h->timer, more ? STEP_MS : PASS_MS);
	h->changed(h->arg);
}

struct history *
history_new(struct loop *loop, struct store *store, void (*changed)(void *arg), void *arg)
{
	struct history *h = mem_zero(1, sizeof(*h));

	h->store = store;
	h->changed = changed;
	h->arg = arg;
	h->timer = loop_timer(loop, on_step, h);
	return h;
}

void
history_free(struct history *h)
{
	if (h == NULL)
		return;
	loop_event_free(h->timer);
	free(h);
}

void
history_keep(struct history *h, uint32_t keep_s)
{
	h->keep_s = keep_s;
	if (keep_s == 0)
		loop_timer_cancel(h->timer);
	else
		loop_timer_set(h->timer, STEP_MS);
}
