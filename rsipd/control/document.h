/* The gateway's objects as JSON: what `rsipctl -j` prints. Members are never taken away, only added. Each function
 * returns a new reference, never NULL: out of memory ends the program. */
#ifndef RSIPD_DOCUMENT_H
#define RSIPD_DOCUMENT_H

#include <jansson.h>

#include "addr.h"

struct binding;
struct conf_pool;
struct gateway;
struct session;

json_t *document_status(const struct gateway *gw);
json_t *document_stats(const struct gateway *gw);
json_t *document_data_plane(const struct gateway *gw); /* what it works from, beside the bindings */
json_t *document_host(const struct session *s);
json_t *document_binding(const struct gateway *gw, const struct binding *b);
json_t *document_pool_address(const struct gateway *gw, const struct conf_pool *pool, ip4_t addr);

#endif
