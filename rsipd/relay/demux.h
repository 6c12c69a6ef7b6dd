/* The demultiplexer's tables: every host and binding of the gateway, each public address's leases, what was learned
 * from packets. Changed by control's messages (dp_server.c), read by the stages. */
#ifndef RSIPD_DEMUX_H
#define RSIPD_DEMUX_H

#include <stdbool.h>
#include <stdint.h>

#include "addr_table.h"
#include "dataplane.h"
#include "demux_binding.h"
#include "demux_key.h"
#include "learned.h"

struct demux;
struct fragment_hold;

struct demux_events {
	learned_forget_cb *forgotten;                       /* a learned item goes for age or quota */
	void (*host_new)(struct demux_host *host, void *arg); /* has its first binding */
	void *arg;
};

/* For a fast path that keeps tables of its own in step. Called as the tables change; each is done when it returns. */
struct demux_watcher {
	/* b is in the tables. was: as it was before, when it has been changed or told again; else NULL. */
	void (*bound)(struct demux_binding *b, const struct demux_binding *was, void *arg);
	void (*unbound)(struct demux_binding *b, void *arg); /* about to leave the tables */
	void (*synced)(void *arg);                           /* bindings and pools are all that there are */
	learned_watch_cb *learned;
	/* What is wrong with how the fast path's tables show b; may be NULL. */
	enum dp_fault (*check)(const struct demux_binding *b, void *arg);
	void *arg;
};

struct demux *demux_new(const struct demux_events *events);
void demux_free(struct demux *d);

/* Counts what each binding carries from now on; meters must outlive d. A binding gets its counters when it first carries a
 * packet, since most of a million may be idle: demux_need_meter before b->meter is used. b may be NULL. */
struct meters;
void demux_meter(struct demux *d, struct meters *meters);
void demux_need_meter(struct demux *d, const struct demux_binding *b);

/* One at a time; NULL ends it. */
void demux_watch(struct demux *d, const struct demux_watcher *watcher);

/* ---- changes ---- */

/* Begins a synchronisation: pools and bindings not told again until demux_sync_end are forgotten then. The last two
 * return false, without effect, when none has begun. */
void demux_sync_begin(struct demux *d);
bool demux_add_pool(struct demux *d, const struct dp_pool *pool);
bool demux_sync_end(struct demux *d);

/* Adds a binding, or replaces the one with its bind ID; told again unchanged it keeps what it has learned. The
 * ranges are copied. A binding that leases the same thing is a defect of control's: the new one holds, the old one
 * is removed, and the number of those is returned. */
unsigned demux_bind(struct demux *d, const struct dp_bind *lease, const struct port_range *ports,
                    const struct spi_range *spis, const struct port_range *remote_ports, const ip4_t *remote_addrs);
void demux_unbind(struct demux *d, uint32_t bind_id);

/* What is wrong with the binding in the tables, where fingerprint (dp_bind_fingerprint) is of what it should be. */
enum dp_fault demux_check(const struct demux *d, uint32_t bind_id, uint64_t fingerprint);
uint32_t demux_n_bindings(const struct demux *d);

/* ---- lookups; each may return NULL. What they return lives until the next change. ---- */

/* The pool that holds this address: not NULL exactly when the gateway serves it. */
const struct dp_pool *demux_pool(const struct demux *d, ip4_t local_addr);
struct demux_host *demux_host(const struct demux *d, ip4_t host_addr);
struct demux_binding *demux_binding(const struct demux *d, uint32_t bind_id);
/* NULL when nothing of the address is leased. */
const struct addr_table *demux_addr(const struct demux *d, ip4_t local_addr);
struct learned_table *demux_learned(const struct demux *d);
struct fragment_hold *demux_held(const struct demux *d);

/* Calls each for every host. */
void demux_each_host(struct demux *d, void (*each)(struct demux_host *, void *), void *arg);

/* The binding that leases what key names on the local side, for a packet towards the local side or one quoted from
 * there: rows 1, 3 and 6 of the design's table, and what was learned for rows 7 and 8. Not for DEMUX_IKE (ike_demux.h)
 * and not for DEMUX_ICMP_ERROR. */
struct demux_binding *demux_owner(const struct demux *d, const struct demux_key *key);

/* The key under which an ICMP query or a peer's SPI is learned. */
struct learned_key demux_learned_key(enum learned_kind kind, const struct demux_key *key);

#endif
