/* Who had what, from the history: store.h. Takes a few look-ups in its index, however long it is. */
#include "store.h"
#include "store_state.h"

/* How wide a range of that kind can be, less one: a request names at most 255 ports and 65535 SPIs (RFC 3103 8.2, RFC 3104
 * 6.2). It keeps the search to the few rows that can have the value, however long the history of the address is. */
static uint64_t
widest(enum tuple_kind kind)
{
	return kind == TUPLE_PORT ? 254 : kind == TUPLE_SPI ? 65534 : 0;
}

static bool
tell_holders(struct sql_rows *rows, store_holder_cb *cb, void *arg)
{
	while (sql_next(rows)) {
		struct store_holder holder = { .bind_id = (uint32_t)sql_int(rows, 0),
		                               .client_id = (uint32_t)sql_int(rows, 1),
		                               .name = sql_text(rows, 3),
		                               .from = sql_int(rows, 4),
		                               .to = sql_int(rows, 5) };
		if (store_addr_column(rows, 2, &holder.host))
			cb(&holder, arg);
	}
	return sql_end(rows);
}

/* Where the host was then: the row tells where it was in the end. ?5 is the time that is asked about. */
#define PLACE "coalesce((SELECT m.host FROM move m WHERE m.client_id = history.client_id AND m.since BETWEEN granted AND ?5 " \
              "AND (m.until IS NULL OR m.until > ?5) ORDER BY m.since DESC, m.rowid DESC LIMIT 1), (SELECT m.came_from FROM " \
              "move m WHERE m.client_id = history.client_id AND m.since > ?5 ORDER BY m.since, m.rowid LIMIT 1), host)"
/* What begins with one number is leased to one at a time, so of its leases the latest that was granted by then tells; a few
 * more may have been in the same second. */
#define WHO "SELECT bind_id, client_id, " PLACE ", name, granted, ended FROM (SELECT * FROM history WHERE local = ?1 AND " \
            "kind = ?2 AND first = ?3 AND granted <= ?5 ORDER BY granted DESC LIMIT 4) AS history WHERE ended > ?5 AND last "

/* The first lease range of the address that begins from *first to value; false when there is none. */
static bool
next_first(struct store *st, const char *local, enum tuple_kind kind, uint64_t *first, uint64_t value)
{
	struct sql_rows *rows = sql_query(st->sql,
	                                  "SELECT first FROM history WHERE local = ? AND kind = ? AND first BETWEEN ? AND ? "
	                                  "ORDER BY first LIMIT 1", "ttii", local, tuple_kind_name(kind), (int64_t)*first,
	                                  (int64_t)value);
	bool found = sql_next(rows);

	if (found)
		*first = (uint64_t)sql_int(rows, 0);
	sql_end(rows);
	return found;
}

/* From one number to the next that ranges begin with, by the index: it does not matter how often each has been leased. */
static bool
who_range(struct store *st, const char *local, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb,
          void *arg)
{
	for (uint64_t first = value > widest(kind) ? value - widest(kind) : 0; next_first(st, local, kind, &first, value); first++) {
		if (!tell_holders(sql_query(st->sql, WHO ">= ?4", "ttiii", local, tuple_kind_name(kind), (int64_t)first,
		                            (int64_t)value, at), cb, arg))
			return false;
	}
	return true;
}

/* A block of cookies is as wide as its mask says, so it begins with the cookie's first bits, however many. */
static bool
who_cookie(struct store *st, const char *local, uint64_t value, int64_t at, store_holder_cb *cb, void *arg)
{
	for (int bits = 0; bits < 64; bits++) {
		uint64_t first = value & UINT64_MAX << bits, last = first | ~(UINT64_MAX << bits);

		if (!tell_holders(sql_query(st->sql, WHO "= ?4", "ttiii", local, tuple_kind_name(TUPLE_COOKIE), (int64_t)first,
		                            (int64_t)last, at), cb, arg))
			return false;
	}
	return true;
}

bool
store_who_holds(struct store *st, const struct binding *b, int64_t at, store_holder_cb *cb, void *arg)
{
	char host[IP4_STRLEN];

	return tell_holders(sql_query(st->sql,
	                              "SELECT bind_id, client_id, coalesce((SELECT host FROM move m WHERE m.client_id = "
	                              "binding.client_id AND since BETWEEN granted AND ?2 AND (until IS NULL OR until > ?2) "
	                              "ORDER BY since DESC, m.rowid DESC LIMIT 1), (SELECT came_from FROM move m WHERE "
	                              "m.client_id = binding.client_id AND since >= granted ORDER BY since, m.rowid LIMIT 1), ?3), "
	                              "?4, granted, 0 FROM binding WHERE bind_id = ?1 AND granted <= ?2", "iitt",
	                              (int64_t)b->bind_id, at, ip4_str(b->session->host_addr, host), b->session->name), cb, arg);
}

bool
store_who(struct store *st, ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb, void *arg)
{
	char local[IP4_STRLEN];

	ip4_str(addr, local);
	if (!who_range(st, local, TUPLE_ADDRESS, 0, at, cb, arg))
		return false;
	return kind == TUPLE_COOKIE ? who_cookie(st, local, value, at, cb, arg) :
	                              who_range(st, local, kind, value, at, cb, arg);
}
