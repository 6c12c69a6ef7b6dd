/* The set of routes and rules that this program has in the kernel. A new set is collected, and then brought about by the
 * fewest changes: what stays is not touched, so traffic on it does not notice. */
#ifndef RSIPC_ROUTES_H
#define RSIPC_ROUTES_H

#include "netlink.h"

struct routes;

/* nl is borrowed. The number marks what is ours, so that it can be found again after a crash: netlink_purge. */
struct routes *routes_new(struct netlink *nl, uint8_t protocol);
void routes_free(struct routes *routes); /* leaves the kernel as it is; accepts NULL */

/* The next set. protocol is filled in here; the first route to a prefix in a table wins over later ones. */
void routes_want_route(struct routes *routes, struct netlink_route route);
void routes_want_rule(struct routes *routes, struct netlink_rule rule);

/* Makes the next set the present one; it is empty again. Faults are logged, and what failed is tried at the next commit. */
void routes_commit(struct routes *routes);

#endif
