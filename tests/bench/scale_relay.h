/* A relay's tables in a process of their own, fed over a socket as rsipd's are: to weigh them apart from control's. */
#ifndef BENCH_SCALE_RELAY_H
#define BENCH_SCALE_RELAY_H

#include <stdint.h>
#include <sys/types.h>

struct scale_relay {
	pid_t pid;
	int fd;                    /* control's end of the socket; dp_client_connect takes it */
	const uint64_t *n_bindings; /* what its tables hold now; shared memory */
};

/* Forks: call before there is anything to inherit. There are counters for that many bindings. */
void scale_relay_start(struct scale_relay *relay, uint32_t n_bindings);
void scale_relay_end(struct scale_relay *relay); /* its end of the socket must be closed */

#endif
