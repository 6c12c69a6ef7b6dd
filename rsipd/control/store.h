/* The lease store: what must survive a restart, and the history that answers who had what when. One SQLite file in WAL
 * mode; its tables are in schema.sql, times in them are seconds since 1970, addresses dotted quads.
 *
 * Group commit: a transaction begins with the first change and ends with the commit; no change is durable before. The
 * disk is waited for by a thread, while the next transaction fills. A change that fails (disk full, I/O error) makes the
 * commit fail, which logs why; after a failed commit the file holds what the last good one left, and memory must be
 * loaded from it again. */
#ifndef RSIPD_STORE_H
#define RSIPD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "binding.h"
#include "identities.h"
#include "pool.h"
#include "remote_names.h"
#include "session.h"

struct store;

/* Opens the database, made anew if there is no file. NULL, with a sentence for a person in why, when it cannot be
 * opened or written, is no such database, is damaged, is of a newer version, or is in use by another gateway. */
struct store *store_open(const char *path, char *why, size_t why_size);
void store_close(struct store *st); /* commits nothing; accepts NULL */

/* All that was changed, now. True also when there was nothing to commit. Not between store_commit_begin and its end. */
bool store_commit(struct store *st);

/* The same in two steps, with a thread in between. What is changed meanwhile is of the next commit; if this one fails,
 * that is gone too. One at a time. */
bool store_commit_begin(struct store *st); /* false: there is nothing to commit, and nothing has begun */
bool store_commit_end(struct store *st);   /* waits until it is durable; false when it failed */

/* Starts that thread. Returns a descriptor, the store's own, that becomes readable when store_commit_end need not wait;
 * -1 with errno. */
int store_start(struct store *st);

/* Registrations, and the answers that duplicates get, so that one that arrives after a restart is known. What is new or
 * changed: what s says at the next store_commit is what is written. s must not go before that without
 * store_remove_session, unless the store is not used again. A registration lasts as long as its bindings: what they add to
 * s->expires needs no row of its own, s->expires_later says that there is none. */
void store_put_session(struct store *st, struct session *s);
void store_put_answer(struct store *st, struct session *s); /* s->replay has a new response */
void store_remove_session(struct store *st, struct session *s);
void store_move_session(struct store *st, struct session *s); /* it came to s->host_addr: also into the history */

void store_put_identity(struct store *st, const struct identity *id); /* its counter, new or changed */

/* Bindings, with their history: granted, prolonged, ended. */
void store_add_binding(struct store *st, const struct binding *b);
void store_extend_binding(struct store *st, const struct binding *b);
void store_end_binding(struct store *st, const struct binding *b, const char *how); /* "freed", "expired", ... */

/* The addresses of a name that bindings have as their remote side. */
void store_put_name(struct store *st, const struct remote_name *name); /* new or changed */
void store_remove_name(struct store *st, const char *name);

void store_add_hold(struct store *st, const struct hold *hold);
void store_remove_hold(struct store *st, const struct hold *hold);

/* Reads everything back, identities and sessions first, then answers, names, bindings and holds. What session() and binding()
 * get is theirs to keep or free: a session is not in any table yet, a binding's session is NULL and named by client_id. Each
 * returns false to stop. Returns false, with why, when stopped or when the database cannot be read. */
struct store_session {
	ip4_t host_addr, gateway_addr;
	uint32_t client_id;
	enum rsip_transport transport;
	const char *name; /* or NULL; these pointers are valid during the call */
	int64_t expires;  /* clock_now() milliseconds; in the past when it expired meanwhile */
	const char *identity; /* or NULL */
	int64_t moved;        /* seconds since 1970; 0: never */
	ip4_t moved_from;
};
struct store_answer {
	uint32_t client_id;
	struct replay_seq last;
	const void *response; /* valid during the call */
	size_t response_len;
};
struct store_loader {
	bool (*identity)(void *arg, const char *name, uint64_t counter);
	bool (*session)(void *arg, const struct store_session *row);
	/* Those of one host in their order. Returns whose it is, NULL when of nobody any more. */
	struct session *(*answer)(void *arg, const struct store_answer *row);
	bool (*binding)(void *arg, struct binding *b, uint32_t client_id);
	bool (*name)(void *arg, const char *name, const ip4_t *addrs, size_t n);
	bool (*hold)(void *arg, struct tuple tuple, ip4_t host, int64_t until);
	void *arg;
};
bool store_load(struct store *st, const struct store_loader *loader, char *why, size_t why_size);
uint32_t store_last_bind_id(struct store *st); /* the highest ever given out, 0 for none */

/* Removes, as a change like any other, what ended before a time (seconds since 1970) from the first few hundred rows of the
 * history. False when no more rows need be looked at. */
bool store_prune(struct store *st, int64_t before);

/* One who held a number of an address at a time. */
struct store_holder {
	uint32_t bind_id, client_id;
	ip4_t host;
	const char *name; /* or NULL; valid during the call */
	int64_t from, to; /* to 0: still held */
};
typedef void store_holder_cb(const struct store_holder *holder, void *arg);

/* Who held a port, SPI or cookie of this address at a time (seconds since 1970), or the whole address, of leases that have
 * ended: each holder is told to cb. Takes a few look-ups, however long the history. Returns false when it cannot be read.
 * who_held.h has those that are held still as well. */
bool store_who(struct store *st, ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb,
               void *arg);

/* The same of a binding that is held still: who had it then, as a registration may have moved. */
bool store_who_holds(struct store *st, const struct binding *b, int64_t at, store_holder_cb *cb, void *arg);

#endif
