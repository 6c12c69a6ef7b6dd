/* What store.h reads back. Nothing in the file is trusted to make sense: a person may have edited it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "store.h"
#include "store_state.h"

struct loading {
	struct store *st;
	const struct store_loader *loader;
	struct sql_rows *tuples; /* of all bindings, in the order of their IDs */
	bool more_tuples;        /* they stand at one that has not been read */
	char *why;
	size_t why_size;
};

static bool __attribute__((format(printf, 2, 3)))
explain(struct loading *ld, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ld->why, ld->why_size, fmt, ap);
	va_end(ap);
	return false;
}

bool
store_addr_column(struct sql_rows *rows, int column, ip4_t *out)
{
	const char *text = sql_text(rows, column);

	return text != NULL && ip4_parse(text, out);
}

static bool
time_column(const struct loading *ld, struct sql_rows *rows, int column, int64_t *out)
{
	int64_t row = sql_int(rows, column);

	*out = store_time_ok(row) ? store_clock_of(ld->st, row) : 0;
	return store_time_ok(row);
}

static bool
kind_column(struct sql_rows *rows, int column, enum tuple_kind *out)
{
	const char *text = sql_text(rows, column);

	for (int kind = 0; text != NULL && kind < TUPLE_KINDS; kind++) {
		if (strcmp(text, tuple_kind_name((enum tuple_kind)kind)) == 0) {
			*out = (enum tuple_kind)kind;
			return true;
		}
	}
	return false;
}

/* Whether first..last are numbers of that kind, in order. */
static bool
is_tuple(enum tuple_kind kind, uint64_t first, uint64_t last)
{
	uint64_t lowest = kind == TUPLE_PORT || kind == TUPLE_COOKIE || kind == TUPLE_IKE_PEER ? 1 : 0;
	uint64_t highest = kind == TUPLE_PORT ? UINT16_MAX : kind == TUPLE_COOKIE ? UINT64_MAX : UINT32_MAX;

	if (kind == TUPLE_ADDRESS)
		return first == 0 && last == 0;
	if (kind == TUPLE_SPI)
		lowest = 256; /* RFC 4303 2.1 */
	return first >= lowest && first <= last && last <= highest;
}

/* --- identities --- */

static bool
load_identity(struct loading *ld, struct sql_rows *rows)
{
	const char *name = sql_text(rows, 0);

	if (name == NULL)
		return explain(ld, "the lease database has an identity without a name");
	return ld->loader->identity(ld->loader->arg, name, (uint64_t)sql_int(rows, 1));
}

/* --- registrations --- */

static bool
load_session(struct loading *ld, struct sql_rows *rows)
{
	const char *transport = sql_text(rows, 3);
	struct store_session row = {
		.client_id = (uint32_t)sql_int(rows, 0),
		.name = sql_text(rows, 2),
		.identity = sql_text(rows, 6),
		.moved = sql_int(rows, 7),
	};

	row.transport = transport != NULL && strcmp(transport, "udp") == 0 ? RSIP_UDP : RSIP_TCP;
	if (row.moved != 0)
		store_addr_column(rows, 8, &row.moved_from);
	if (!store_addr_column(rows, 1, &row.host_addr) || !store_addr_column(rows, 5, &row.gateway_addr) || row.client_id == 0 ||
	    !time_column(ld, rows, 4, &row.expires))
		return explain(ld, "the lease database has a registration that is none: client ID %u", row.client_id);
	return ld->loader->session(ld->loader->arg, &row);
}

static bool
load_answer(struct loading *ld, struct sql_rows *rows)
{
	struct store_answer row = {
		.client_id = (uint32_t)sql_int(rows, 1),
		.last = { (uint16_t)sql_int(rows, 2), (uint32_t)sql_int(rows, 3) },
	};
	int64_t seq = sql_int(rows, 0);

	row.response = sql_blob(rows, 4, &row.response_len);
	if (row.last.port == 0 || row.response_len > RSIP_MESSAGE_MAX ||
	    !answers_restore(&ld->st->answers, ld->loader->answer(ld->loader->arg, &row), seq))
		return explain(ld, "the lease database has an answer that is none: number %lld", (long long)seq);
	return true;
}

/* --- bindings --- */

#define RANGES_MAX UINT8_MAX /* of ports, and of SPIs: no request names, and no answer tells, more (RFC 3103 8.2, RFC 3104 6.2) */

