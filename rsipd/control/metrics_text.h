/* The gateway's counters in the Prometheus text format, version 0.0.4. */
#ifndef RSIPD_METRICS_TEXT_H
#define RSIPD_METRICS_TEXT_H

#include <stdio.h>

struct gateway;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Labels take values only from the RFCs, from this program and from the config file: nothing that a host sends makes a
 * new time series. */
void metrics_write(FILE *out, const struct gateway *gw);

#endif
