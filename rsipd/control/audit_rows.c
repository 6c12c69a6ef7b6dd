#include "config.h"

#include "audit_rows.h"

#include "audit_report.h"
#include "ledger.h"

#define ROWS_AT_ONCE 128
#define ROWS_A_COST 10

static bool
is_known(const struct ledger *l, enum store_table table, int64_t id)
{
	if (id <= 0 || id > UINT32_MAX)
		return false;
	return table == STORE_REGISTRATIONS ? session_find_client(&l->sessions, (uint32_t)id) != NULL :
	                                      binding_find(&l->bindings, (uint32_t)id) != NULL;
}

static void
report_stray(struct audit_rows *c, int64_t id)
{
	static const struct { const char *table, *of, *fact; } strays[] = {
		[STORE_REGISTRATIONS] = { "registration", "client ID", "is not registered" },
		[STORE_BINDINGS] = { "binding", "bind ID", "is not leased" },
		[STORE_TUPLES] = { "binding_tuple", "bind ID", "is not leased" },
	};

	audit_report_add(c->report, AUDIT_ROW_STRAY, 4, "the database's table %s has %s %lld, which %s", strays[c->table].table,
	                 strays[c->table].of, (long long)id, strays[c->table].fact);
}

static unsigned
check_ids(struct audit_rows *c)
{
	int64_t ids[ROWS_AT_ONCE];
	size_t n = store_next_ids(c->ledger->store, c->table, c->after, ids, ROWS_AT_ONCE);

	for (size_t i = 0; i < n; i++) {
		if (!is_known(c->ledger, c->table, ids[i]))
			report_stray(c, ids[i]);
		c->after = ids[i];
	}
	c->report->rows += n;
	if (n < ROWS_AT_ONCE) {
		c->table++;
		c->after = INT64_MIN;
	}
	return 1 + (unsigned)n / ROWS_A_COST;
}

static void
check_hold(const struct store_hold_row *row, void *arg)
{
	struct audit_rows *c = arg;
	const struct hold *hold = row->readable ? pool_find_hold(c->ledger->pool, row->tuple) : NULL;

	if (hold == NULL || hold->node.first != row->tuple.first || hold->node.last != row->tuple.last ||
	    hold->kind != row->tuple.kind)
		audit_report_add(c->report, AUDIT_ROW_STRAY, 4, "the database has %s %lld of %s in quarantine, which is not",
		                 row->kind, (long long)row->first, row->local);
}

static unsigned
check_holds(struct audit_rows *c)
{
	size_t n = store_next_holds(c->ledger->store, &c->hold, ROWS_AT_ONCE, check_hold, c);

	c->report->rows += n;
	if (n < ROWS_AT_ONCE)
		c->table++;
	return 1 + (unsigned)n / ROWS_A_COST;
}

/* Before the first table. */
static unsigned
check_single(struct audit_rows *c)
{
	char why[200];

	c->begun = true;
	c->after = INT64_MIN;
	if (!store_check_single(c->ledger->store, why, sizeof(why)))
		audit_report_add(c->report, AUDIT_ROW_SINGLE, 4, "the database's table %s", why);
	return 1;
}

unsigned
audit_rows_step(struct audit_rows *c)
{
	if (c->table == STORE_TABLES)
		return 0;
	if (!c->begun)
		return check_single(c);
	return c->table == STORE_HOLDS ? check_holds(c) : check_ids(c);
}
