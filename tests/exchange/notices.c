#include "notices.h"

static notices_send *give;

static void
on_binding_ended(void *arg, const struct session *s, const struct binding *b)
{
	uint8_t bytes[NOTICE_MAX];

	(void)arg;
	give(s, bytes, notice_binding_ended(s, b->bind_id, bytes));
}

static void
on_session_ended(void *arg, const struct session *s)
{
	uint8_t bytes[NOTICE_MAX];

	(void)arg;
	give(s, bytes, notice_session_ended(s, bytes));
}

void
notices_begin(struct ledger *l, notices_send *send)
{
	give = send;
	l->events = (struct ledger_events){ on_binding_ended, on_session_ended, NULL };
}
