/* rsipctl who: which host held a port, an SPI or a cookie of a public address at a time. */
#ifndef RSIPCTL_WHO_H
#define RSIPCTL_WHO_H

#include <stdbool.h>
#include <stdint.h>

struct options;

/* Returns the exit status; 1 also when nobody held it. */
int who_run(const struct options *o);

/* What is asked for by its form: a number up to 65535 is a port; a larger one, or one of up to 8 hexadecimal digits behind
 * 0x, an SPI; one of more of them a cookie. Returns the kind's word, or NULL when it is none of these. */
const char *who_kind(const char *text);

/* "2026-11-22T08:30:05Z", with a blank for the T, without the Z or the seconds; or "@" and seconds since 1970. UTC. False
 * when it is none of these. */
bool who_time(const char *text, int64_t *at);

#endif
