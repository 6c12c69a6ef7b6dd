#include "esp_tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "esp_sequence.h"
#include "log.h"
#include "mem.h"
#include "packet.h"

#define UDP_HEADER_LEN 8

enum direction { IN, OUT };
static const char *const direction_names[] = { "in", "out" };
static const enum esp_next_header header_of_version[] = { [4] = ESP_NEXT_IPV4, [6] = ESP_NEXT_IPV6 };

static uint64_t
last_sequence(const struct esp_sa_conf *conf)
{
	return conf->esn ? UINT64_MAX : UINT32_MAX;
}

struct esp_tunnel *
esp_tunnel_new(const struct esp_sa_conf *conf, const uint8_t *key_in, const uint8_t *key_out, struct esp_sequence *file)
{
	struct esp_tunnel *t = mem_zero(1, sizeof(*t));
	size_t len = esp_algorithm_key_len(conf->algorithm);

	t->conf = conf;
	t->file = file;
	snprintf(t->sa.name, sizeof(t->sa.name), "%s", conf->name);
	t->sa.spi_in = conf->spi_in;
	t->sa.spi_out = conf->spi_out;
	t->sa.encap = conf->encap;
	t->sa.esn = conf->esn;
	t->sa.remote = (struct sa_end){ conf->remote, conf->remote_port };
	t->open = esp_transform_new(conf->algorithm, key_in, conf->esn, false);
	t->seal = esp_transform_new(conf->algorithm, key_out, conf->esn, true);
	t->received = esp_sequence_find(file, key_in, len, false, last_sequence(conf));
	t->sent = esp_sequence_find(file, key_out, len, true, last_sequence(conf));
	if (t->open == NULL || t->seal == NULL || t->received == NULL || t->sent == NULL) {
		esp_tunnel_free(t);
		return NULL;
	}
	t->sa.newest = t->received->sequence;
	replay_init(&t->replay, conf->window, conf->esn, t->received->sequence);
	return t;
}

void
esp_tunnel_free(struct esp_tunnel *t)
{
	if (t == NULL)
		return;
	esp_transform_free(t->open);
	esp_transform_free(t->seal);
	free(t);
}

/* ---- limits ---- */

static void
tell_limit(struct esp_tunnel *t, enum direction direction, bool hard)
{
	bool *told = hard ? t->hard_told : t->soft_told;

	if (told[direction])
		return;
	told[direction] = true;
	if (hard)
		log_error("esp", "hard limit reached sa=%s direction=%s: nothing passes any more; set new keys", t->sa.name,
		    direction_names[direction]);
	else
		log_warn("esp", "soft limit reached sa=%s direction=%s: set new keys soon", t->sa.name, direction_names[direction]);
}

/* Whether one more packet of len bytes may use the key. */
static bool
within_limits(struct esp_tunnel *t, const struct esp_counter *c, size_t len, enum direction direction)
{
	const struct esp_limits *soft = &t->conf->soft, *hard = &t->conf->hard;

	if (c->packets >= hard->packets || c->bytes + len > hard->bytes) {
		tell_limit(t, direction, true);
		t->drops.over_limit++;
		return false;
	}
	if (c->packets >= soft->packets || c->bytes >= soft->bytes)
		tell_limit(t, direction, false);
	return true;
}

static void
count(struct esp_counter *c, struct sa_counts *counts, size_t len)
{
	c->packets++;
	c->bytes += len;
	counts->packets++;
	counts->bytes += len;
}

/* ---- out ---- */

bool
esp_tunnel_selects(const struct esp_tunnel *t, const struct inner *p)
{
	return esp_prefix_find(t->conf->remote_nets, t->conf->n_remote_nets, p->version, p->dst) != NULL &&
	       esp_prefix_find(t->conf->local_nets, t->conf->n_local_nets, p->version, p->src) != NULL;
}

