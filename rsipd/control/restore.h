/* The ledger out of the store: at start, and after a commit that failed. */
#ifndef RSIPD_RESTORE_H
#define RSIPD_RESTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger.h"

/* Fills an empty ledger. What expired while the gateway was down ends on the first expire_due. The data plane is not
 * told: it is to be synchronised afterwards. False, with a sentence in why, when the store cannot be read or
 * contradicts itself. */
bool restore_ledger(struct ledger *l, char *why, size_t why_size);

#endif
