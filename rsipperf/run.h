/* One run: all hosts register, take their bindings if asked to, do the mix of operations for a while, and leave. */
#ifndef RSIPPERF_RUN_H
#define RSIPPERF_RUN_H

struct plan;

/* Runs to the end, or until SIGINT or SIGTERM: the first ends the mix and lets the hosts leave, the second ends at once.
 * Prints the live line on standard error and the result on standard output. Returns 0 when every request was granted,
 * 1 when some were refused or lost or the run could not begin. */
int run(const struct plan *plan);

#endif
