/* What is written; store_read.c reads it back, and store_who.c the history. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "names.h"
#include "schema.h"
#include "store_state.h"

#define APPLICATION_ID 0x52534950 /* "RSIP" */
#define SCHEMA_VERSION 7

#define WHO_HAD \
	"CREATE VIEW who_had AS " \
	"SELECT local, kind, " \
	"CASE kind WHEN 'spi' THEN printf('0x%08x', first) WHEN 'cookie' THEN printf('0x%016x', first) " \
	"ELSE first END AS first, " \
	"CASE kind WHEN 'spi' THEN printf('0x%08x', last) WHEN 'cookie' THEN printf('0x%016x', last) " \
	"ELSE last END AS last, " \
	"host, name, bind_id, datetime(granted, 'unixepoch') AS granted_utc, extensions, " \
	"datetime(ended, 'unixepoch') AS ended_utc, how " \
	"FROM (SELECT local, kind, first, last, host, name, bind_id, granted, extensions, ended, how FROM history UNION ALL " \
	"SELECT local, kind, first, last, host, name, bind_id, granted, extensions, NULL, NULL " \
	"FROM binding JOIN binding_tuple USING (bind_id) JOIN registration USING (client_id)) "

/* What is added to version 3: identities and moves. To version 4: the clocks. From version 5 on answers are a table, and
 * the history is of what has ended. */
static const char *const upgrades[SCHEMA_VERSION] = {
	[3] = "ALTER TABLE registration ADD COLUMN identity TEXT;"
	      "ALTER TABLE registration ADD COLUMN moved INTEGER;"
	      "ALTER TABLE registration ADD COLUMN moved_from TEXT;"
	      "CREATE TABLE identity (name TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;"
	      "CREATE TABLE move (client_id INTEGER NOT NULL, host TEXT NOT NULL, came_from TEXT NOT NULL, "
	      "identity TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER);"
	      "CREATE INDEX move_of_client ON move (client_id, since)",
	[4] = "CREATE TABLE run (boot TEXT NOT NULL, zero_ms INTEGER NOT NULL, seen INTEGER NOT NULL)",
	[5] = "CREATE TABLE answer (seq INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, port INTEGER NOT NULL, "
	      "counter INTEGER NOT NULL, response BLOB NOT NULL);"
	      "INSERT INTO answer (client_id, port, counter, response) SELECT client_id, last_port, last_counter, last_response "
	      "FROM registration WHERE last_port IS NOT NULL AND last_response IS NOT NULL;"
	      "DROP VIEW who_had;"
	      "ALTER TABLE registration DROP COLUMN last_port; ALTER TABLE registration DROP COLUMN last_counter;"
	      "ALTER TABLE registration DROP COLUMN last_response;"
	      "CREATE TABLE latest (bind_id INTEGER NOT NULL);"
	      "INSERT INTO latest SELECT ifnull((SELECT bind_id FROM history ORDER BY rowid DESC LIMIT 1), 0);"
	      "ALTER TABLE binding ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;"
	      "ALTER TABLE binding ADD COLUMN extensions INTEGER NOT NULL DEFAULT 0;"
	      "UPDATE binding SET granted = ifnull((SELECT min(granted) FROM history WHERE history.bind_id = binding.bind_id "
	      "AND ended IS NULL), 0);"
	      "DELETE FROM history WHERE ended IS NULL; DROP INDEX history_open;"
	      "ALTER TABLE history ADD COLUMN extensions INTEGER NOT NULL DEFAULT 0;"
	      WHO_HAD,
	[6] = "DROP INDEX history_of_tuple; CREATE INDEX history_of_tuple ON history (local, kind, first, granted)",
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
	answers_clear(&st->answers);
	sql_close(st->sql);
	free(st);
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
write_session(struct store *st, struct session *s)
{
	char host[IP4_STRLEN], gateway[IP4_STRLEN], moved_from[IP4_STRLEN];

	sql_run(st->sql,
	        "INSERT INTO registration (client_id, host, name, transport, expires, gateway, identity, moved, moved_from) "
	        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9) "
	        "ON CONFLICT (client_id) DO UPDATE SET expires = ?5, host = ?2, gateway = ?6, identity = ?7, "
	        "moved = nullif(?8, 0), moved_from = ?9",
	        "itttittit", (int64_t)s->client_id, ip4_str(s->host_addr, host), s->name, rsip_transport_name(s->transport),
	        store_time_of(st, s->expires), ip4_str(s->gateway_addr, gateway),
	        s->identity != NULL ? s->identity->name : NULL, s->moved,
	        s->moved != 0 ? ip4_str(s->moved_from, moved_from) : NULL);
	s->row_changed = s->expires_later = false;
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

	ip4_str(s->host_addr, host);
	ip4_str(s->moved_from, from);
	end_stay(st, s);
	sql_run(st->sql, "UPDATE quarantine SET host = ? WHERE host = ?", "tt", host, from);
	sql_run(st->sql, "INSERT INTO move (client_id, host, came_from, identity, since) VALUES (?, ?, ?, ?, ?)", "ittti",
	        (int64_t)s->client_id, host, from, s->identity->name, s->moved);
	write_session(st, s);
}

/* A request of a host changes its registration more than once, and hosts that talk a lot are written once a commit. */
static void
will_write(struct store *st, struct session *s)
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
store_put_session(struct store *st, struct session *s)
{
	s->row_changed = true;
	will_write(st, s);
}

void
store_put_answer(struct store *st, struct session *s)
{
	s->answer_changed = true;
	will_write(st, s);
}

