/* Keeps the history as long as the configuration says: what is older goes, a little at a time. */
#ifndef RSIPD_HISTORY_H
#define RSIPD_HISTORY_H

#include <stdint.h>

struct loop;
struct store;

/* changed is called when something is to be committed. */
struct history *history_new(struct loop *loop, struct store *store, void (*changed)(void *arg), void *arg);
void history_free(struct history *h); /* accepts NULL */

/* Ended leases are remembered for so many seconds; 0 = for ever. Begins at once. */
void history_keep(struct history *h, uint32_t keep_s);

#endif