/* The next sequence number, never one that was used; 0 when there is none (RFC 4303 3.3.3). */
static uint64_t
take_sequence(struct esp_tunnel *t)
{
	struct esp_counter *c = t->sent;

	if (c->sequence == last_sequence(t->conf)) {
		tell_limit(t, OUT, true);
		t->drops.overflow++;
		return 0;
	}
	if (c->sequence >= c->reserved && !esp_sequence_reserve(t->file, c)) {
		t->drops.failed++;
		return 0;
	}
	return ++c->sequence;
}

size_t
esp_tunnel_seal(struct esp_tunnel *t, uint8_t *packet, size_t inner_len, uint8_t next_header)
{
	uint64_t sequence;
	size_t len;

	if (!within_limits(t, t->sent, inner_len, OUT) || (sequence = take_sequence(t)) == 0)
		return 0;
	len = esp_seal(t->seal, packet, inner_len, next_header, t->sa.spi_out, sequence, sequence);
	if (len == 0) {
		t->drops.failed++;
		return 0;
	}
	count(t->sent, &t->sa.out, inner_len);
	return len;
}

/* ---- in ---- */

/* Replay check, ICV, window: in this order, so that a packet that is not authentic costs no more than it must and
 * changes nothing (RFC 4303 3.4.3). */
static bool
authenticate(struct esp_tunnel *t, uint8_t *packet, size_t len, struct esp_arrival *arrival, struct esp_inner *payload)
{
	struct esp_header header;
	enum esp_verdict verdict;

	if (!esp_header_read(packet, len, &header)) {
		t->drops.malformed++;
		return false;
	}
	arrival->sequence = replay_sequence(&t->replay, header.sequence);
	if (!replay_fresh(&t->replay, arrival->sequence)) {
		t->drops.replayed++;
		return false;
	}
	if (!within_limits(t, t->received, len, IN))
		return false;
	verdict = esp_open(t->open, packet, len, arrival->sequence, payload);
	if (verdict == ESP_UNAUTHENTIC || verdict == ESP_MALFORMED) {
		++*(verdict == ESP_MALFORMED ? &t->drops.malformed : &t->drops.unauthentic);
		return false;
	}
	arrival->authentic = true;
	arrival->newest = replay_accept(&t->replay, arrival->sequence);
	t->received->sequence = t->replay.highest;
	t->drops.malformed += verdict == ESP_BAD_PADDING;
	return verdict == ESP_GOOD;
}

/* What came out must be what the selectors say (RFC 4301 5.2), seen from the other side. */
static bool
selected(const struct esp_tunnel *t, const struct inner *p)
{
	return esp_prefix_find(t->conf->remote_nets, t->conf->n_remote_nets, p->version, p->src) != NULL &&
	       esp_prefix_find(t->conf->local_nets, t->conf->n_local_nets, p->version, p->dst) != NULL;
}

bool
esp_tunnel_open(struct esp_tunnel *t, uint8_t *packet, size_t len, uint8_t outer_tos, struct esp_arrival *arrival,
    struct inner *inner)
{
	struct esp_inner payload;

	*arrival = (struct esp_arrival){ 0 };
	if (!authenticate(t, packet, len, arrival, &payload))
		return false;
	count(t->received, &t->sa.in, payload.len);
	if (payload.next_header == ESP_NEXT_NONE)
		t->drops.dummies++;
	else if (!inner_parse(inner, payload.bytes, payload.len) || header_of_version[inner->version] != payload.next_header)
		t->drops.malformed++;
	else if (!selected(t, inner))
		t->drops.unselected++;
	else if (!inner_take_ecn(outer_tos, inner))
		t->drops.congested++;
	else
		return true;
	return false;
}

unsigned
esp_tunnel_inner_max(const struct esp_tunnel *t, unsigned path_mtu)
{
	unsigned outer = IPV4_HEADER_LEN + (t->conf->encap ? UDP_HEADER_LEN : 0);

	return path_mtu <= outer ? 0 : (unsigned)esp_inner_max(t->conf->algorithm, path_mtu - outer);
}
