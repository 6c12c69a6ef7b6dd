/* What is written; store_read.c reads it. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "names.h"
#include "schema.h"
#include "store_state.h"

#define APPLICATION_ID 0x52534950 /* "RSIP" */
#define SCHEMA_VERSION 5

/* What is added to version 3: identities and moves. To version 4: the clocks. */
static const char *const upgrades[SCHEMA_VERSION] = {
	[3] = "ALTER TABLE registration ADD COLUMN identity TEXT;"
	      "ALTER TABLE registration ADD COLUMN moved INTEGER;"
	      "ALTER TABLE registration ADD COLUMN moved_from TEXT;"
	      "CREATE TABLE identity (name TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;"
	      "CREATE TABLE move (client_id INTEGER NOT NULL, host TEXT NOT NULL, came_from TEXT NOT NULL, "
	      "identity TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER);"
	      "CREATE INDEX move_of_client ON move (client_id, since)",
	[4] = "CREATE TABLE run (boot TEXT NOT NULL, zero_ms INTEGER NOT NULL, seen INTEGER NOT NULL)",
};

struct store *
store_open(const char *path, char *why, size_t why_size)
{
	static const struct sql_schema schema = { schema_sql, APPLICATION_ID, SCHEMA_VERSION, upgrades, "rsipd" };
	struct store *st = mem_zero(1, sizeof(*st));

	st->sql = sql_open(path, &schema, why, why_size);
	if (st->sql != NULL && store_clock_begin(st))
		return st;
	if (st->sql != NULL)
		snprintf(why, why_size, "cannot use the lease database %s: %s", path, sql_error(st->sql));
	store_close(st);
	return NULL;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	free(st->unwritten);
	sql_close(st->sql);
	free(st);
}

bool
store_failed(const struct store *st)
{
	return sql_failed(st->sql);
}

static void
forget_unwritten(struct store *st, struct session *s)
{
	struct session *last;

	if (s->unwritten == 0)
		return;
	last = st->unwritten[--st->n_unwritten];
	st->unwritten[s->unwritten - 1] = last;
	last->unwritten = s->unwritten;
	s->unwritten = 0;
}

static void
write_session(struct store *st, const struct session *s)
{
	const struct replay_seq *last = &s->replay.seen[0];
	char host[IP4_STRLEN], gateway[IP4_STRLEN], moved_from[IP4_STRLEN];

	sql_run(st->sql,
	        "INSERT INTO registration (client_id, host, name, transport, expires, last_port, last_counter, "
	        "last_response, gateway, identity, moved, moved_from) VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0), ?7, ?8, ?9, "
	        "?10, nullif(?11, 0), ?12) "
	        "ON CONFLICT (client_id) DO UPDATE SET expires = ?5, last_port = nullif(?6, 0), last_counter = ?7, "
	        "last_response = ?8, host = ?2, gateway = ?9, identity = ?10, moved = nullif(?11, 0), moved_from = ?12",
	        "itttiiibttit", (int64_t)s->client_id, ip4_str(s->host_addr, host), s->name,
	        rsip_transport_name(s->transport), store_time_of(st, s->expires), (int64_t)last->port, (int64_t)last->counter,
	        (const void *)s->replay.response, s->replay.response_len, ip4_str(s->gateway_addr, gateway),
	        s->identity != NULL ? s->identity->name : NULL, s->moved,
	        s->moved != 0 ? ip4_str(s->moved_from, moved_from) : NULL);
}

void
store_put_identity(struct store *st, const struct identity *id)
{
	sql_run(st->sql, "INSERT OR REPLACE INTO identity (name, counter) VALUES (?, ?)", "ti", id->name,
	        (int64_t)id->counter);
}

static void
end_stay(struct store *st, const struct session *s)
{
	sql_run(st->sql, "UPDATE move SET until = ? WHERE client_id = ? AND until IS NULL", "ii", clock_wall(),
	        (int64_t)s->client_id);
}

/* host is unique: the row of this registration goes where no other is, so it is written now and not at the commit, by
 * when another host may have registered from the address that this one left. */
void
store_move_session(struct store *st, struct session *s)
{
	char host[IP4_STRLEN], from[IP4_STRLEN];

	end_stay(st, s);
	sql_run(st->sql, "INSERT INTO move (client_id, host, came_from, identity, since) VALUES (?, ?, ?, ?, ?)", "ittti",
	        (int64_t)s->client_id, ip4_str(s->host_addr, host), ip4_str(s->moved_from, from), s->identity->name, s->moved);
	forget_unwritten(st, s);
	write_session(st, s);
}

/* A request of a host changes its registration more than once, and hosts that talk a lot are written once a commit. */
void
store_put_session(struct store *st, struct session *s)
{
	if (s->unwritten != 0)
		return;
	if (st->n_unwritten == st->max_unwritten) {
		st->max_unwritten = st->max_unwritten > 0 ? 2 * st->max_unwritten : 64;
		st->unwritten = mem_grow(st->unwritten, st->max_unwritten, sizeof(*st->unwritten));
	}
	st->unwritten[st->n_unwritten++] = s;
	s->unwritten = (uint32_t)st->n_unwritten;
}

void
store_remove_session(struct store *st, struct session *s)
{
	forget_unwritten(st, s);
	if (s->moved != 0)
		end_stay(st, s);
	sql_run(st->sql, "DELETE FROM registration WHERE client_id = ?", "i", (int64_t)s->client_id);
}

bool
store_commit(struct store *st)
{
	while (st->n_unwritten > 0) {
		struct session *s = st->unwritten[--st->n_unwritten];
		s->unwritten = 0;
		write_session(st, s);
	}
	if (sql_changing(st->sql))
		store_clock_tick(st);
	return sql_commit(st->sql);
}

