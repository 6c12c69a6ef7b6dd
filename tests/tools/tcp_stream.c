#include "tcp_stream.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "message.h"

struct key {
	ip4_t src, dst;
	uint16_t src_port, dst_port;
};

struct stream {
	struct key key;
	bool synced;   /* next is known */
	uint32_t next; /* sequence number of the byte to come */
	size_t len;
	uint8_t bytes[2 * RSIP_MESSAGE_MAX]; /* a message that is not whole, and one segment */
	UT_hash_handle hh;
};

struct tcp_streams {
	struct stream *table;
	tcp_streams_cb *cb;
	void *arg;
};

struct tcp_streams *
tcp_streams_new(tcp_streams_cb *cb, void *arg)
{
	struct tcp_streams *streams = calloc(1, sizeof(*streams));

	if (streams == NULL)
		abort();
	streams->cb = cb;
	streams->arg = arg;
	return streams;
}

static struct stream *
find(struct tcp_streams *streams, const struct segment *s)
{
	struct key key;
	struct stream *st;

	memset(&key, 0, sizeof(key));
	key.src = s->src;
	key.dst = s->dst;
	key.src_port = s->src_port;
	key.dst_port = s->dst_port;
	HASH_FIND(hh, streams->table, &key, sizeof(key), st);
	if (st == NULL) {
		st = calloc(1, sizeof(*st));
		if (st == NULL)
			abort();
		st->key = key;
		HASH_ADD(hh, streams->table, key, sizeof(st->key), st);
	}
	return st;
}

static void
restart(struct stream *st, uint32_t next)
{
	st->synced = true;
	st->next = next;
	st->len = 0;
}

/* Hands out the messages that are whole by now. */
static void
deliver(struct tcp_streams *streams, struct stream *st, const struct segment *s)
{
	size_t at = 0;
	int frame;

	while ((frame = message_frame_len(st->bytes + at, st->len - at)) > 0 && (size_t)frame <= st->len - at) {
		streams->cb(streams->arg, s, st->bytes + at, (size_t)frame, NULL);
		at += (size_t)frame;
	}
	if (frame < 0) {
		streams->cb(streams->arg, s, NULL, 0, "an Overall Length below 4: the stream cannot be followed");
		at = st->len;
		st->synced = false;
	}
	memmove(st->bytes, st->bytes + at, st->len - at);
	st->len -= at;
}

void
tcp_streams_add(struct tcp_streams *streams, const struct segment *s)
{
	struct stream *st = find(streams, s);
	uint32_t seq = s->seq + s->syn, seen;

	if (s->syn || !st->synced)
		restart(st, seq);
	if (s->len > 0 && (int32_t)(seq - st->next) > 0) {
		streams->cb(streams->arg, s, NULL, 0, "bytes before this segment are missing in the capture");
		restart(st, seq);
	}
	seen = st->next - seq; /* bytes of the segment that were there before */
	if (seen < s->len) {
		memcpy(st->bytes + st->len, s->data + seen, s->len - seen);
		st->len += s->len - seen;
		st->next += (uint32_t)(s->len - seen);
		deliver(streams, st, s);
	}
	if (s->ended) {
		HASH_DEL(streams->table, st);
		free(st);
	}
}

void
tcp_streams_free(struct tcp_streams *streams)
{
	struct stream *st, *next;

	HASH_ITER(hh, streams->table, st, next) {
		HASH_DEL(streams->table, st);
		free(st);
	}
	free(streams);
}
