#include "who_held.h"

static bool
holds(const struct binding *b, enum tuple_kind kind, uint64_t value)
{
	for (size_t i = 0; i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);

		if (tuple.kind == TUPLE_ADDRESS || (tuple.kind == kind && tuple.first <= value && value <= tuple.last))
			return true;
	}
	return false;
}

/* An index of who has which tuple now would cost every binding memory for a question that a person asks now and then. */
static bool
tell_leased(struct ledger *l, ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb,
            void *arg)
{
	struct binding_cursor cursor;
	const struct binding *b;
	bool ok = true;

	binding_cursor_start(&cursor, &l->bindings);
	while (ok && (b = binding_cursor_next(&cursor)) != NULL) {
		if (b->local_addr == addr && holds(b, kind, value))
			ok = store_who_holds(l->store, b, at, cb, arg);
	}
	return ok;
}

bool
who_held(struct ledger *l, ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb, void *arg)
{
	return (at == WHO_NOW || store_who(l->store, addr, kind, value, at, cb, arg)) &&
	       tell_leased(l, addr, kind, value, at, cb, arg);
}
