/* The surroundings of an agent under test: a gateway that says what the test tells it to, a clock set by hand, and a
 * record of what the agent did. */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent.h"
#include "conf.h"
#include "grant.h"
#include "lease.h"
#include "rsip_proto.h"

#define WORLD_SENT_MAX 64

struct world {
	struct conf conf;
	struct conf_lease leases[4];
	struct agent *agent;
	int64_t now, wake;
	int opens, closes, changes;
	bool stopped;
	bool async;   /* the gateway speaks unasked: counter 0 */
	bool counts;  /* the gateway uses message counters */
	uint8_t tunnel_told; /* by the gateway; 0 = the one asked for */
	uint32_t key_told;   /* of GRE, by the gateway; 0 = none */
	uint32_t counter; /* of the last request */
	char sent[WORLD_SENT_MAX][512]; /* as message_str prints them, without the host's name */
	unsigned n_sent, n_seen;
	int64_t sent_at[WORLD_SENT_MAX];
	uint8_t bytes[512]; /* the latest request */
	size_t len;
	bool repeated; /* it is the one before, byte for byte */
};

/* A world with one lease "apps" of 4 ports, not yet running. Tests change conf before world_begin. */
void world_init(struct world *w, bool udp);
struct conf_lease *world_lease(struct world *w, const char *name, uint8_t method); /* one more */
void world_begin(struct world *w); /* makes the agent */
void world_run(struct world *w);   /* begin, and bring the transport up */
void world_end(struct world *w);

/* Time passes, timers fire on the way. */
void world_wait(struct world *w, int64_t ms);
/* The same with a gateway that answers each QUERY; what was sent before the last request is forgotten. */
void world_live(struct world *w, int64_t ms);

/* C --> S: the next request is this one. */
void host(struct world *w, const char *notation);
void host_silent(struct world *w); /* nothing more was sent */

/* S --> C. */
void gw_registered(struct world *w, uint32_t client_id, uint32_t lease_s, int local, int remote);
void gw_ports(struct world *w, uint32_t bind_id, const char *addr, uint16_t first, uint8_t number, uint32_t lease_s);
void gw_ports_to(struct world *w, uint32_t bind_id, const char *addr, uint16_t port, const char *remote); /* macro-flow */
void gw_listen(struct world *w, uint32_t bind_id, const char *addr, uint16_t port, uint32_t lease_s);
void gw_whole(struct world *w, uint32_t bind_id, const char *addr, uint32_t lease_s);
void gw_ipsec(struct world *w, uint32_t bind_id, const char *addr, uint32_t spi, uint16_t number, uint64_t cookie);
void gw_extended(struct world *w, uint32_t bind_id, uint32_t lease_s);
void gw_freed(struct world *w, uint32_t bind_id);
void gw_de_registered(struct world *w, uint32_t client_id);
void gw_local(struct world *w, const char *network); /* QUERY_RESPONSE with one local network, or none (NULL) */
void gw_error(struct world *w, enum rsip_error error, uint32_t client_id); /* 0: none in it */
void gw_calls(struct world *w, enum rsip_error error); /* an error to the port of RSIP, unasked */
void gw_bytes(struct world *w, const void *bytes, size_t len);

/* Registers as client 1 for two hours, takes the ports 203.0.113.8:1234-1237 as bind ID 1 for an hour, and hears that
 * 10.0.0.0/8 is local. */
void world_settle(struct world *w);

const struct lease *lease_named(const struct world *w, const char *name); /* the first part of it, or NULL */
unsigned leases_held(const struct world *w);

#endif
