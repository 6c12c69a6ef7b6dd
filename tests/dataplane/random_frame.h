/* Frames by chance, the same for the same seed: some as a host could have sent or asked for, most wrong in one way or
 * several. */
#ifndef TESTS_RANDOM_FRAME_H
#define TESTS_RANDOM_FRAME_H

#include "frame.h"

struct random_source { uint64_t state; };

uint32_t random_below(struct random_source *r, uint32_t n);
void random_frame(struct random_source *r, struct frame *f);

#endif
