/* rsipctl trace: packets on both sides of the gateway, live. */
#ifndef RSIPCTL_TRACE_H
#define RSIPCTL_TRACE_H

struct options;

/* Returns the exit status. */
int trace_run(const struct options *o);

#endif
