/* What the data planes have carried, both together: the relay counts in memory that it shares with us, XDP in its
 * tables, which are mapped. */
#ifndef RSIPD_CARRIED_H
#define RSIPD_CARRIED_H

#include <stdint.h>

#include "dataplane.h"
#include "meters.h"

struct gateway;

/* Everything: the relay's counters with what XDP has forwarded added. */
struct dp_counters carried_in_all(const struct gateway *gw);

/* By one binding; bind_id of the result is its own even where nothing is known of it. */
struct meter carried_by(const struct gateway *gw, uint32_t bind_id);

#endif
