/* Who held what when: what is leased now, and the history of what was. */
#ifndef RSIPD_WHO_HELD_H
#define RSIPD_WHO_HELD_H

#include "ledger.h"
#include "store.h"

#define WHO_NOW INT64_MAX /* what is leased now, however the clock has been set since */

/* Who held a port, SPI or cookie of this address at a time (seconds since 1970, or WHO_NOW), or the whole address, at any
 * moment of that second: each holder is told to cb. Returns false when the history cannot be read. */
bool who_held(struct ledger *l, ip4_t addr, enum tuple_kind kind, uint64_t value, int64_t at, store_holder_cb *cb, void *arg);

#endif
