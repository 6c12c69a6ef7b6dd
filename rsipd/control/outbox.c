#include "config.h"

#include "outbox.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "conns.h"
#include "loop.h"
#include "mem.h"
#include "message.h"
#include "transport.h"

#define WAITING_MAX 1024 /* letters */

struct letter {
	struct letter *prev, *next;
	struct destination to;
	bool answer; /* to a request; else a notice */
	bool stray;  /* its connection is gone */
	uint8_t request_mac[RSIP_MAC_LEN]; /* what an authenticated request ended with: its answer is bound to it */
	size_t len;
	uint8_t bytes[];
};

/* Where letters are on their way. */
enum stage {
	WAITING, /* for the next commit to begin */
	LEAVING, /* for the one under way to end */
	DURABLE, /* to be sent */
	STAGES
};

struct outbox {
	struct loop *loop;
	struct outbox_events events;
	struct loop_event *flush;
	struct letter *letters[STAGES];
	size_t n_waiting;
	bool committing, again; /* a commit is under way; there is more for the next */
};

/* --- in --- */

static struct letter *
post(struct outbox *o, const struct destination *to, const void *bytes, size_t len)
{
	struct letter *letter = mem_zero(1, sizeof(*letter) + len);

	letter->to = *to;
	letter->len = len;
	memcpy(letter->bytes, bytes, len);
	if (to->conn != NULL)
		to->conn->letters++;
	DL_APPEND(o->letters[WAITING], letter);
	o->n_waiting++;
	outbox_raise(o);
	return letter;
}

void
outbox_notify(struct outbox *o, const struct destination *to, const void *bytes, size_t len)
{
	post(o, to, bytes, len);
}

void
outbox_answer(struct outbox *o, const struct destination *to, const uint8_t *mac, const void *bytes, size_t len)
{
	struct letter *letter = post(o, to, bytes, len);

	letter->answer = true;
	if (mac != NULL)
		memcpy(letter->request_mac, mac, RSIP_MAC_LEN);
}

void
outbox_forget(struct outbox *o, const struct conn *conn)
{
	struct letter *letter;

	for (enum stage stage = 0; stage < STAGES; stage++) {
		DL_FOREACH(o->letters[stage], letter) {
			if (letter->to.conn == conn)
				letter->stray = true;
		}
	}
}

/* --- out --- */

static void
send_letter(struct letter *letter, const void *bytes, size_t len)
{
	if (letter->stray)
		return;
	if (letter->to.conn != NULL)
		stream_send(letter->to.conn->stream, bytes, len);
	else
		datagrams_queue(letter->to.datagrams, letter->to.host_addr, letter->to.port, bytes, len);
}

/* After a commit that failed nothing of what the letters say has happened. */
static void
send_regret(const struct outbox *o, struct letter *letter)
{
	static uint8_t bytes[RSIP_MESSAGE_MAX];

	if (!letter->answer)
		return;
	memcpy(bytes, letter->bytes, letter->len);
	send_letter(letter, bytes, o->events.regret(o->events.arg, &letter->to, letter->request_mac, bytes, letter->len,
	                                            sizeof(bytes)));
}

static void
release(struct outbox *o, struct letter *letter)
{
	struct conn *conn = letter->stray ? NULL : letter->to.conn;

	free(letter);
	if (conn != NULL && --conn->letters == 0)
		o->events.idle(o->events.arg, conn);
}

static void
deliver(struct outbox *o, bool done)
{
	struct letter *letter;

	while ((letter = o->letters[DURABLE]) != NULL) {
		DL_DELETE(o->letters[DURABLE], letter);
		if (done)
			send_letter(letter, letter->bytes, letter->len);
		else
			send_regret(o, letter);
		release(o, letter);
	}
	streams_flush(o->loop);
	o->events.sent(o->events.arg);
}

/* --- commits --- */

static void
advance(struct outbox *o, enum stage from, enum stage to)
{
	DL_CONCAT(o->letters[to], o->letters[from]);
	o->letters[from] = NULL;
	if (from == WAITING)
		o->n_waiting = 0;
}

/* Letters that say what is durable already, as the answer to a QUERY, need not wait. */
static void
begin(struct outbox *o)
{
	o->again = false;
	o->committing = o->events.begin(o->events.commit_arg);
	advance(o, WAITING, LEAVING);
	if (!o->committing)
		advance(o, LEAVING, DURABLE);
}

/* The next commit begins before the letters of this one are sent: the disk need not wait for that. What was done on top of
 * one that failed has been undone with it. */
static bool
end(struct outbox *o)
{
	bool done = o->events.end(o->events.commit_arg);

	o->committing = false;
	advance(o, LEAVING, DURABLE);
	if (!done)
		advance(o, WAITING, DURABLE);
	else if (o->again)
		begin(o);
	deliver(o, done);
	return done;
}

void
outbox_committed(struct outbox *o)
{
	if (o->committing)
		end(o);
}

bool
outbox_commit(struct outbox *o)
{
	if (o->committing && !end(o))
		return false;
	if (!o->committing) {
		begin(o);
		deliver(o, true);
	}
	return !o->committing || end(o);
}

/* What is done while one commit is under way shares the next. */
static void
on_flush(void *arg)
{
	struct outbox *o = arg;

	o->again = o->committing;
	if (o->committing)
		return;
	begin(o);
	deliver(o, true);
}

void
outbox_make_room(struct outbox *o)
{
	if (o->n_waiting < WAITING_MAX)
		return;
	if (o->committing) {
		o->again = true;
		end(o);
	} else {
		begin(o);
		deliver(o, true);
	}
}

void
outbox_raise(struct outbox *o)
{
	loop_deferred_raise(o->flush);
}

/* --- life --- */

struct outbox *
outbox_new(struct loop *loop, const struct outbox_events *events)
{
	struct outbox *o = mem_zero(1, sizeof(*o));

	o->loop = loop;
	o->events = *events;
	o->flush = loop_deferred(loop, on_flush, o);
	return o;
}

void
outbox_free(struct outbox *o)
{
	struct letter *letter, *next;

	for (enum stage stage = 0; stage < STAGES; stage++) {
		DL_FOREACH_SAFE(o->letters[stage], letter, next)
			free(letter);
	}
	loop_event_free(o->flush);
	free(o);
}
