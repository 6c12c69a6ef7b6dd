/* Packets that the engine sends of its own accord: keepalives, dummies, return probes. */
#include <errno.h>

#include "clock.h"
#include "esp_engine_impl.h"

void
esp_own_keepalives(struct esp_engine *engine)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < engine->conf->n_sas; i++) {
		struct esp_tunnel *t = engine->tunnels[i];
		bool idle = t->sa.out.packets == t->ticked;

		if (idle && (t->conf->keepalive_s == 0 || now - t->sent_at < (int64_t)t->conf->keepalive_s * 1000))
			continue;
		if (idle)
			esp_wire_keepalive(engine->wire, t);
		t->ticked = t->sa.out.packets;
		t->sent_at = now;
	}
}

/* The addresses of an own packet: of the networks that both ends agree on. */
static bool
inner_ends(const struct esp_tunnel *t, uint8_t *version, uint8_t src[16], uint8_t dst[16])
{
	for (size_t i = 0; i < t->conf->n_local_nets; i++) {
		for (size_t j = 0; j < t->conf->n_remote_nets; j++) {
			if (t->conf->local_nets[i].version != t->conf->remote_nets[j].version)
				continue;
			*version = t->conf->local_nets[i].version;
			esp_prefix_host(&t->conf->local_nets[i], src);
			esp_prefix_host(&t->conf->remote_nets[j], dst);
			return true;
		}
	}
	return false;
}

/* An inner packet that nobody answers rather than next header 59: Linux drops the latter before its replay window has
 * noted the number, and then has not heard from us. */
int
esp_engine_dummy(struct esp_engine *engine, struct esp_tunnel *t)
{
	uint8_t packet[INNER_DUMMY_LEN], src[16], dst[16], version, next_header = ESP_NEXT_NONE;
	size_t len = 0;
	bool sent;

	if (inner_ends(t, &version, src, dst)) {
		len = inner_dummy(packet, version, src, dst);
		next_header = version == 4 ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6;
	}
	sent = esp_flow_send(engine, t, packet, len, next_header, 0, false);
	esp_wire_flush(engine->wire);
	return sent ? 0 : ENOBUFS;
}

/* ---- return probes ---- */

int
esp_engine_probe(struct esp_engine *engine, struct esp_tunnel *t, struct sa_end to)
{
	uint8_t packet[ESP_PROBE_LEN];
	struct sa_end remote = t->sa.remote;
	bool sent;

	if (t->conf->probe_to == 0)
		return ENOTSUP;
	if (!esp_probe_make(&t->probe, to, t->conf->probe_from, t->conf->probe_to, packet))
		return EIO;
	esp_wire_flush(engine->wire); /* what waits is for where the tunnel goes */
	sent = esp_flow_send(engine, t, packet, sizeof(packet), ESP_NEXT_IPV4, 0, false);
	t->sa.remote = to;
	esp_wire_flush(engine->wire);
	t->sa.remote = remote;
	return sent ? 0 : ENOBUFS;
}
