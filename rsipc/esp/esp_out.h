/* The outbound half of esp_wire.h: the batch, and how it leaves. */
#ifndef RSIPC_ESP_OUT_H
#define RSIPC_ESP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../adoption/sa_backend.h"

struct esp_out;
struct esp_tunnel;

/* The sockets are borrowed; -1: there is none. too_big as in esp_wire.h. */
struct esp_out *esp_out_new(int udp, int raw, void (*too_big)(struct esp_tunnel *t, void *arg), void *arg);
void esp_out_free(struct esp_out *out); /* accepts NULL */

uint8_t *esp_out_room(struct esp_out *out, struct esp_tunnel *t, size_t len, uint8_t tos, bool df);
void esp_out_commit(struct esp_out *out);
void esp_out_flush(struct esp_out *out);

/* One datagram of UDP at once, outside of the batch. */
void esp_out_datagram(struct esp_out *out, struct esp_tunnel *t, const void *bytes, size_t len);

#endif
