/* More ports when they run out: "If the host's pool does not have any free ports and the host needs to open a new
 * communication session with a public host, it MUST be able to dynamically request one or more additional ports"
 * (RFC 3102 3.1). The kernel does not tell when a program finds none, so leases grow while there still are some, and what
 * they grew by is given back when it has not been used for a while. */
#ifndef RSIPC_GROWTH_H
#define RSIPC_GROWTH_H

#include <stdbool.h>

struct agent;
struct conf;
struct conf_lease;
struct lease;
struct ports_used;

#define GROWTH_INTERVAL_MS 500
#define GROWTH_IDLE_MS 60000

/* Whether any lease of the config may grow. */
bool growth_possible(const struct conf *conf);

bool growth_allowed(const struct conf_lease *want);

/* One look at one lease, which is owner's (NULL: the config's): asks for more where less than a quarter is free. Returns a
 * growth that the owner is to give back, NULL: none; one that is held is still in use by the owner until it has made sure
 * that no program gets ports of it. */
const struct lease *growth_of(struct agent *agent, const struct conf_lease *want, const void *owner,
    const struct ports_used *used);

/* One look, every GROWTH_INTERVAL_MS: a lease of which less than a quarter is free gets as many ports again as it has in
 * the config, up to its max-ports. */
void growth_step(const struct conf *conf, struct agent *agent, const struct ports_used *used);

#endif