static void
add_tuple(struct store *st, const struct binding *b, struct tuple tuple)
{
	const struct session *s = b->session;
	const char *kind = tuple_kind_name(tuple.kind);
	char host[IP4_STRLEN], local[IP4_STRLEN];

	sql_run(st->sql, "INSERT INTO binding_tuple (bind_id, kind, first, last) VALUES (?, ?, ?, ?)", "itii",
	        (int64_t)b->bind_id, kind, (int64_t)tuple.first, (int64_t)tuple.last);
	sql_run(st->sql,
	        "INSERT INTO history (bind_id, client_id, host, name, method, local, kind, first, last, granted) "
	        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	        "iitttttiii", (int64_t)b->bind_id, (int64_t)s->client_id, ip4_str(s->host_addr, host), s->name,
	        rsip_method_name(b->method), ip4_str(b->local_addr, local), kind, (int64_t)tuple.first,
	        (int64_t)tuple.last, clock_wall());
}

void
store_add_binding(struct store *st, const struct binding *b)
{
	char local[IP4_STRLEN], remote[IP4_STRLEN], endpoint[IP4_STRLEN];

	sql_run(st->sql,
	        "INSERT INTO binding (bind_id, client_id, method, tunnel, listen, local, remote, remote_port, expires, "
	        "endpoint, gre_key) VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, nullif(?, 0))",
	        "iittittiiti", (int64_t)b->bind_id, (int64_t)b->session->client_id, rsip_method_name(b->method),
	        rsip_tunnel_name(b->tunnel), (int64_t)b->listen, ip4_str(b->local_addr, local),
	        b->remote_name != NULL ? b->remote_name : b->remote_addr != 0 ? ip4_str(b->remote_addr, remote) : NULL,
	        (int64_t)(b->n_remote_ports > 0 ? b->remote_ports[0].first : 0), store_time_of(st, b->expires),
	        ip4_str(b->endpoint, endpoint), (int64_t)b->gre_key);
	for (size_t i = 0; i < binding_n_tuples(b); i++)
		add_tuple(st, b, binding_tuple(b, i));
}

void
store_extend_binding(struct store *st, const struct binding *b)
{
	sql_run(st->sql, "UPDATE binding SET expires = ? WHERE bind_id = ?", "ii", store_time_of(st, b->expires),
	        (int64_t)b->bind_id);
}

void
store_put_name(struct store *st, const struct remote_name *name)
{
	char text[DP_REMOTE_ADDRS_MAX * IP4_STRLEN + 1] = "", addr[IP4_STRLEN];
	size_t len = 0;

	for (size_t i = 0; i < name->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, i > 0 ? " %s" : "%s", ip4_str(name->addrs[i], addr));
	sql_run(st->sql, "INSERT OR REPLACE INTO remote_name (name, addresses) VALUES (?, ?)", "tt", name->name, text);
}

void
store_remove_name(struct store *st, const char *name)
{
	sql_run(st->sql, "DELETE FROM remote_name WHERE name = ?", "t", name);
}

/* One that expired while the gateway was down ended then, not now. */
void
store_end_binding(struct store *st, const struct binding *b, const char *how)
{
	int64_t now = clock_now(), ended = clock_wall() - (b->expires < now ? (now - b->expires) / 1000 : 0);

	sql_run(st->sql, "UPDATE history SET ended = ?, how = ? WHERE bind_id = ? AND ended IS NULL", "iti", ended, how,
	        (int64_t)b->bind_id);
	sql_run(st->sql, "DELETE FROM binding_tuple WHERE bind_id = ?", "i", (int64_t)b->bind_id);
	sql_run(st->sql, "DELETE FROM binding WHERE bind_id = ?", "i", (int64_t)b->bind_id);
}

void
store_add_hold(struct store *st, const struct hold *hold)
{
	char local[IP4_STRLEN], host[IP4_STRLEN];

	sql_run(st->sql, "INSERT INTO quarantine (local, kind, first, last, host, until) VALUES (?, ?, ?, ?, ?, ?)",
	        "ttiiti", ip4_str(hold->addr, local), tuple_kind_name(hold->kind), (int64_t)hold->node.first,
	        (int64_t)hold->node.last, ip4_str(hold->host, host), store_time_of(st, hold->until));
}

void
store_remove_hold(struct store *st, const struct hold *hold)
{
	char local[IP4_STRLEN];

	sql_run(st->sql, "DELETE FROM quarantine WHERE local = ? AND kind = ? AND first = ?", "tti",
	        ip4_str(hold->addr, local), tuple_kind_name(hold->kind), (int64_t)hold->node.first);
}

#define PRUNED_AT_ONCE 500 /* rows looked at: a few milliseconds */

/* Rows stand in the order of the grants, so behind the first that was granted in the time to be kept none is too old. The
 * latest row stays: it tells the last bind ID. */
bool
store_prune(struct store *st, int64_t before, int64_t *after)
{
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT rowid, granted FROM (SELECT rowid, granted FROM history WHERE rowid > ? "
	                                  "ORDER BY rowid LIMIT ?) ORDER BY rowid DESC LIMIT 1",
	                                  "ii", *after, (int64_t)PRUNED_AT_ONCE);
	bool any = sql_next(rows);
	int64_t last = any ? sql_int(rows, 0) : 0, granted = any ? sql_int(rows, 1) : 0;

	sql_end(rows);
	if (any)
		sql_run(st->sql,
		        "DELETE FROM history WHERE rowid > ? AND rowid <= ? AND ended < ? "
		        "AND rowid < (SELECT max(rowid) FROM history)", "iii", *after, last, before);
	if (!any || granted >= before) /* the round is over */
		sql_run(st->sql, "DELETE FROM move WHERE until < ?", "i", before);
	*after = last;
	return any && granted < before;
}
