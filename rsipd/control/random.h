/* Unpredictable numbers for client IDs, ports, SPIs and cookies: OpenSSL's generator, at one seam. */
#ifndef RSIPD_RANDOM_H
#define RSIPD_RANDOM_H

#include <stdint.h>

uint64_t random_u64(void); /* a generator that fails ends the program: nothing may be granted without it */
uint64_t random_below(uint64_t n); /* 0..n-1, each as likely; n > 0 */

/* Test only: from now on the numbers follow from this seed. */
void random_seed(uint64_t seed);

#endif
