/* The running gateway as its control socket and its metrics see it: borrowed views of the control process's state. */
#ifndef RSIPD_GATEWAY_H
#define RSIPD_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct claims;
struct dp_client;
struct dp_counters;
struct loop;
struct meters;
struct xdp_tables;
struct ledger;
struct stats;

struct gateway {
	struct store *store;   /* for its history only */
	struct ledger *ledger; /* changed by administration only, then made durable by commit */
	const struct stats *stats;
	const struct dp_counters *data; /* the relay's; carried.h has both data planes */
	const struct meters *meters;    /* may be NULL */
	const struct xdp_tables *xdp;   /* NULL: there is no XDP data plane */
	const char *data_plane; /* which one forwards: "xdp" or "relay" */
	const char *data_plane_detail; /* in which mode and on which devices, or why not: one line for people */
	int64_t started;        /* clock_now() milliseconds */
	const ip4_t *own;       /* the gateway's own public addresses (own-address mode) */
	size_t n_own;
	struct loop *loop;    /* for what takes more than one turn */
	struct dp_client *dp; /* to ask the data plane; NULL: there is none to ask */
	const struct claims *claims; /* IKE cookies that hosts have learned */
	/* Grows with every change of what the data plane works from: pools, bindings, claims. */
	const uint64_t *changes;
	/* Commits now what was changed in the ledger. False when the store failed: the ledger has been loaded from it
	 * again, and no pointer into it holds any more. */
	bool (*commit)(void *arg);
	void *arg;
};

#endif
