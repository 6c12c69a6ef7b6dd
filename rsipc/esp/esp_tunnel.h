/* A tunnel: its outbound and inbound SA, with their keys, numbers, limits and counters. What becomes of a packet; no
 * sockets, no devices. */
#ifndef RSIPC_ESP_TUNNEL_H
#define RSIPC_ESP_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "../adoption/sa_backend.h"
#include "esp_conf.h"
#include "esp_inner.h"
#include "esp_packet.h"
#include "esp_probe.h"
#include "esp_replay.h"

struct esp_counter;
struct esp_sequence;

/* Packets that went no further, by why. */
struct esp_tunnel_drops {
	uint64_t replayed;    /* in: left of the window, or received already */
	uint64_t unauthentic; /* in: wrong ICV */
	uint64_t malformed;   /* in: no ESP packet by its length; or authentic, but no sound padding or IP packet inside */
	uint64_t unselected;  /* in: inner addresses that are not the tunnel's (RFC 4301 5.2 step 4) */
	uint64_t congested;   /* in: marked, and its sender would not understand (RFC 6040) */
	uint64_t wrong_encap; /* in: native for a tunnel with UDP, or the other way round */
	uint64_t over_limit;  /* both: the hard limit is reached */
	uint64_t overflow;    /* out: no sequence number left (RFC 4303 3.3.3) */
	uint64_t too_big;     /* out: longer than the path takes, with DF */
	uint64_t failed;      /* out: the kernel refused it */
	uint64_t dummies;     /* in: dummy packets, which is no fault */
};

struct esp_tunnel {
	struct sa sa; /* first: what address adoption sees */
	const struct esp_sa_conf *conf;
	struct esp_sequence *file;
	struct esp_transform *seal, *open;
	struct esp_counter *sent, *received;
	struct replay replay;
	struct esp_tunnel_drops drops;
	struct esp_probe probe;
	bool soft_told[2], hard_told[2];
	int64_t sent_at;      /* clock_now() of the tick that last found that it had sent, for keepalives */
	uint64_t ticked;      /* sa.out.packets then */
	unsigned inner_max;   /* longest inner packet for the path of now */
	UT_hash_handle hh;    /* by sa.spi_in */
};

/* keys: of esp_algorithm_key_len bytes, the caller's to wipe. conf and file are borrowed. NULL after a line in the
 * log. */
struct esp_tunnel *esp_tunnel_new(const struct esp_sa_conf *conf, const uint8_t *key_in, const uint8_t *key_out,
                                  struct esp_sequence *file);
void esp_tunnel_free(struct esp_tunnel *t); /* accepts NULL */

/* Seals the inner packet that stands at packet + esp_head_len. Returns the ESP packet's length; 0, counted, when none
 * may leave. next_header ESP_NEXT_NONE: a dummy. */
size_t esp_tunnel_seal(struct esp_tunnel *t, uint8_t *packet, size_t inner_len, uint8_t next_header);

/* Whether the tunnel carries packets between these inner addresses, outwards. */
bool esp_tunnel_selects(const struct esp_tunnel *t, const struct inner *p);

/* Opens a packet for this tunnel. `authentic`: it passed ICV and replay check, and *sequence is its number; whatever
 * the result says of its content. Returns true when *inner is to be delivered. */
struct esp_arrival { uint64_t sequence; bool authentic, newest; };
bool esp_tunnel_open(struct esp_tunnel *t, uint8_t *packet, size_t len, uint8_t outer_tos, struct esp_arrival *arrival,
                     struct inner *inner);

/* The longest inner packet over a path of this MTU: outer IPv4 header, UDP if any, ESP. */
unsigned esp_tunnel_inner_max(const struct esp_tunnel *t, unsigned path_mtu);

#endif
