/* A second opinion on leases, as simple as can be: an array of cells for each public address, one a port, an SPI, a part
 * of the cookie space, a peer that IKE is listened for. It shares no code with the pools. */
#ifndef TESTS_NAIVE_MODEL_H
#define TESTS_NAIVE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "binding.h"
#include "policy.h"

#define MODEL_SHARED 3            /* addresses of the pool that is shared, from MODEL_ADDR on */
#define MODEL_WHOLE 2             /* addresses leased whole, behind them */
#define MODEL_ADDR 0xcb007108u    /* 203.0.113.8 */
#define MODEL_PORTS 48            /* from MODEL_PORT on */
#define MODEL_PORT 1000u
#define MODEL_SPIS 64             /* from MODEL_SPI on */
#define MODEL_SPI 0x1000u
#define MODEL_COOKIES 8           /* eighths of the cookie space */
#define MODEL_PEERS 2             /* from MODEL_PEER on */
#define MODEL_PEER 0x08080808u
#define MODEL_HOLD_MS 120000
#define MODEL_MAX_BINDINGS 5 /* a host */
#define MODEL_MAX_PORTS 20
#define MODEL_MAX_SPIS 20
#define MODEL_MAX_COOKIES 2
#define MODEL_BINDINGS 64 /* more than hosts and quotas allow */

/* The config of such a gateway, for hosts of 10.0.0.0/24. */
extern const char model_conf[];

struct model_cell { uint32_t bind_id; ip4_t held_for; int64_t until; };

struct model_binding {
	uint32_t bind_id; /* 0: none */
	ip4_t host;
	int64_t expires;
	uint32_t n_ports, n_spis, n_cookies;
};

struct model {
	int64_t now;
	struct {
		struct model_cell ports[MODEL_PORTS], spis[MODEL_SPIS], cookies[MODEL_COOKIES], peers[MODEL_PEERS];
	} shared[MODEL_SHARED];
	struct model_cell whole[MODEL_WHOLE];
	struct model_binding bindings[MODEL_BINDINGS];
};

/* Whether the request of a host must be granted. */
bool model_can_grant(const struct model *m, ip4_t host, const struct lease_request *req);

/* It was granted so. NULL, or what is wrong with that. */
const char *model_grant(struct model *m, ip4_t host, const struct lease_request *req, const struct binding *b);

void model_end(struct model *m, uint32_t bind_id);
void model_extend(struct model *m, uint32_t bind_id, int64_t expires);
void model_pass(struct model *m, int64_t now); /* what has expired ends */
unsigned model_count(const struct model *m);   /* bindings */
bool model_is_empty(const struct model *m);    /* nothing leased, nothing held */

#endif
