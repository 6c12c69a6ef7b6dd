/* Leases outlive their pool: addresses of which something is leased, and that no pool of the config has any more. The monitor,
 * which makes the routes, knows pools from the config only, so it is told these, some at a time. What it cannot carry, for
 * instance as the address is the machine's own by now, ends here, and the hosts are told. */
#ifndef RSIPD_LEFT_H
#define RSIPD_LEFT_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "monitor_proto.h"

struct ledger;

struct left {
	ip4_t *addrs;
	size_t n, told;
};

/* Looks for them, after the ledger was loaded or has got another config. None where a pool is leased from another gateway:
 * what is gone there is withdrawn (upstream.h), or not there yet. */
void left_find(struct left *left, const struct ledger *l);
void left_done(struct left *left);

/* The next ones to tell the monitor, as the text of MON_LEFT; false when it has been told all. */
bool left_next(struct left *left, char text[MON_TEXT_MAX]);

/* Ends the leases of addresses that the text of MON_NOT_CARRIED names, and that are of no pool. The caller commits. */
void left_withdraw(struct ledger *l, const char *text);

#endif
