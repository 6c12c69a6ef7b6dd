/* The checked reader and writer of wire bytes, and the only place of the control plane that swaps bytes. Both have a
 * sticky error: a caller reads or writes a whole structure and looks at the flag once. Integers are big-endian on the
 * wire and host order in C. */
#ifndef RSIP_BUF_H
#define RSIP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rbuf { const uint8_t *pos, *end; bool bad; }; /* borrows the bytes */

void rbuf_init(struct rbuf *r, const void *bytes, size_t len);
size_t rbuf_left(const struct rbuf *r);
/* Past the end these return 0 (or zero the destination) and set bad. */
uint8_t rbuf_u8(struct rbuf *r);
uint16_t rbuf_u16(struct rbuf *r);
uint32_t rbuf_u32(struct rbuf *r);
uint64_t rbuf_u64(struct rbuf *r);
void rbuf_copy(struct rbuf *r, void *dst, size_t len);
const uint8_t *rbuf_take(struct rbuf *r, size_t len); /* NULL past the end; valid as long as the bytes are */
struct rbuf rbuf_sub(struct rbuf *r, size_t len);     /* a reader of the next len bytes; bad when there are fewer */

struct wbuf { uint8_t *base; size_t len, cap; bool full; }; /* borrows the space */

void wbuf_init(struct wbuf *w, void *space, size_t cap);
void wbuf_u8(struct wbuf *w, uint8_t v);
void wbuf_u16(struct wbuf *w, uint16_t v);
void wbuf_u32(struct wbuf *w, uint32_t v);
void wbuf_u64(struct wbuf *w, uint64_t v);
void wbuf_bytes(struct wbuf *w, const void *src, size_t len);
void wbuf_patch_u16(struct wbuf *w, size_t at, uint16_t v); /* overwrite two bytes already written */

#endif
