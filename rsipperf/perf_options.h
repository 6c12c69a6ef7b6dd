/* The command line of rsipperf. */
#ifndef RSIPPERF_PERF_OPTIONS_H
#define RSIPPERF_PERF_OPTIONS_H

#include "plan.h"

enum options_verdict { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Fills *plan. OPTIONS_DONE: --help or --version has been printed. OPTIONS_WRONG: what is wrong has been said on standard
 * error. */
enum options_verdict options_read(int argc, char **argv, struct plan *plan);

#endif
