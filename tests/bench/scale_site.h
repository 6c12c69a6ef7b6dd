/* A large site in this process: control's books over a real database, its data plane in another process. */
#ifndef BENCH_SCALE_SITE_H
#define BENCH_SCALE_SITE_H

#include <stddef.h>

#include "ledger.h"
#include "loop.h"
#include "scale_relay.h"

#define SITE_ADDRESSES 1024
#define SITE_HOSTS_MAX 100000
#define SITE_BINDINGS_A_HOST 10
#define SITE_LEASE_S 80000      /* within the day of the policy: holds out for the whole run */
#define SITE_TURN 64            /* requests a commit, as they come in one turn of the loop under load */

struct site {
	const char *db;
	struct conf *conf;
	struct stats stats;
	struct loop *loop;
	struct store *store;
	struct dp_client *dp;
	struct ledger ledger;
	struct scale_relay relay;
	size_t n_bindings; /* granted and not ended */
	unsigned in_turn;  /* changes since the last commit */
	int64_t now_ms;    /* the clock, which stands */
};

/* The config of the site as rsipd reads it; the database and the control socket named so. */
void site_write_conf(int fd, const char *db, const char *control);

/* Opens the database, new or not, loads it, and tells the data plane: each when called, in this order. They end the
 * program when they cannot. */
void site_open(struct site *s, const char *db, const struct scale_relay *relay);
void site_load(struct site *s);
void site_connect(struct site *s);
void site_close(struct site *s); /* commits */

/* The i-th binding of the site by kind and host: of ten, six are 4 ports, one 32, two 4 SPIs, one 4 SPIs with a cookie
 * block. Ends the program when it is refused. */
struct binding *site_grant(struct site *s, size_t i, uint32_t lease_s);
void site_turn(struct site *s);   /* one more change was made: commits with every SITE_TURN-th */
void site_commit(struct site *s); /* now; and lets the data plane read */
void site_settle(struct site *s); /* waits until the data plane has all of it */
void site_pass(struct site *s, int64_t ms); /* time passes: nothing expires by itself */

#endif