/* The tuples of one binding, as they are read: ranges in order, disjoint. */
struct parts {
	size_t n_ports, n_spis;
	struct port_range ports[RANGES_MAX];
	struct spi_range spis[RANGES_MAX];
	uint64_t cookie_value, cookie_mask;
	ip4_t ike_listener;
};

static bool
add_ports(struct parts *p, uint16_t first, uint16_t last)
{
	if (p->n_ports == RANGES_MAX || (p->n_ports > 0 && first <= p->ports[p->n_ports - 1].last))
		return false;
	p->ports[p->n_ports++] = (struct port_range){ first, last };
	return true;
}

static bool
add_spis(struct parts *p, uint32_t first, uint32_t last)
{
	if (p->n_spis == RANGES_MAX || (p->n_spis > 0 && first <= p->spis[p->n_spis - 1].last))
		return false;
	p->spis[p->n_spis++] = (struct spi_range){ first, last };
	return true;
}

static bool
add_part(struct parts *p, enum tuple_kind kind, uint64_t first, uint64_t last)
{
	if (!is_tuple(kind, first, last))
		return false;
	switch (kind) {
	case TUPLE_PORT: return add_ports(p, (uint16_t)first, (uint16_t)last);
	case TUPLE_SPI: return add_spis(p, (uint32_t)first, (uint32_t)last);
	case TUPLE_COOKIE:
		p->cookie_value = first;
		p->cookie_mask = ~(first ^ last);
		return (first & ~p->cookie_mask) == 0;
	case TUPLE_IKE_PEER:
		p->ike_listener = (ip4_t)first;
		return first == last;
	default: return true;
	}
}

static void
next_tuple(struct loading *ld)
{
	ld->more_tuples = sql_next(ld->tuples);
}

/* Bindings come in the order of their IDs as well, so that one walk through each table finds what belongs together. */
static bool
read_parts(struct loading *ld, int64_t bind_id, struct parts *p)
{
	enum tuple_kind kind;
	bool ok = true;

	p->n_ports = p->n_spis = 0;
	p->cookie_value = p->cookie_mask = 0;
	p->ike_listener = 0;
	while (ld->more_tuples && sql_int(ld->tuples, 0) < bind_id) /* of none */
		next_tuple(ld);
	for (; ok && ld->more_tuples && sql_int(ld->tuples, 0) == bind_id; next_tuple(ld))
		ok = kind_column(ld->tuples, 1, &kind) &&
		     add_part(p, kind, (uint64_t)sql_int(ld->tuples, 2), (uint64_t)sql_int(ld->tuples, 3));
	return ok;
}

static struct binding *
binding_of_parts(const struct parts *p, uint16_t remote_port)
{
	struct binding *b = binding_new(p->n_ports, remote_port != 0, p->n_spis);

	memcpy(binding_ports(b), p->ports, p->n_ports * sizeof(*binding_ports(b)));
	memcpy(binding_spis(b), p->spis, p->n_spis * sizeof(*binding_spis(b)));
	if (p->cookie_mask != 0) {
		binding_own_terms(b)->cookie_value = p->cookie_value;
		binding_own_terms(b)->cookie_mask = p->cookie_mask;
	}
	if (p->ike_listener != 0)
		binding_own_terms(b)->ike_listener = p->ike_listener;
	if (remote_port != 0)
		binding_remote_ports(b)[0] = (struct port_range){ remote_port, remote_port };
	return b;
}

static bool
load_binding(struct loading *ld, struct sql_rows *rows)
{
	struct parts parts;
	int64_t bind_id = sql_int(rows, 0);
	struct binding *b;

	if (bind_id <= 0 || bind_id > UINT32_MAX || !read_parts(ld, bind_id, &parts))
		return explain(ld, "the lease database has a binding that is none: bind ID %lld", (long long)bind_id);
	b = binding_of_parts(&parts, (uint16_t)sql_int(rows, 7));
	b->bind_id = (uint32_t)bind_id;
	b->method = (uint8_t)rsip_method_parse(sql_text(rows, 2));
	b->tunnel = (uint8_t)rsip_tunnel_parse(sql_text(rows, 3));
	b->listen = sql_int(rows, 4) != 0;
	if (b->tunnel == RSIP_TUNNEL_GRE && sql_int(rows, 10) != 0)
		binding_own_terms(b)->gre_key = (uint32_t)sql_int(rows, 10);
	if (sql_text(rows, 6) != NULL && !store_addr_column(rows, 6, &binding_own_terms(b)->remote_addr))
		binding_name_remote(b, sql_text(rows, 6));
	if (b->method == 0 || b->tunnel == 0 || !store_addr_column(rows, 5, &b->local_addr) ||
	    !store_addr_column(rows, 9, &b->endpoint) || !time_column(ld, rows, 8, &b->expires)) {
		binding_free(b);
		return explain(ld, "the lease database has a binding that is none: bind ID %lld", (long long)bind_id);
	}
	return ld->loader->binding(ld->loader->arg, b, (uint32_t)sql_int(rows, 1));
}

