/* SIGHUP: the config file is read again, for the leases that it asks for and for the options of section adoption. */
#ifndef RSIPC_RELOAD_H
#define RSIPC_RELOAD_H

#include <stdbool.h>

struct agent;
struct conf;
struct guests;
struct ipsec;

/* Leases that the file at path still asks for stay as they are; others are freed, and new ones asked for. All other sections
 * are checked, but count from the next start, section adoption as a whole too where it comes or goes. False, and nothing is
 * changed, when the file has any fault: each is told by a line in the log. ipsec may be NULL. */
bool reload(struct conf *conf, const char *path, struct agent *agent, struct guests *guests,
            struct ipsec *ipsec);

/* The same without a gateway, where there is nothing to lease. */
bool reload_station(struct conf *conf, const char *path, struct ipsec *ipsec);

#endif
