/* SIGHUP: the config file is read again, for the leases that it asks for. */
#ifndef RSIPC_RELOAD_H
#define RSIPC_RELOAD_H

#include <stdbool.h>

struct agent;
struct conf;
struct guests;

/* Leases that the file at path still asks for stay as they are; others are freed, and new ones asked for. All other sections
 * are checked, but count from the next start. False, and nothing is changed, when the file has any fault: each is told by a
 * line in the log. */
bool reload(struct conf *conf, const char *path, struct agent *agent, struct guests *guests);

#endif
