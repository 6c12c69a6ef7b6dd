/* The outer side: a UDP socket for encapsulated ESP (RFC 3948) and a raw one for native ESP (protocol 50), for all
 * tunnels. Packets leave in batches, and runs of equal ones as one (UDP_SEGMENT); they come in the same way
 * (UDP_GRO). */
#ifndef RSIPC_ESP_WIRE_H
#define RSIPC_ESP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../adoption/sa_backend.h"

struct esp_tunnel;
struct esp_wire;
struct loop;

struct esp_wire_counters {
	uint64_t keepalives_in, keepalives_out;
	uint64_t ike; /* in: a non-ESP marker: IKE, which this program does not speak */
	uint64_t malformed;
};

struct esp_wire_events {
	/* A packet of ESP, with ESP_WIRE_HEAD bytes in front of it that may be overwritten. */
	void (*packet)(uint8_t *bytes, size_t len, struct sa_end from, bool encap, uint8_t tos, void *arg);
	void (*batch_end)(void *arg);
	/* The path did not take the tunnel's packets: it may be narrower now. */
	void (*too_big)(struct esp_tunnel *t, void *arg);
	void *arg;
};
#define ESP_WIRE_HEAD 32

/* port: of UDP, 0 = no UDP tunnels. NULL after a line in the log. */
struct esp_wire *esp_wire_open(struct loop *loop, uint16_t port, bool native, const struct esp_wire_events *events);
void esp_wire_close(struct esp_wire *wire); /* accepts NULL */

/* Where a packet of exactly len bytes for this tunnel is to be built; it leaves when esp_wire_commit was called and the
 * batch is flushed, from and to where the tunnel's ends are then. tos, df: of the outer header. Never NULL. */
uint8_t *esp_wire_room(struct esp_wire *wire, struct esp_tunnel *t, size_t len, uint8_t tos, bool df);
void esp_wire_commit(struct esp_wire *wire);
void esp_wire_flush(struct esp_wire *wire);

/* Keeps a translator's mapping (RFC 3948 2.3). */
void esp_wire_keepalive(struct esp_wire *wire, struct esp_tunnel *t);

const struct esp_wire_counters *esp_wire_counters(const struct esp_wire *wire);

#endif
