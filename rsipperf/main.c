/* rsipperf: loads an RSIP gateway with the requests of many simulated hosts and tells how it answered. */
#include "config.h"

#include "perf_options.h"
#include "run.h"

int
main(int argc, char **argv)
{
	struct plan plan;

	switch (options_read(argc, argv, &plan)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_WRONG:
		return 2;
	default:
		return run(&plan);
	}
}