/* --- names --- */

static bool
load_name(struct loading *ld, struct sql_rows *rows)
{
	const char *name = sql_text(rows, 0), *at = sql_text(rows, 1);
	ip4_t addrs[DP_REMOTE_ADDRS_MAX];
	char addr[IP4_STRLEN];
	size_t n = 0;
	int used;

	for (; at != NULL && n < DP_REMOTE_ADDRS_MAX && sscanf(at, "%15s%n", addr, &used) == 1; at += used)
		n += ip4_parse(addr, &addrs[n]);
	if (name == NULL)
		return explain(ld, "the lease database has a name that is none");
	return ld->loader->name(ld->loader->arg, name, addrs, n);
}

/* --- quarantine --- */

static bool
load_hold(struct loading *ld, struct sql_rows *rows)
{
	struct tuple tuple = { .first = (uint64_t)sql_int(rows, 2), .last = (uint64_t)sql_int(rows, 3) };
	int64_t until;
	ip4_t host;

	if (!store_addr_column(rows, 0, &tuple.addr) || !kind_column(rows, 1, &tuple.kind) ||
	    !is_tuple(tuple.kind, tuple.first, tuple.last) || !store_addr_column(rows, 4, &host) || !time_column(ld, rows, 5, &until))
		return explain(ld, "the lease database has a quarantine entry that is none");
	return ld->loader->hold(ld->loader->arg, tuple, host, until);
}

/* --- all of it --- */

static bool
load_rows(struct loading *ld, const char *query, bool (*load)(struct loading *ld, struct sql_rows *rows))
{
	struct sql_rows *rows = sql_query(ld->st->sql, query, "");
	bool ok = true;

	while (ok && sql_next(rows))
		ok = load(ld, rows);
	if (!sql_end(rows) && ok)
		return explain(ld, "cannot read the lease database: %s", sql_error(ld->st->sql));
	return ok;
}

static bool
load_bindings(struct loading *ld)
{
	bool ok;

	ld->tuples = sql_query(ld->st->sql, "SELECT bind_id, kind, first, last FROM binding_tuple ORDER BY bind_id, kind, first",
	                       "");
	next_tuple(ld);
	ok = load_rows(ld,
	               "SELECT bind_id, client_id, method, tunnel, listen, local, remote, remote_port, expires, "
	               "endpoint, gre_key FROM binding ORDER BY bind_id", load_binding);
	if (!sql_end(ld->tuples) && ok)
		return explain(ld, "cannot read the lease database: %s", sql_error(ld->st->sql));
	return ok;
}

bool
store_load(struct store *st, const struct store_loader *loader, char *why, size_t why_size)
{
	struct loading ld = { .st = st, .loader = loader, .why = why, .why_size = why_size };

	answers_clear(&st->answers);
	st->n_unwritten = 0;
	st->last_bind_id = st->stored_bind_id = store_last_bind_id(st);
	return load_rows(&ld, "SELECT name, counter FROM identity", load_identity) &&
	       load_rows(&ld,
	                 "SELECT client_id, host, name, transport, expires, gateway, identity, moved, moved_from "
	                 "FROM registration", load_session) &&
	       load_rows(&ld, "SELECT seq, client_id, port, counter, response FROM answer ORDER BY seq", load_answer) &&
	       load_rows(&ld, "SELECT name, addresses FROM remote_name", load_name) &&
	       load_bindings(&ld) &&
	       load_rows(&ld, "SELECT local, kind, first, last, host, until FROM quarantine", load_hold);
}

uint32_t
store_last_bind_id(struct store *st)
{
	struct sql_rows *rows = sql_query(st->sql, "SELECT bind_id FROM latest", "");
	uint32_t last = sql_next(rows) ? (uint32_t)sql_int(rows, 0) : 0;

	sql_end(rows);
	return last;
}
