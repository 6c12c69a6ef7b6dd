/* The latest answer of each UDP host, kept as a log. A row for each host that is written over would be a page for each
 * host in every commit; rows at the end of a table share their pages. What is left behind is removed from the front. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "session.h"
#include "store_state.h"

#define SPARE 1024      /* rows that may be left behind, beyond as many as count */
#define MOVED_FOR_ONE 4 /* rows at the front that are looked at for each new one */
#define SPAN_MAX (UINT64_C(1) << 25)

static struct session **
owner(const struct answers *a, uint64_t seq)
{
	return &a->of[seq & (a->room - 1)];
}

/* Makes room for rows first to next. */
static void
grow(struct answers *a, uint64_t first, uint64_t next)
{
	struct answers wider = { .room = a->room != 0 ? a->room : SPARE };

	while (wider.room < next - first)
		wider.room *= 2;
	if (wider.room == a->room)
		return;
	wider.of = mem_zero(wider.room, sizeof(struct session *));
	for (uint64_t seq = a->first; seq < a->next; seq++)
		*owner(&wider, seq) = *owner(a, seq);
	free(a->of);
	a->of = wider.of;
	a->room = wider.room;
}

void
answers_forget(struct answers *a, struct session *s)
{
	if (s->answer_seq == 0)
		return;
	*owner(a, s->answer_seq) = NULL;
	s->answer_seq = 0;
	a->live--;
}

static void
append(struct store *st, struct session *s)
{
	struct answers *a = &st->answers;
	const struct replay_seq *last = &s->replay.seen[0];

	answers_forget(a, s);
	if (a->next == 0)
		a->first = a->next = 1;
	grow(a, a->first, a->next + 1);
	s->answer_seq = a->next++;
	*owner(a, s->answer_seq) = s;
	a->live++;
	sql_run(st->sql, "INSERT INTO answer (seq, client_id, port, counter, response) VALUES (?, ?, ?, ?, ?)", "iiiib",
	        (int64_t)s->answer_seq, (int64_t)s->client_id, (int64_t)last->port, (int64_t)last->counter,
	        (const void *)s->replay.response, s->replay.response_len);
}

/* One row at the front goes, if nobody's, or if there are too many left behind: then it is written again at the end. */
static bool
move_front(struct store *st)
{
	struct answers *a = &st->answers;
	struct session *s = *owner(a, a->first);

	if (s != NULL && a->next - a->first <= 2 * a->live + SPARE)
		return false;
	if (s != NULL)
		append(st, s);
	a->first++;
	return true;
}

void
answers_write(struct store *st, struct session *s)
{
	struct answers *a = &st->answers;
	uint64_t first;

	append(st, s);
	first = a->first;
	for (int i = 0; i < MOVED_FOR_ONE && move_front(st); i++)
		;
	if (a->first / SPARE != first / SPARE) /* not for every row: many at once cost little more than one */
		sql_run(st->sql, "DELETE FROM answer WHERE seq < ?", "i", (int64_t)a->first);
}

bool
answers_restore(struct answers *a, struct session *s, int64_t seq)
{
	if (seq <= 0 || (a->next != 0 && ((uint64_t)seq < a->next || (uint64_t)seq - a->first >= SPAN_MAX)))
		return false;
	if (a->next == 0)
		a->first = (uint64_t)seq;
	grow(a, a->first, (uint64_t)seq + 1);
	for (; a->next != 0 && a->next < (uint64_t)seq; a->next++)
		*owner(a, a->next) = NULL;
	a->next = (uint64_t)seq + 1;
	*owner(a, (uint64_t)seq) = NULL;
	if (s == NULL)
		return true;
	answers_forget(a, s);
	*owner(a, (uint64_t)seq) = s;
	s->answer_seq = (uint64_t)seq;
	a->live++;
	return true;
}

void
answers_clear(struct answers *a)
{
	free(a->of);
	memset(a, 0, sizeof(*a));
}
