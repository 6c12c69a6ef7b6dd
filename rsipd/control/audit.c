#include "config.h"

#include "audit.h"

#include <stdlib.h>

#include "audit_books.h"
#include "audit_plane.h"
#include "audit_report.h"
#include "audit_rows.h"
#include "clock.h"
#include "gateway.h"
#include "ledger.h"
#include "loop.h"
#include "mem.h"

/* Of one turn of the loop: some milliseconds, so that requests do not wait. */
#define SLICE_COST 400
#define PAUSE_MS 1
#define WORKING_MS 1000

enum phase { PHASE_HOSTS, PHASE_BINDINGS, PHASE_ADDRESSES, PHASE_ROWS, PHASE_PLANE, PHASE_DONE };

struct audit {
	const struct gateway *gw;
	struct audit_events events;
	int64_t told; /* clock_now() of the latest sign of life */
	uint64_t generation; /* of the ledger that is being checked */
	struct loop_event *timer;
	enum phase phase;
	struct audit_report report;
	struct audit_books books;
	struct audit_rows rows;
	struct audit_plane plane;
};

/* One step: what it has cost, in about ten microseconds each; 0 at the end of the phase. */
static unsigned
step(struct audit *c)
{
	switch (c->phase) {
	case PHASE_HOSTS: return audit_books_host(&c->books);
	case PHASE_BINDINGS: return audit_books_binding(&c->books);
	case PHASE_ADDRESSES: return audit_books_address(&c->books);
	case PHASE_ROWS: return audit_rows_step(&c->rows);
	case PHASE_PLANE: return audit_plane_step(&c->plane);
	default: return 0;
	}
}

static void
end(struct audit *c)
{
	loop_event_free(c->timer);
	audit_books_end(&c->books);
	audit_plane_end(&c->plane);
	audit_report_done(&c->report);
	free(c);
}

static void
finish(struct audit *c, json_t *report)
{
	struct audit_events events = c->events;

	end(c);
	events.done(report, events.arg);
}

static void
show_life(struct audit *c)
{
	if (clock_now() - c->told < WORKING_MS)
		return;
	c->told = clock_now();
	c->events.working(c->events.arg);
}

static void
on_turn(void *arg)
{
	struct audit *c = arg;

	if (c->generation != c->gw->ledger->generation) {
		finish(c, NULL);
		return;
	}
	for (unsigned cost = 0, n; c->phase < PHASE_DONE && cost < SLICE_COST; cost += n) {
		n = step(c);
		if (n == 0)
			c->phase++;
		if (n == AUDIT_PLANE_WAITS)
			break;
	}
	if (c->phase == PHASE_DONE) {
		finish(c, audit_report_document(&c->report));
		return;
	}
	show_life(c);
	loop_timer_set(c->timer, PAUSE_MS);
}

struct audit *
audit_start(const struct gateway *gw, const struct audit_events *events)
{
	struct audit *c = mem_zero(1, sizeof(*c));

	c->gw = gw;
	c->events = *events;
	c->told = clock_now();
	c->generation = gw->ledger->generation;
	audit_report_init(&c->report);
	audit_books_begin(&c->books, gw->ledger, &c->report);
	c->rows = (struct audit_rows){ .ledger = gw->ledger, .report = &c->report };
	audit_plane_begin(&c->plane, gw, &c->report);
	c->timer = loop_timer(gw->loop, on_turn, c);
	loop_timer_set(c->timer, 0);
	return c;
}

void
audit_cancel(struct audit *c)
{
	end(c);
}
