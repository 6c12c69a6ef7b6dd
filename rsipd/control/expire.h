/* Deadlines: what has expired ends, and its host is told. */
#ifndef RSIPD_EXPIRE_H
#define RSIPD_EXPIRE_H

#include <stdint.h>

#include "ledger.h"

/* So that a mass expiry does not keep requests waiting: */
#define EXPIRE_BATCH 500
#define EXPIRE_MS 5

/* Ends registrations, bindings and holds whose time has come: EXPIRE_BATCH, or what can be ended in EXPIRE_MS. */
void expire_due(struct ledger *l);

/* Milliseconds until something is due: 0 when it is already, -1 when nothing ever will be. */
int64_t expire_delay(const struct ledger *l);

#endif
