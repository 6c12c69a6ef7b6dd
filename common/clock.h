/* Time, at one seam: tests set it by hand. */
#ifndef RSIP_CLOCK_H
#define RSIP_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_BOOTTIME: never jumps, and counts time asleep. All lease times are measured on it. */
int64_t clock_now(void);

/* Seconds since 1970, for the store and for people only: may jump at any time. */
int64_t clock_wall(void);
int64_t clock_wall_ms(void); /* the same in milliseconds */

/* Which start of the machine this is: clock_now goes on within one, and begins at 0 with each. "" when unknown. */
#define CLOCK_BOOT_LEN 37
const char *clock_boot(char id[CLOCK_BOOT_LEN]);

/* A descriptor that becomes readable when the machine has slept, and when its wall clock was set: in a virtual machine
 * that stood still, often the only sign of it. The caller closes it. -1 with errno. */
int clock_watch(void);
void clock_watch_read(int fd); /* until the next time it is not readable then */

/* Test only: from now on both clocks stand at these values until set again. Milliseconds and seconds. */
void clock_set(int64_t now_ms, int64_t wall_s);
void clock_set_wall_ms(int64_t wall_ms); /* test only: after clock_set, where the second is not to be a whole one */
void clock_set_boot(const char *id); /* test only; lives on */

#endif
