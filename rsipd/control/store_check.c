#include "store_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "identities.h"
#include "names.h"
#include "store_state.h"

/* A time is written in whole seconds of one clock and counted in milliseconds of another. */
#define EXPIRES_TOLERANCE_S 2

struct explanation { char *text; size_t size; };

static bool __attribute__((format(printf, 2, 3)))
explain(const struct explanation *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, why->size, fmt, ap);
	va_end(ap);
	return false;
}

static bool
same_text(struct sql_rows *rows, int column, const char *expected)
{
	const char *text = sql_text(rows, column);

	return text == expected || (text != NULL && expected != NULL && strcmp(text, expected) == 0);
}

static bool
same_time(const struct store *st, const struct explanation *why, int64_t written, int64_t at)
{
	int64_t late = written - store_time_of(st, at);

	if (late >= -EXPIRES_TOLERANCE_S && late <= EXPIRES_TOLERANCE_S)
		return true;
	return explain(why, "ends %lld seconds %s by the database than by memory: a restart would %s it",
	               (long long)(late > 0 ? late : -late), late > 0 ? "later" : "earlier",
	               late > 0 ? "prolong" : "shorten");
}

static bool
end(struct sql_rows *rows, bool ok, struct store *st, const struct explanation *why)
{
	return sql_end(rows) ? ok : explain(why, "cannot be read from the database: %s", sql_error(st->sql));
}

/* --- registrations --- */

/* A registration lasts at least as long as its bindings, whatever its row says. */
static int64_t
after_restart(const struct store *st, const struct session *s, int64_t written)
{
	const struct binding *b;

	LL_FOREACH(s->bindings, b) {
		int64_t until = store_time_of(st, b->expires);
		written = until > written ? until : written;
	}
	return written;
}

static bool
session_row_is(const struct store *st, struct sql_rows *rows, const struct session *s, const struct explanation *why)
{
	char host[IP4_STRLEN], gateway[IP4_STRLEN];

	if (!sql_next(rows))
		return explain(why, "is not in the database: a restart would lose it");
	if (!same_text(rows, 0, ip4_str(s->host_addr, host)) || !same_text(rows, 1, ip4_str(s->gateway_addr, gateway)) ||
	    !same_text(rows, 2, rsip_transport_name(s->transport)))
		return explain(why, "is another one in the database: of a host, gateway address or transport that are not its own");
	if (!same_text(rows, 4, s->identity != NULL ? s->identity->name : NULL))
		return explain(why, "is of another identity in the database: a restart would give it to that one");
	if (!same_text(rows, 5, s->name) || sql_int(rows, 6) != s->moved)
		return explain(why, "has another name, or has moved at another time, in the database than in memory");
	return same_time(st, why, after_restart(st, s, sql_int(rows, 3)), s->expires);
}

/* Its counter may be behind: what changes nothing is answered, and not written. */
static bool
answer_row_is(struct sql_rows *rows, const struct session *s, const struct explanation *why)
{
	return (sql_next(rows) && sql_int(rows, 0) == s->client_id) ||
	       explain(why, "has lost its latest answer in the database: after a restart its duplicate would be carried out");
}

bool
store_check_session(struct store *st, const struct session *s, char *text, size_t size)
{
	const struct explanation why = { text, size };
	struct sql_rows *rows;

	if (s->unwritten != 0)
		return true;
	rows = sql_query(st->sql,
	                 "SELECT host, gateway, transport, expires, identity, name, moved FROM registration WHERE client_id = ?",
	                 "i", (int64_t)s->client_id);
	if (!end(rows, session_row_is(st, rows, s, &why), st, &why))
		return false;
	if (s->answer_seq == 0)
		return true;
	rows = sql_query(st->sql, "SELECT client_id FROM answer WHERE seq = ?", "i", (int64_t)s->answer_seq);
	return end(rows, answer_row_is(rows, s, &why), st, &why);
}

/* --- rows that there is one of --- */

static bool
run_row_is(const struct store *st, struct sql_rows *rows, const struct explanation *why)
{
	char boot[CLOCK_BOOT_LEN];

	clock_boot(boot);
	return (sql_next(rows) && same_text(rows, 0, boot) && sql_int(rows, 1) == st->zero_ms && !sql_next(rows)) ||
	       explain(why, "run is not the one row boot='%s', zero_ms=%lld: a restart would shorten or prolong all leases", boot,
	               (long long)st->zero_ms);
}

