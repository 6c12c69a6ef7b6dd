#include "config.h"

#include "ctl.h"

#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "audit.h"
#include "conf.h"
#include "ctl_server.h"
#include "ctl_who.h"
#include "document.h"
#include "gateway.h"
#include "lease.h"
#include "ledger.h"
#include "left.h"
#include "log.h"
#include "mem.h"
#include "registration.h"
#include "session.h"
#include "value.h"

/* ---- lists: each has a cursor that copes with what comes and goes while the list is being read ---- */

/* {"match":"10.0.0.11"} or {"match":"4711"}: the entries of an address, or the one with that ID; all without it. */
struct match { bool all, is_addr; ip4_t addr; uint32_t id; };

static bool
match_parse(struct match *m, const json_t *request)
{
	const json_t *value = json_object_get(request, "match");
	const char *word = json_string_value(value);
	unsigned long long id;
	char *end;

	*m = (struct match){ .all = value == NULL };
	if (value == NULL)
		return true;
	if (word == NULL)
		return false;
	if (ip4_parse(word, &m->addr))
		return m->is_addr = true;
	id = strtoull(word, &end, 0);
	m->id = (uint32_t)id;
	return *word != '-' && *end == '\0' && id >= 1 && id <= UINT32_MAX;
}

static bool
match_host(const struct match *m, const struct session *s)
{
	return m->all || (m->is_addr ? s->host_addr == m->addr : s->client_id == m->id);
}

static bool
match_binding(const struct match *m, const struct binding *b)
{
	if (m->is_addr)
		return b->local_addr == m->addr || b->session->host_addr == m->addr;
	return m->all || b->bind_id == m->id;
}

static bool
parse_or_refuse(struct match *m, struct ctl_conn *conn, const json_t *request)
{
	if (match_parse(m, request))
		return true;
	ctl_refuse(conn, "what is looked for is neither an IPv4 address nor an ID");
	return false;
}

struct host_walk { const struct session_table *table; struct id_cursor cursor; struct match match; };

static json_t *
host_walk_next(void *arg)
{
	struct host_walk *walk = arg;
	const struct session *s = session_next(walk->table, &walk->cursor);

	if (s == NULL)
		return NULL;
	return match_host(&walk->match, s) ? document_host(s) : json_null();
}

static void
do_hosts(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;
	struct host_walk *walk;
	struct match match;

	if (!parse_or_refuse(&match, conn, request))
		return;
	walk = mem_zero(1, sizeof(*walk));
	*walk = (struct host_walk){ .table = &gw->ledger->sessions, .match = match };
	ctl_answer_list(conn, host_walk_next, walk, free);
}

struct binding_walk { const struct gateway *gw; struct binding_cursor cursor; struct match match; };

static json_t *
binding_walk_next(void *arg)
{
	struct binding_walk *walk = arg;
	const struct binding *b = binding_cursor_next(&walk->cursor);

	if (b == NULL)
		return NULL;
	return match_binding(&walk->match, b) ? document_binding(walk->gw, b) : json_null();
}

static void
do_bindings(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;
	struct binding_walk *walk;
	struct match match;

	if (!parse_or_refuse(&match, conn, request))
		return;
	walk = mem_zero(1, sizeof(*walk));
	*walk = (struct binding_walk){ .gw = gw, .match = match };
	binding_cursor_start(&walk->cursor, &gw->ledger->bindings);
	ctl_answer_list(conn, binding_walk_next, walk, free);
}

/* All addresses, in the order of the config file: the next one is at offset of its range. A reload may change the
 * pools meanwhile; the place is then looked for again by its numbers, and the list ends when there is none. Then those that
 * are leased, and of no pool any more. */
struct pool_walk { const struct gateway *gw; size_t pool, range; uint32_t offset; struct left left; };

static json_t *
pool_walk_next(void *arg)
{
	struct pool_walk *walk = arg;
	const struct conf *conf = walk->gw->ledger->conf;

	for (; walk->pool < conf->n_pools; walk->pool++, walk->range = 0) {
		const struct conf_pool *pool = &conf->pools[walk->pool];

		for (; walk->range < pool->n_addresses; walk->range++, walk->offset = 0) {
			struct ip4_range range = pool->addresses[walk->range];

			if (walk->offset <= range.last - range.first)
				return document_pool_address(walk->gw, pool, range.first + walk->offset++);
		}
	}
	return walk->left.told < walk->left.n ? document_pool_address(walk->gw, NULL, walk->left.addrs[walk->left.told++]) : NULL;
}

