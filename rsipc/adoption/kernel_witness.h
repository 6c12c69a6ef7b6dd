/* The capture of ESP headers by which it is judged who sent the newest packet: verdict.h. */
#ifndef RSIPC_KERNEL_WITNESS_H
#define RSIPC_KERNEL_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sa_backend.h"

struct loop;
struct witness;

/* Captures headers of this SPI that come in for local. readable is called when some wait. NULL after a line in the log. */
struct witness *witness_open(struct loop *loop, uint32_t spi, struct sa_end local, void (*readable)(void *arg), void *arg);
void witness_close(struct witness *witness); /* accepts NULL */

/* The kernel told that this source sent an authentic packet. */
void witness_mapping(struct witness *witness, struct sa_end source);

/* Reads what was captured so far and judges. h was asked of the kernel just before; witness_mapping has told all mappings
 * that waited then. */
bool witness_judge(struct witness *witness, uint64_t h, struct sa_end own, struct sa_end *source);

#endif
