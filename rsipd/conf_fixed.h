/* What of the configuration cannot change while the gateway runs: sockets, interfaces and files that were opened for it
 * at the start. */
#ifndef RSIPD_CONF_FIXED_H
#define RSIPD_CONF_FIXED_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"

/* True when a reload from one to the other can be done; else false with a sentence in why. */
bool conf_may_follow(const struct conf *old, const struct conf *new, char *why, size_t why_size);

#endif
