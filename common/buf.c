#include "buf.h"

#include <string.h>

void
rbuf_init(struct rbuf *r, const void *bytes, size_t len)
{
	r->pos = bytes;
	r->end = r->pos + len;
	r->bad = false;
}

size_t
rbuf_left(const struct rbuf *r)
{
	return (size_t)(r->end - r->pos);
}

/* Every read goes through here: the one bounds check of the control plane. A reader that went bad stays at its end. */
const uint8_t *
rbuf_take(struct rbuf *r, size_t len)
{
	const uint8_t *at = r->pos;

	if (r->bad || len > rbuf_left(r)) {
		r->bad = true;
		r->pos = r->end;
		return NULL;
	}
	r->pos += len;
	return at;
}

static uint64_t
read_int(struct rbuf *r, size_t len)
{
	const uint8_t *at = rbuf_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		v = v << 8 | at[i];
	return v;
}

uint8_t
rbuf_u8(struct rbuf *r)
{
	return (uint8_t)read_int(r, 1);
}

uint16_t
rbuf_u16(struct rbuf *r)
{
	return (uint16_t)read_int(r, 2);
}

uint32_t
rbuf_u32(struct rbuf *r)
{
	return (uint32_t)read_int(r, 4);
}

uint64_t
rbuf_u64(struct rbuf *r)
{
	return read_int(r, 8);
}

void
rbuf_copy(struct rbuf *r, void *dst, size_t len)
{
	const uint8_t *at = rbuf_take(r, len);

	if (at != NULL)
		memcpy(dst, at, len);
	else
		memset(dst, 0, len);
}

struct rbuf
rbuf_sub(struct rbuf *r, size_t len)
{
	const uint8_t *at = rbuf_take(r, len);

	if (at == NULL)
		return (struct rbuf) { .pos = r->end, .end = r->end, .bad = true };
	return (struct rbuf) { .pos = at, .end = at + len };
}

void
wbuf_init(struct wbuf *w, void *space, size_t cap)
{
	*w = (struct wbuf) { .base = space, .cap = cap };
}

/* Every write goes through here. A writer that ran full takes nothing more, so no later, smaller piece slips in. */
static uint8_t *
reserve(struct wbuf *w, size_t len)
{
	uint8_t *at = w->base + w->len;

	if (w->full || len > w->cap - w->len) {
		w->full = true;
		return NULL;
	}
	w->len += len;
	return at;
}

static void
write_int(struct wbuf *w, uint64_t v, size_t len)
{
	uint8_t *at = reserve(w, len);

	for (size_t i = len; at != NULL && i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

void
wbuf_u8(struct wbuf *w, uint8_t v)
{
	write_int(w, v, 1);
}

void
wbuf_u16(struct wbuf *w, uint16_t v)
{
	write_int(w, v, 2);
}

void
wbuf_u32(struct wbuf *w, uint32_t v)
{
	write_int(w, v, 4);
}

void
wbuf_u64(struct wbuf *w, uint64_t v)
{
	write_int(w, v, 8);
}

void
wbuf_bytes(struct wbuf *w, const void *src, size_t len)
{
	uint8_t *at = reserve(w, len);

	if (at != NULL && len > 0)
		memcpy(at, src, len);
}

void
wbuf_patch_u16(struct wbuf *w, size_t at, uint16_t v)
{
	struct wbuf patch = { .base = w->base, .len = at, .cap = w->len };

	if (at > w->len) {
		w->full = true;
		return;
	}
	wbuf_u16(&patch, v);
	w->full |= patch.full;
}
