/* The agent's objects as JSON: what `rsipctl -s /run/rsip/rsipc.sock -j` prints. The members have the names that they
 * have at the gateway; a host sees one host, itself. Each function returns a new reference, never NULL. */
#ifndef RSIPC_DOCUMENT_H
#define RSIPC_DOCUMENT_H

#include <jansson.h>

struct host;
struct station;

json_t *document_station(const struct station *station); /* status without a gateway */
json_t *document_status(const struct host *host);
json_t *document_bindings(const struct host *host);
json_t *document_stats(const struct host *host);

#endif
