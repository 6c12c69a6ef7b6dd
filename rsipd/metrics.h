/* The Prometheus endpoint: GET /metrics over HTTP, text format 0.0.4. */
#ifndef RSIPD_METRICS_H
#define RSIPD_METRICS_H

#include <stdio.h>

struct gateway;
struct loop;
struct metrics;

/* Serves on the listening TCP socket listen_fd, which stays the caller's; gw is borrowed. Never NULL. */
struct metrics *metrics_new(struct loop *loop, int listen_fd, const struct gateway *gw);
void metrics_free(struct metrics *metrics); /* accepts NULL */

/* The body of the answer. */
void metrics_write(FILE *out, const struct gateway *gw);

#endif
