/* The Prometheus endpoint: GET /metrics over HTTP. */
#ifndef RSIPD_METRICS_H
#define RSIPD_METRICS_H

struct gateway;
struct loop;
struct metrics;

#define METRICS_CONNECTIONS_MAX 32

/* Serves on the listening TCP socket listen_fd, non-blocking, which stays the caller's; gw is borrowed. Never NULL. */
struct metrics *metrics_new(struct loop *loop, int listen_fd, const struct gateway *gw);
void metrics_free(struct metrics *metrics); /* accepts NULL */

#endif