static bool
latest_row_is(const struct store *st, struct sql_rows *rows, const struct explanation *why)
{
	return (sql_next(rows) && sql_int(rows, 0) == st->stored_bind_id && !sql_next(rows)) ||
	       explain(why, "latest is not the one row %u: a restart would give out bind IDs again", st->stored_bind_id);
}

bool
store_check_single(struct store *st, char *text, size_t size)
{
	const struct explanation why = { text, size };
	struct sql_rows *rows = sql_query(st->sql, "SELECT boot, zero_ms FROM run", "");

	if (!end(rows, run_row_is(st, rows, &why), st, &why))
		return false;
	rows = sql_query(st->sql, "SELECT bind_id FROM latest ORDER BY bind_id", "");
	return end(rows, latest_row_is(st, rows, &why), st, &why);
}

/* --- bindings --- */

static bool
binding_row_is(const struct store *st, struct sql_rows *rows, const struct binding *b, const struct explanation *why)
{
	char local[IP4_STRLEN], remote[IP4_STRLEN], endpoint[IP4_STRLEN];
	const char *peer = binding_remote_name(b) != NULL ? binding_remote_name(b) :
	                   binding_terms(b)->remote_addr != 0 ? ip4_str(binding_terms(b)->remote_addr, remote) : NULL;

	if (!sql_next(rows))
		return explain(why, "is not in the database: a restart would lose it");
	if (sql_int(rows, 0) != b->session->client_id)
		return explain(why, "is of client ID %lld in the database, and of %u in memory", (long long)sql_int(rows, 0),
		               b->session->client_id);
	if (!same_text(rows, 1, rsip_method_name(b->method)) || !same_text(rows, 2, rsip_tunnel_name(b->tunnel)) ||
	    sql_int(rows, 3) != b->listen || !same_text(rows, 4, ip4_str(b->local_addr, local)) ||
	    !same_text(rows, 5, peer) || sql_int(rows, 6) != (b->n_remote_ports > 0 ? binding_remote_ports(b)[0].first : 0) ||
	    !same_text(rows, 8, ip4_str(b->endpoint, endpoint)) || sql_int(rows, 9) != binding_terms(b)->gre_key)
		return explain(why, "has another address, method, tunnel or remote side in the database than in memory");
	return same_time(st, why, sql_int(rows, 7), b->expires);
}

static bool
is_leased(const struct binding *b, const char *kind, int64_t first, int64_t last)
{
	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);
		if (strcmp(tuple_kind_name(tuple.kind), kind) == 0 && (int64_t)tuple.first == first &&
		    (int64_t)tuple.last == last)
			return true;
	}
	return false;
}

/* Rows have distinct kinds and numbers, so that as many as there are tuples, each of them one of these, are all. */
static bool
tuples_are(struct sql_rows *rows, const struct binding *b, const char *where, const struct explanation *why)
{
	size_t n = 0, expected = binding_n_tuples(b);

	for (; sql_next(rows); n++) {
		const char *kind = sql_text(rows, 0);
		if (kind == NULL || !is_leased(b, kind, sql_int(rows, 1), sql_int(rows, 2)))
			return explain(why, "leases %s %lld to %lld by the %s, and not in memory", kind != NULL ? kind : "nothing",
			               (long long)sql_int(rows, 1), (long long)sql_int(rows, 2), where);
	}
	return n == expected || explain(why, "leases %zu tuples in memory, and %zu by the %s", expected, n, where);
}

bool
store_check_binding(struct store *st, const struct binding *b, char *text, size_t size)
{
	const struct explanation why = { text, size };
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT client_id, method, tunnel, listen, local, remote, remote_port, expires, "
	                                  "endpoint, gre_key FROM binding WHERE bind_id = ?", "i", (int64_t)b->bind_id);

	if (!end(rows, binding_row_is(st, rows, b, &why), st, &why))
		return false;
	rows = sql_query(st->sql, "SELECT kind, first, last FROM binding_tuple WHERE bind_id = ?", "i", (int64_t)b->bind_id);
	return end(rows, tuples_are(rows, b, "database", &why), st, &why);
}

