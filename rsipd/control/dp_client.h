/* The control process's end of the socket to the data plane (dataplane.h). Never blocks: what does not fit into the
 * socket waits; when too much waits, or a relay is started anew, everything is told again from the ledger's tables. */
#ifndef RSIPD_DP_CLIENT_H
#define RSIPD_DP_CLIENT_H

#include <stddef.h>

#include "binding.h"
#include "conf.h"
#include "dataplane.h"

struct dp_client;
struct loop;

struct dp_client_events {
	void (*violation)(void *arg, const struct dp_violation *v);
	void *arg;
};

/* own: the gateway's own public addresses; borrowed, like conf and bindings. Begins without a socket. */
struct dp_client *dp_client_new(struct loop *loop, struct binding_table *bindings, const struct conf *conf,
                                const ip4_t *own, size_t n_own, const struct dp_client_events *events);
void dp_client_free(struct dp_client *dp);

/* Beside the data plane at the other end there are these tables, whose bindings this process may write (xdp_tables.h):
 * what is taken back is stopped there at once. xdp: borrowed; NULL: there are none. */
struct xdp_tables;
void dp_client_set_xdp(struct dp_client *dp, const struct xdp_tables *xdp);

/* Speaks to the data plane at fd from now on (taken over, non-blocking) and tells it everything. */
void dp_client_connect(struct dp_client *dp, int fd);

/* Tells it everything again: after a reload (with the new conf) or when the ledger was loaded anew. */
void dp_client_resync(struct dp_client *dp, const struct conf *conf);

/* Changes are told at the end of the turn of the loop, or now. */
void dp_client_flush(struct dp_client *dp);

struct dp_ops dp_client_ops(struct dp_client *dp); /* for the ledger */

/* Asks the data plane about n bindings, at most DP_CHECK_MAX. Its answer, to the question of that number, comes to the
 * listener; or never, when the data plane is lost meanwhile. There is one listener at a time, until it listens no more. */
typedef void dp_checked_cb(void *arg, const struct dp_checked *answer, const struct dp_fault_entry *faults);
enum dp_asked {
	DP_ASKED,
	DP_AWAY, /* it cannot be asked now: it is away, or still being told */
	DP_BUSY, /* another listener is waiting */
};
enum dp_asked dp_client_check(struct dp_client *dp, const struct dp_check_entry *entries, uint32_t n, uint32_t number,
                              dp_checked_cb *cb, void *arg);
void dp_client_check_end(struct dp_client *dp, const void *arg); /* arg listens no more */

size_t dp_client_n_claims(const struct dp_client *dp); /* learned cookies and sessions now in force */
const struct claims *dp_client_claims(const struct dp_client *dp);

/* Grows whenever something is told to the data plane, or a claim heard from it. Lives as long as dp. */
const uint64_t *dp_client_changes(const struct dp_client *dp);

#endif
