/* The user-space ESP at work: tunnels between one TUN device and the outer sockets. Packets from the device are routed
 * to the tunnel whose networks they are for; packets from outside go to the tunnel of their SPI. */
#ifndef RSIPC_ESP_ENGINE_H
#define RSIPC_ESP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "../adoption/sa_backend.h"
#include "esp_wire.h"

struct esp_conf;
struct esp_engine;
struct esp_tunnel;
struct loop;

struct esp_engine_counters {
	uint64_t no_tunnel;     /* out: no tunnel for these addresses */
	uint64_t unknown_spi;   /* in */
	uint64_t device_failed; /* in: the device did not take it */
	uint64_t malformed;     /* out: neither IPv4 nor IPv6 */
};

struct esp_engine_events {
	/* An authentic packet, newer than all before, came from another end than sa.remote. sa.newest does not count it
	 * yet. */
	void (*authentic)(struct esp_tunnel *t, struct sa_end from, uint64_t sequence, void *arg);
	/* An answer to esp_engine_probe came from this end. */
	void (*answered)(struct esp_tunnel *t, struct sa_end from, void *arg);
	/* The way to the peer leaves from another address now. */
	void (*local_changed)(struct esp_tunnel *t, ip4_t local, void *arg);
	void *arg;
};

/* Reads the keys, makes device, addresses, routes and sockets. Needs root. conf is borrowed. NULL after lines in the
 * log: nothing is left behind then. */
struct esp_engine *esp_engine_new(struct loop *loop, const struct esp_conf *conf,
                                  const struct esp_engine_events *events);
void esp_engine_free(struct esp_engine *engine); /* accepts NULL */

/* NULL starts, NULL ends. */
struct esp_tunnel *esp_engine_next(struct esp_engine *engine, const struct esp_tunnel *after);

/* The tunnel's ends have changed: its path is looked at anew. */
void esp_engine_moved(struct esp_engine *engine, struct esp_tunnel *t);

/* Sends at once a packet that says nothing: 0 or an errno number. */
int esp_engine_dummy(struct esp_engine *engine, struct esp_tunnel *t);

/* Sends to another end than the tunnel's a packet that the peer answers: 0 or an errno number. */
int esp_engine_probe(struct esp_engine *engine, struct esp_tunnel *t, struct sa_end to);

const struct esp_engine_counters *esp_engine_counters(const struct esp_engine *engine);
const struct esp_wire_counters *esp_engine_wire(const struct esp_engine *engine);

#endif