/* The history is of leases that have ended. */
bool
store_check_history(struct store *st, const struct binding *b, char *text, size_t size)
{
	const struct explanation why = { text, size };
	struct tuple tuple = binding_tuple(b, 0);
	char local[IP4_STRLEN];
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT count(*) FROM history WHERE local = ? AND kind = ? AND first = ? AND bind_id = ?",
	                                  "ttii", ip4_str(b->local_addr, local), tuple_kind_name(tuple.kind),
	                                  (int64_t)tuple.first, (int64_t)b->bind_id);
	bool ended = sql_next(rows) && sql_int(rows, 0) != 0;

	return end(rows, !ended || explain(&why, "has ended by the history, and not in memory"), st, &why);
}

/* --- quarantine --- */

bool
store_check_hold(struct store *st, const struct hold *hold, char *text, size_t size)
{
	const struct explanation why = { text, size };
	char local[IP4_STRLEN], host[IP4_STRLEN];
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT last, host, until FROM quarantine WHERE local = ? AND kind = ? AND first = ?",
	                                  "tti", ip4_str(hold->addr, local), tuple_kind_name(hold->kind),
	                                  (int64_t)hold->node.first);
	bool ok;

	if (!sql_next(rows))
		ok = explain(&why, "is not in the database: a restart would lose it");
	else if (sql_int(rows, 0) != (int64_t)hold->node.last || !same_text(rows, 1, ip4_str(hold->host, host)))
		ok = explain(&why, "is another range's, or for another host, in the database");
	else
		ok = same_time(st, &why, sql_int(rows, 2), hold->until);
	return end(rows, ok, st, &why);
}

/* --- rows --- */

static struct sql_rows *
query_ids(struct store *st, enum store_table table, int64_t after, int64_t max)
{
	switch (table) {
	case STORE_REGISTRATIONS:
		return sql_query(st->sql, "SELECT client_id FROM registration WHERE client_id > ? ORDER BY client_id LIMIT ?",
		                 "ii", after, max);
	case STORE_BINDINGS:
		return sql_query(st->sql, "SELECT bind_id FROM binding WHERE bind_id > ? ORDER BY bind_id LIMIT ?", "ii",
		                 after, max);
	default:
		return sql_query(st->sql,
		                 "SELECT DISTINCT bind_id FROM binding_tuple WHERE bind_id > ? ORDER BY bind_id LIMIT ?", "ii",
		                 after, max);
	}
}

size_t
store_next_ids(struct store *st, enum store_table table, int64_t after, int64_t *ids, size_t max)
{
	struct sql_rows *rows = query_ids(st, table, after, (int64_t)max);
	size_t n = 0;

	while (n < max && sql_next(rows))
		ids[n++] = sql_int(rows, 0);
	sql_end(rows);
	return n;
}

static void
read_hold(struct sql_rows *rows, struct store_hold_row *row)
{
	const char *local = sql_text(rows, 0), *kind = sql_text(rows, 1);

	snprintf(row->local, sizeof(row->local), "%s", local != NULL ? local : "");
	snprintf(row->kind, sizeof(row->kind), "%s", kind != NULL ? kind : "");
	row->first = sql_int(rows, 2);
	row->tuple = (struct tuple){ .kind = TUPLE_KINDS, .first = (uint64_t)row->first, .last = (uint64_t)sql_int(rows, 3) };
	for (int k = 0; k < TUPLE_KINDS; k++) {
		if (strcmp(row->kind, tuple_kind_name((enum tuple_kind)k)) == 0)
			row->tuple.kind = (enum tuple_kind)k;
	}
	row->readable = row->tuple.kind != TUPLE_KINDS && ip4_parse(row->local, &row->tuple.addr);
}

size_t
store_next_holds(struct store *st, struct store_hold_row *at, size_t max, store_hold_row_cb *cb, void *arg)
{
	struct store_hold_row from = *at;
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT local, kind, first, last FROM quarantine "
	                                  "WHERE (local, kind, first) > (?, ?, ?) ORDER BY local, kind, first LIMIT ?",
	                                  "ttii", from.local, from.kind, from.first, (int64_t)max);
	size_t n = 0;

	for (; sql_next(rows); n++) {
		read_hold(rows, at);
		cb(at, arg);
	}
	sql_end(rows);
	return n;
}