static void
pool_walk_end(void *arg)
{
	struct pool_walk *walk = arg;

	left_done(&walk->left);
	free(walk);
}

static void
do_pools(struct ctl_conn *conn, const json_t *request, void *arg)
{
	struct pool_walk *walk = mem_zero(1, sizeof(*walk));

	(void)request;
	walk->gw = arg;
	left_find(&walk->left, walk->gw->ledger);
	ctl_answer_list(conn, pool_walk_next, walk, pool_walk_end);
}

/* ---- single documents ---- */

static void
do_status(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_status(arg));
}

static void
do_stats(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_stats(arg));
}

static void
do_data_plane(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_answer(conn, document_data_plane(arg));
}

/* For who follows the leases: cheap enough to be asked often. */
static void
do_changes(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;

	(void)request;
	ctl_answer(conn, value_count(*gw->changes));
}

/* ---- the check ---- */

struct check_run { struct ctl_conn *conn; struct audit *check; };

static void
on_checked(json_t *report, void *arg)
{
	struct check_run *run = arg;

	ctl_on_close(run->conn, NULL, NULL);
	if (report != NULL)
		ctl_answer(run->conn, report);
	else
		ctl_refuse(run->conn, "the lease store failed while it was checked, and memory was loaded from it again; "
		                      "rsipd's log says why. Check again");
	free(run);
}

static void
on_checking(void *arg)
{
	const struct check_run *run = arg;

	ctl_working(run->conn);
}

static void
on_check_left(void *arg)
{
	struct check_run *run = arg;

	audit_cancel(run->check);
	free(run);
}

static void
do_check(struct ctl_conn *conn, const json_t *request, void *arg)
{
	struct check_run *run = mem_zero(1, sizeof(*run));

	(void)request;
	run->conn = conn;
	ctl_on_close(conn, on_check_left, run);
	run->check = audit_start(arg, &(struct audit_events){ on_checked, on_checking, run });
}

/* ---- administration ---- */

/* {"id":4711}; 0 when there is none that could be one. */
static uint32_t
id_of(const json_t *request)
{
	json_int_t id = json_integer_value(json_object_get(request, "id"));

	return id >= 1 && id <= UINT32_MAX ? (uint32_t)id : 0;
}

static void
commit(struct ctl_conn *conn, const struct gateway *gw)
{
	if (gw->commit(gw->arg))
		ctl_answer(conn, json_true());
	else
		ctl_refuse(conn, "the lease store cannot be written, so nothing was changed; rsipd's log says why");
}

/* As when the lease expires: the host is told with a FREE_RESPONSE of its own (RFC 3103 9.13). */
static void
do_free(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;
	struct ledger *l = gw->ledger;
	struct binding *b = binding_find(&l->bindings, id_of(request));

	if (b == NULL) {
		ctl_refuse(conn, "no binding has this ID; see rsipctl bindings");
		return;
	}
	log_info("ctl", "binding freed by operator bind_id=%u", b->bind_id);
	l->events.binding_ended(l->events.arg, b->session, b);
	lease_end(l, b, LEASE_BY_OPERATOR);
	commit(conn, gw);
}

/* As when the registration expires: a DE-REGISTER_RESPONSE tells the host (RFC 3103 9.5). */
static void
do_deregister(struct ctl_conn *conn, const json_t *request, void *arg)
{
	const struct gateway *gw = arg;
	struct ledger *l = gw->ledger;
	struct session *s = session_find_client(&l->sessions, id_of(request));

	if (s == NULL) {
		ctl_refuse(conn, "no host has this client ID; see rsipctl hosts");
		return;
	}
	log_info("ctl", "host de-registered by operator client_id=%u", s->client_id);
	l->events.session_ended(l->events.arg, s);
	registration_end(l, s, LEASE_BY_OPERATOR);
	commit(conn, gw);
}

static const struct ctl_command commands[] = {
	{ "status", do_status, false },
	{ "hosts", do_hosts, false },
	{ "bindings", do_bindings, false },
	{ "pools", do_pools, false },
	{ "stats", do_stats, false },
	{ "data-plane", do_data_plane, false },
	{ "changes", do_changes, false },
	{ "who", ctl_who, false },
	{ "check", do_check, false },
	{ "free", do_free, true },
	{ "deregister", do_deregister, true },
	{ NULL, NULL, false },
};

struct ctl_server *
ctl_serve(struct loop *loop, int listen_fd, const struct gateway *gw)
{
	return ctl_server_new(loop, listen_fd, commands, (void *)gw);
}
