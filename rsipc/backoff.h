/* How long to wait before trying again: 1 s, doubled at each failure up to 60 s, and spread by a quarter to either side
 * so that the hosts of a gateway that comes back do not come back all at once. */
#ifndef RSIPC_BACKOFF_H
#define RSIPC_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS 60000

struct backoff { int64_t delay_ms; }; /* all zero: nothing has failed yet */

/* Counts a failure; returns the milliseconds to wait, from 3/4 to 5/4 of the current step. */
int64_t backoff_fail(struct backoff *backoff);

void backoff_reset(struct backoff *backoff); /* it worked */

#endif
