/* A gateway's books for tests: a config from text, a database in a directory of its own, a data plane that only
 * remembers what it was told, and a clock that stands. */
#ifndef TESTS_GATEWAY_FIXTURE_H
#define TESTS_GATEWAY_FIXTURE_H

#include "ledger.h"

#define FIXTURE_START_MS 1000000
#define FIXTURE_START_WALL 1800000000

struct fixture_bound {
	uint32_t bind_id;
	ip4_t endpoint;
	uint32_t gre_key;
	size_t n_peers; /* of a remote side that is a name */
	ip4_t peers[DP_REMOTE_ADDRS_MAX];
	UT_hash_handle hh;
};

struct fixture {
	struct conf *conf;
	char dir[64], db[96];
	struct store *store;
	struct remote_names *names; /* what it asks for is answered by the test, with remote_names_answer */
	unsigned lookups;
	struct ledger ledger;
	struct stats stats;
	struct fixture_bound *bound; /* what the data plane has */
	unsigned bindings_ended, sessions_ended; /* events told */
};

/* The policy and pool sections go into conf_text; the rest of a config is added. */
void fixture_start(struct fixture *f, const char *conf_text);
void fixture_end(struct fixture *f);

/* Forgets everything but the database, commits nothing; and begins again from it. Both together are a restart. */
void fixture_close(struct fixture *f);
void fixture_open(struct fixture *f);
void fixture_restart(struct fixture *f);
/* For databases that may not do: false with the reason. fixture_close follows in any case. */
bool fixture_try_open(struct fixture *f, char *why, size_t why_size);

void fixture_pass_ms(int64_t ms); /* time passes */
void fixture_set_wall(int64_t by_s); /* somebody sets the wall clock forward, or back */
void fixture_restart_machine(struct fixture *f, int64_t away_ms); /* its own clock begins anew; test sets the boot's name */

/* Everything in the ledger as text, a line each, in a fixed order: equal texts are equal ledgers. Caller frees. */
char *fixture_dump(const struct fixture *f);

/* Ends the test when an invariant is violated, or the data plane is not in step. */
void fixture_check(struct fixture *f);

struct conf *fixture_conf(const char *conf_text); /* caller frees */

#endif
