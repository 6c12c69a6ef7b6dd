/* After the first synchronisation: what an earlier relay has left in the tables and nobody has told again goes. */
#ifndef RSIPD_XDP_SWEEP_H
#define RSIPD_XDP_SWEEP_H

#include <stdint.h>

#include "demux.h"
#include "xdp_addrs.h"
#include "xdp_tables.h"

void xdp_sweep(struct xdp_tables *t, struct xdp_addrs *addrs, const struct demux *d, uint64_t epoch);

#endif
