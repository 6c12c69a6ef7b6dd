/* Whether a fast path did to a frame what it may: what kernel and relay would have done, or nothing at all. */
#ifndef TESTS_COMPARE_H
#define TESTS_COMPARE_H

#include <stdio.h>

#include "fast_path.h"
#include "outcome.h"

/* NULL, or what is wrong; the string lives until the next call. relayed is what becomes of the frame without a fast
 * path. A frame that leaves on a link must be sent by the fast path itself, whole and byte for byte, except those that
 * the fast path may pass up: see may_pass in compare.c. */
const char *compare(const struct frame *f, const struct outcome *relayed, const struct fast_result *fast);

/* The frame and both fates, in words and in hex. */
void compare_print(FILE *to, const struct frame *f, const struct outcome *relayed, const struct fast_result *fast);

#endif
