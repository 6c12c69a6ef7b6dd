/* How many requests a second each host may make. Buckets belong to addresses, not to registrations: leaving and coming
 * back gives no new credit. */
#ifndef RSIPD_RATE_H
#define RSIPD_RATE_H

#include <stdbool.h>

#include "addr.h"

struct rate_table;

struct rate_table *rate_table_new(void);
void rate_table_free(struct rate_table *t);

/* Whether the host may make one more request now. */
bool rate_take(struct rate_table *t, ip4_t host_addr, unsigned per_second);

/* Whether a host that may not is to be told so. */
bool rate_refusal(struct rate_table *t, ip4_t host_addr);

#define RATE_REFUSALS 20 /* a second */

#endif
