/* Packets through the engine, both ways. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "esp_device.h"
#include "esp_engine_impl.h"
#include "esp_segment.h"
#include "log.h"
#include "loop.h"

#define READS 32 /* from the device before the other side gets its turn */

_Static_assert(ESP_WIRE_HEAD >= ESP_DEVICE_HEAD && MERGE_HEAD >= ESP_DEVICE_HEAD, "room for the device's header");

/* ---- device -> tunnel ---- */

/* The tunnel whose remote network is the longest match for the destination, of those that the source is allowed in. */
static struct esp_tunnel *
route(const struct esp_engine *engine, const struct inner *p)
{
	struct esp_tunnel *best = NULL;
	int best_len = -1;

	for (size_t i = 0; i < engine->conf->n_sas; i++) {
		struct esp_tunnel *t = engine->tunnels[i];
		const struct esp_prefix *to = esp_prefix_find(t->conf->remote_nets, t->conf->n_remote_nets, p->version, p->dst);

		if (to != NULL && to->len > best_len && esp_tunnel_selects(t, p)) {
			best = t;
			best_len = to->len;
		}
	}
	return best;
}

static bool
outer_df(const struct esp_tunnel *t, bool inner_df)
{
	return t->conf->df == ESP_DF_SET || (t->conf->df == ESP_DF_COPY && inner_df);
}

static size_t
sealed_len(const struct esp_tunnel *t, size_t inner_len)
{
	return esp_head_len(t->conf->algorithm) + inner_len + esp_tail_len(t->conf->algorithm, inner_len);
}

bool
esp_flow_send(struct esp_engine *engine, struct esp_tunnel *t, const uint8_t *inner, size_t len, uint8_t next_header,
    uint8_t tos, bool df)
{
	uint8_t *packet = esp_wire_room(engine->wire, t, sealed_len(t, len), tos, df);

	if (len > 0)
		memcpy(packet + esp_head_len(t->conf->algorithm), inner, len);
	if (esp_tunnel_seal(t, packet, len, next_header) == 0)
		return false;
	esp_wire_commit(engine->wire);
	return true;
}

/* Each packet that the super-packet stands for. */
static void
send_segments(struct esp_engine *engine, struct esp_tunnel *t, struct segmenter *s, const struct inner *p)
{
	uint8_t next_header = p->version == 4 ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6;
	size_t head = esp_head_len(t->conf->algorithm), len;
	bool df = outer_df(t, p->dont_fragment);

	while ((len = segmenter_peek(s)) > 0) {
		uint8_t *packet = esp_wire_room(engine->wire, t, sealed_len(t, len), p->tos, df);

		segmenter_next(s, packet + head);
		if (esp_tunnel_seal(t, packet, len, next_header) > 0)
			esp_wire_commit(engine->wire);
	}
}

/* The sender is told as a router would (RFC 1191, RFC 8201); 68 bytes are the least that IPv4 has. */
static void
answer_too_big(struct esp_engine *engine, struct esp_tunnel *t, const struct inner *p)
{
	uint8_t error[ESP_DEVICE_HEAD + INNER_ERROR_MAX];
	size_t len = inner_too_big(error + ESP_DEVICE_HEAD, p, t->inner_max, t->sa.remote.addr);

	t->drops.too_big++;
	if (len > 0 && !esp_device_write(engine->device, NULL, error + ESP_DEVICE_HEAD, len))
		engine->counters.device_failed++;
}

static void
outbound(struct esp_engine *engine, const struct virtio_net_hdr *header, uint8_t *bytes, size_t len)
{
	struct segmenter s;
	struct esp_tunnel *t;
	struct inner p;

	if (!inner_parse(&p, bytes, len) || !segmenter_begin(&s, header, bytes, p.len)) {
		engine->counters.malformed++;
	} else if ((t = route(engine, &p)) == NULL) {
		engine->counters.no_tunnel++;
	} else if (segmenter_peek(&s) > t->inner_max && p.dont_fragment && t->conf->df != ESP_DF_CLEAR) {
		answer_too_big(engine, t, &p);
	} else {
		send_segments(engine, t, &s, &p);
	}
}

/* Somebody deleted the device: its descriptor would be readable for ever. */
static void
device_gone(struct esp_engine *engine)
{
	log_error("esp", "the device was removed device=%s: nothing passes any more; start rsipc again", engine->conf->device);
	loop_event_free(engine->readable);
	engine->readable = NULL;
}

void
esp_flow_device_readable(int fd, void *arg)
{
	struct esp_engine *engine = arg;
	struct virtio_net_hdr header;
	ssize_t len;

	for (unsigned i = 0; i < READS; i++) {
		if ((len = esp_device_read(fd, &header, engine->from_device, sizeof(engine->from_device))) < 0) {
			if (errno == EBADFD)
				device_gone(engine);
			break;
		}
		if (len > 0)
			outbound(engine, &header, engine->from_device, (size_t)len);
	}
	esp_wire_flush(engine->wire);
}

/* ---- tunnel -> device ---- */

static void
flush_merged(struct esp_engine *engine)
{
	struct virtio_net_hdr header;
	uint8_t *packet;
	size_t len = merger_finish(&engine->merger, &packet, &header);

	if (len > 0 && !esp_device_write(engine->device, &header, packet, len))
		engine->counters.device_failed++;
}

/* In the order of arrival. */
static void
deliver(struct esp_engine *engine, const struct inner *p)
{
	if (merger_take(&engine->merger, p->bytes, p->len))
		return;
	flush_merged(engine);
	if (merger_take(&engine->merger, p->bytes, p->len))
		return;
	if (!esp_device_write(engine->device, NULL, p->bytes, p->len))
		engine->counters.device_failed++;
}

/* What address adoption hears: an authentic packet that is the newest, from elsewhere. */
static void
tell(struct esp_engine *engine, struct esp_tunnel *t, const struct esp_arrival *arrival, struct sa_end from)
{
	if (!arrival->authentic || !arrival->newest)
		return;
	if (!sa_end_equal(from, t->sa.remote))
		engine->events.authentic(t, from, arrival->sequence, engine->events.arg);
	t->sa.newest = arrival->sequence;
}

void
esp_flow_packet(uint8_t *bytes, size_t len, struct sa_end from, bool encap, uint8_t tos, void *arg)
{
	struct esp_engine *engine = arg;
	struct esp_arrival arrival;
	struct esp_header header;
	struct esp_tunnel *t;
	struct inner inner;
	bool whole;

	if (!esp_header_read(bytes, len, &header)) {
		engine->counters.unknown_spi++;
		return;
	}
	HASH_FIND(hh, engine->by_spi, &header.spi, sizeof(header.spi), t);
	if (t == NULL) {
		engine->counters.unknown_spi++;
		return;
	}
	if (t->conf->encap != encap) {
		t->drops.wrong_encap++;
		return;
	}
	whole = esp_tunnel_open(t, bytes, len, tos, &arrival, &inner);
	tell(engine, t, &arrival, from);
	if (!whole)
		return;
	if (esp_probe_answered(&t->probe, &inner))
		engine->events.answered(t, from, engine->events.arg);
	else
		deliver(engine, &inner);
}

void
esp_flow_batch_end(void *arg)
{
	flush_merged(arg);
}
