/* Time, at one seam: tests set it by hand. */
#ifndef RSIP_CLOCK_H
#define RSIP_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_BOOTTIME: never jumps, and counts time asleep. All lease times are measured on it. */
int64_t clock_now(void);

/* Seconds since 1970, for the store and for people only. */
int64_t clock_wall(void);

/* Test only: from now on both clocks stand at these values until set again. Milliseconds and seconds. */
void clock_set(int64_t now_ms, int64_t wall_s);

#endif
