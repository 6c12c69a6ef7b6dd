#include "config.h"

#include "audit_plane.h"

#include "audit_report.h"
#include "clock.h"
#include "dp_bind.h"
#include "dp_client.h"
#include "gateway.h"
#include "ledger.h"
#include "xdp_slots.h"

#define ANSWER_MS 1000    /* a question or its answer was lost when nothing comes for so long: it is asked again */
#define PATIENCE_MS 10000 /* and after so long there is nobody to answer */
#define SLOTS_AT_ONCE 2000

void
audit_plane_begin(struct audit_plane *c, const struct gateway *gw, struct audit_report *report)
{
	*c = (struct audit_plane){ .gw = gw, .report = report };
}

void
audit_plane_end(struct audit_plane *c)
{
	if (c->gw->dp != NULL)
		dp_client_check_end(c->gw->dp, c);
}

/* --- questions and answers --- */

static void
on_answer(void *arg, const struct dp_checked *answer, const struct dp_fault_entry *faults)
{
	struct audit_plane *c = arg;

	if (!c->asked || answer->number != c->number)
		return;
	for (uint32_t i = 0; i < answer->n; i++)
		audit_report_add(c->report, AUDIT_PLANE, 5, "binding %u is not forwarded as it is leased: %s", faults[i].bind_id,
		                 dp_fault_text((enum dp_fault)faults[i].fault));
	if (c->n == 0 && answer->n_bindings != c->n_bindings)
		audit_report_add(c->report, AUDIT_PLANE, 5, "the relay has %u bindings in its tables, and %u are leased",
		                 answer->n_bindings, c->n_bindings);
	c->report->plane_bindings += c->n;
	c->counted = c->n == 0;
	c->n = 0;
	c->full = c->asked = false;
	c->since = clock_now();
}

/* What is asked is what memory says now, also when it is asked again: bindings that have ended drop out. */
static void
renew(struct audit_plane *c)
{
	const struct binding *b;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		if ((b = binding_find(&c->gw->ledger->bindings, c->entries[i].bind_id)) != NULL)
			c->entries[n++] = dp_bind_check_entry(b);
	}
	c->n = n;
	c->n_bindings = (uint32_t)binding_count(&c->gw->ledger->bindings);
}

/* Another check that asks at the same time has its answers first, or gives up. */
static unsigned
ask(struct audit_plane *c)
{
	enum dp_asked asked;

	renew(c);
	c->number++;
	c->asked_at = clock_now();
	asked = dp_client_check(c->gw->dp, c->entries, c->n, c->number, on_answer, c);
	c->asked = asked == DP_ASKED;
	if (asked == DP_BUSY)
		c->since = c->asked_at;
	if (asked == DP_AWAY && c->asked_at - c->since > PATIENCE_MS) {
		audit_report_add(c->report, AUDIT_PLANE_AWAY, 5, "the relay is away, or is still being told what is leased");
		c->done = true;
		return 0;
	}
	return AUDIT_PLANE_WAITS;
}

static unsigned
await(struct audit_plane *c)
{
	int64_t now = clock_now(), waited = now - c->since;

	if (waited > PATIENCE_MS) {
		audit_report_add(c->report, AUDIT_PLANE_AWAY, 5, "the relay has not answered for %lld seconds",
		                 (long long)waited / 1000);
		c->done = true;
		return 0;
	}
	if (now - c->asked_at > ANSWER_MS)
		c->asked = false;
	return AUDIT_PLANE_WAITS;
}

/* --- bindings --- */

/* Takes the next bindings. False when there are none. */
static bool
take(struct audit_plane *c)
{
	const struct binding *b;

	while (c->n < DP_CHECK_MAX && (b = binding_cursor_next(&c->cursor)) != NULL)
		c->entries[c->n++].bind_id = b->bind_id;
	c->full = c->n > 0;
	return c->full;
}

/* --- the XDP programs' table of bindings --- */

static bool
is_stray(const struct audit_plane *c, uint32_t slot, uint32_t bind_id)
{
	return xdp_slots_live(c->gw->xdp, slot) && c->gw->xdp->terms[slot].bind_id == bind_id &&
	       binding_find(&c->gw->ledger->bindings, bind_id) == NULL;
}

/* One that has just ended may still be there: it is looked at again when the relay has heard of all. */
static void
find_strays(struct audit_plane *c)
{
	uint32_t end = c->gw->xdp->sizes.bindings;

	for (unsigned i = 0; i < SLOTS_AT_ONCE && c->slot < end; i++, c->slot++) {
		uint32_t bind_id = c->gw->xdp->terms[c->slot].bind_id;
		if (c->n_strays < AUDIT_STRAYS_MAX && is_stray(c, c->slot, bind_id))
			c->strays[c->n_strays++] = (struct audit_stray){ c->slot, bind_id };
	}
}

static void
report_strays(struct audit_plane *c)
{
	for (uint32_t i = 0; i < c->n_strays; i++) {
		if (is_stray(c, c->strays[i].slot, c->strays[i].bind_id))
			audit_report_add(c->report, AUDIT_PLANE, 5, "the XDP programs forward for binding %u, which is not leased",
			                 c->strays[i].bind_id);
	}
}

unsigned
audit_plane_step(struct audit_plane *c)
{
	if (c->gw->dp == NULL || c->done)
		return 0;
	if (!c->begun) {
		binding_cursor_start(&c->cursor, &c->gw->ledger->bindings);
		c->begun = true;
		c->since = clock_now();
	}
	if (c->asked)
		return await(c);
	if (c->full || take(c))
		return ask(c);
	if (c->gw->xdp != NULL && c->slot < c->gw->xdp->sizes.bindings) {
		find_strays(c);
		return SLOTS_AT_ONCE / 100;
	}
	if (!c->counted) /* an empty question: how many there are, and that all changes have arrived */
		return ask(c);
	report_strays(c);
	c->done = true;
	return 0;
}
