/* Packets that the engine sends of its own accord: keepalives, dummies, return probes. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "checksum.h"
#include "clock.h"
#include "esp_engine_impl.h"
#include "icmp.h"
#include "wire.h"

void
esp_own_keepalives(struct esp_engine *engine)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < engine->conf->n_sas; i++) {
		struct esp_tunnel *t = engine->tunnels[i];

		if (t->conf->keepalive_s == 0 || now - t->sent_at < (int64_t)t->conf->keepalive_s * 1000)
			continue;
		t->sent_at = now;
		esp_wire_keepalive(engine->wire, t);
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
	t->sent_at = clock_now();
	return sent ? 0 : ENOBUFS;
}

/* ---- return probes ---- */

/* An echo request from one of our addresses to the peer's. */
static size_t
build_probe(struct esp_engine *engine, const struct esp_tunnel *t, uint8_t *out)
{
	size_t len = IPV4_HEADER_LEN + ICMP_HEADER_LEN + PROBE_LEN;
	uint8_t *icmp = out + IPV4_HEADER_LEN;

	memset(out, 0, len);
	out[0] = 0x45;
	wire_put16(out + 2, (uint16_t)len);
	out[IPV4_TTL] = 64;
	out[IPV4_PROTO] = IP_PROTO_ICMP;
	wire_put32(out + IPV4_SRC, t->conf->probe_from);
	wire_put32(out + IPV4_DST, t->conf->probe_to);
	wire_put16(out + IPV4_CHECKSUM, checksum(out, IPV4_HEADER_LEN));
	icmp[0] = ICMP_TYPE_ECHO;
	memcpy(icmp + ICMP_HEADER_LEN, engine->probe.data, PROBE_LEN);
	wire_put16(icmp + 2, checksum(icmp, ICMP_HEADER_LEN + PROBE_LEN));
	return len;
}

int
esp_engine_probe(struct esp_engine *engine, struct esp_tunnel *t, struct sa_end to)
{
	uint8_t packet[IPV4_HEADER_LEN + ICMP_HEADER_LEN + PROBE_LEN];
	struct sa_end remote = t->sa.remote;
	bool sent;

	if (t->conf->probe_to == 0)
		return ENOTSUP;
	if (RAND_bytes(engine->probe.data, PROBE_LEN) != 1)
		return EIO;
	engine->probe.tunnel = t;
	esp_wire_flush(engine->wire); /* what waits is for where the tunnel goes */
	sent = esp_flow_send(engine, t, packet, build_probe(engine, t, packet), ESP_NEXT_IPV4, 0, false);
	t->sa.remote = to;
	esp_wire_flush(engine->wire);
	t->sa.remote = remote;
	return sent ? 0 : ENOBUFS;
}

bool
esp_own_answers(struct esp_engine *engine, const struct esp_tunnel *t, const struct inner *p)
{
	const uint8_t *icmp = p->bytes + IPV4_HEADER_LEN;

	if (engine->probe.tunnel != t || p->version != 4 || p->len != IPV4_HEADER_LEN + ICMP_HEADER_LEN + PROBE_LEN ||
	    p->bytes[IPV4_PROTO] != IP_PROTO_ICMP || icmp[0] != ICMP_TYPE_ECHO_REPLY ||
	    CRYPTO_memcmp(icmp + ICMP_HEADER_LEN, engine->probe.data, PROBE_LEN) != 0)
		return false;
	engine->probe.tunnel = NULL;
	return true;
}
