/* The gateway's books: who is registered, what is leased to whom, until when. One struct ties the tables together;
 * what happens to them is in registration.c, lease.c, expire.c and restore.c. */
#ifndef RSIPD_LEDGER_H
#define RSIPD_LEDGER_H

#include <stdint.h>

#include "binding.h"
#include "conf.h"
#include "dataplane.h"
#include "expiry.h"
#include "identities.h"
#include "pool.h"
#include "remote_names.h"
#include "session.h"
#include "stats.h"
#include "store.h"

/* What happens to hosts without their asking. Called before the object goes, so that it can still be described. */
struct ledger_events {
	void (*binding_ended)(void *arg, const struct session *s, const struct binding *b); /* FREE_RESPONSE */
	void (*session_ended)(void *arg, const struct session *s); /* DE-REGISTER_RESPONSE; its bindings end too */
	void *arg;
};

struct ledger {
	const struct conf *conf;
	struct pool *pool;
	struct store *store;
	struct stats *stats; /* what happens here is counted here */
	struct remote_names *names; /* borrowed; NULL where remote sides are addresses only. Set after ledger_init */
	struct session_table sessions;
	struct identities identities;
	uint64_t notice_counter; /* of the last authenticated notice to any host */
	struct binding_table bindings;
	uint32_t last_bind_id;
	uint64_t generation; /* another one after each ledger_init: what was remembered of the last one is void */
	struct expiry session_expiry, binding_expiry, hold_expiry;
	struct dp_ops dataplane;
	struct ledger_events events;
};

/* Reads: sessions and bindings by their tables and cursors, pools by pool_totals(l->pool, &l->conf->pools[i]). */

/* An empty ledger. conf, store and stats are borrowed. */
void ledger_init(struct ledger *l, const struct conf *conf, struct store *store, struct stats *stats,
                 const struct dp_ops *dataplane, const struct ledger_events *events);
void ledger_done(struct ledger *l); /* frees memory only: no lease ends, nothing is written; walks come to their end */

/* The policy of a registration: that of the section with its identity, wherever the host is, else that of its address.
 * NULL: the config has none for it. */
const struct conf_policy *ledger_policy(const struct ledger *l, const struct session *s);

/* The books under a new configuration: hosts get their new policies. For registration_set_conf. */
void ledger_set_conf(struct ledger *l, const struct conf *conf);

/* For lease.c and restore.c: b among the bindings of its host, in the index and the deadlines, and out of them again.
 * Pool, store and data plane are not touched. */
void ledger_enter(struct ledger *l, struct session *s, struct binding *b);
void ledger_strike(struct ledger *l, struct binding *b);

#endif
