/* Inside of esp_engine.h: its life (esp_engine.c), the packets (esp_flow.c), and what it sends of its own accord
 * (esp_own.c). */
#ifndef RSIPC_ESP_ENGINE_IMPL_H
#define RSIPC_ESP_ENGINE_IMPL_H

#include "esp_conf.h"
#include "esp_engine.h"
#include "esp_merge.h"
#include "esp_tunnel.h"
#include "packet.h"

struct esp_engine {
	struct loop *loop;
	const struct esp_conf *conf;
	struct esp_engine_events events;
	struct esp_engine_counters counters;
	struct esp_sequence *sequence;
	struct esp_tunnel **tunnels; /* conf->n_sas, in its order */
	struct esp_tunnel *by_spi;   /* uthash over sa.spi_in */
	struct netlink *nl;
	struct netlink_watch *watch;
	struct loop_event *readable, *tick, *look;
	struct esp_wire *wire;
	int device;
	unsigned mtu; /* that the device has */
	int64_t looked;
	struct merger merger;
	uint8_t from_device[PACKET_MAX + 1];
};

/* esp_flow.c */
void esp_flow_device_readable(int fd, void *arg);
void esp_flow_packet(uint8_t *bytes, size_t len, struct sa_end from, bool encap, uint8_t tos, void *arg);
void esp_flow_batch_end(void *arg);
/* Puts an inner packet into the tunnel's batch; false when it may not leave. */
bool esp_flow_send(struct esp_engine *engine, struct esp_tunnel *t, const uint8_t *inner, size_t len,
                   uint8_t next_header, uint8_t tos, bool df);

/* esp_own.c */
void esp_own_keepalives(struct esp_engine *engine);

#endif