void
store_remove_session(struct store *st, struct session *s)
{
	forget_unwritten(st, s);
	answers_forget(&st->answers, s);
	if (s->moved != 0)
		end_stay(st, s);
	sql_run(st->sql, "DELETE FROM registration WHERE client_id = ?", "i", (int64_t)s->client_id);
}

static void
write_changes(struct store *st, struct session *s)
{
	if (s->row_changed)
		write_session(st, s);
	if (s->answer_changed && s->replay.response != NULL) /* none any more: it has moved since */
		answers_write(st, s);
	s->answer_changed = false;
	s->unwritten = 0;
}

/* What is written once a commit, however often it changed. */
static void
complete(struct store *st)
{
	while (st->n_unwritten > 0)
		write_changes(st, st->unwritten[--st->n_unwritten]);
	if (st->last_bind_id != st->stored_bind_id)
		sql_run(st->sql, "UPDATE latest SET bind_id = ?", "i", (int64_t)st->last_bind_id);
	st->stored_bind_id = st->last_bind_id;
	if (sql_changing(st->sql))
		store_clock_tick(st);
}

bool
store_commit(struct store *st)
{
	complete(st);
	return sql_commit(st->sql);
}

int
store_start(struct store *st)
{
	return sql_start(st->sql);
}

bool
store_commit_begin(struct store *st)
{
	complete(st);
	if (!sql_changing(st->sql))
		return false;
	sql_commit_begin(st->sql);
	return true;
}

bool
store_commit_end(struct store *st)
{
	return sql_commit_end(st->sql);
}

static void
add_tuple(struct store *st, const struct binding *b, struct tuple tuple)
{
	sql_run(st->sql, "INSERT INTO binding_tuple (bind_id, kind, first, last) VALUES (?, ?, ?, ?)", "itii",
	        (int64_t)b->bind_id, tuple_kind_name(tuple.kind), (int64_t)tuple.first, (int64_t)tuple.last);
}

void
store_add_binding(struct store *st, const struct binding *b)
{
	char local[IP4_STRLEN], remote[IP4_STRLEN], endpoint[IP4_STRLEN];
	ip4_t peer = binding_terms(b)->remote_addr;

	sql_run(st->sql,
	        "INSERT INTO binding (bind_id, client_id, method, tunnel, listen, local, remote, remote_port, expires, "
	        "endpoint, gre_key, granted) VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, nullif(?, 0), ?)",
	        "iittittiitii", (int64_t)b->bind_id, (int64_t)b->session->client_id, rsip_method_name(b->method),
	        rsip_tunnel_name(b->tunnel), (int64_t)b->listen, ip4_str(b->local_addr, local),
	        binding_remote_name(b) != NULL ? binding_remote_name(b) : peer != 0 ? ip4_str(peer, remote) : NULL,
	        (int64_t)(b->n_remote_ports > 0 ? binding_remote_ports(b)[0].first : 0), store_time_of(st, b->expires),
	        ip4_str(b->endpoint, endpoint), (int64_t)binding_terms(b)->gre_key, clock_wall());
	st->last_bind_id = b->bind_id;
	for (size_t i = 0; i < binding_n_tuples(b); i++)
		add_tuple(st, b, binding_tuple(b, i));
}

void
store_extend_binding(struct store *st, const struct binding *b)
{
	sql_run(st->sql, "UPDATE binding SET expires = ?, extensions = extensions + 1 WHERE bind_id = ?", "ii",
	        store_time_of(st, b->expires), (int64_t)b->bind_id);
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

/* One that expired while the gateway was down ended then, not now. Who asks later knows whole seconds only: the last one
 * that has begun is the binding's own, as its first one is, so the time is rounded up. */
static int64_t
end_of(const struct binding *b)
{
	int64_t now = clock_now(), ended_ms = clock_wall_ms() - (b->expires < now ? now - b->expires : 0);

	return (ended_ms + 999) / 1000;
}

/* A host that has moved since the grant was where it came from first. */
void
store_end_binding(struct store *st, const struct binding *b, const char *how)
{
	char host[IP4_STRLEN];

	sql_run(st->sql,
	        "INSERT INTO history (bind_id, client_id, host, name, method, local, kind, first, last, granted, extensions, "
	        "ended, how) SELECT bind_id, client_id, coalesce((SELECT came_from FROM move WHERE move.client_id = "
	        "binding.client_id AND since >= granted ORDER BY since, move.rowid LIMIT 1), ?2), ?3, method, local, kind, first, "
	        "last, granted, extensions, ?4, ?5 FROM binding JOIN binding_tuple USING (bind_id) WHERE bind_id = ?1",
	        "ittit", (int64_t)b->bind_id, ip4_str(b->session->host_addr, host), b->session->name, end_of(b), how);
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

#define PRUNED_AT_ONCE 500 /* rows: a few milliseconds */

/* Rows stand in the order of the ends, but for what expired while the gateway was down. */
bool
store_prune(struct store *st, int64_t before)
{
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT rowid, ended FROM (SELECT rowid, ended FROM history ORDER BY rowid LIMIT ?) "
	                                  "ORDER BY rowid DESC LIMIT 1", "i", (int64_t)PRUNED_AT_ONCE);
	bool any = sql_next(rows), more;
	int64_t last = any ? sql_int(rows, 0) : 0;

	more = any && sql_int(rows, 1) < before;
	sql_end(rows);
	if (any)
		sql_run(st->sql, "DELETE FROM history WHERE rowid <= ? AND ended < ?", "ii", last, before);
	if (!more)
		sql_run(st->sql, "DELETE FROM move WHERE until < ?", "i", before);
	return more;
}
