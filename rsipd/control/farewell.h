/* The last responses to UDP hosts that have de-registered: a registration and its replay buffer are gone, but the host
 * may not have heard, and repeat its DE-REGISTER_REQUEST. Kept for longer than a host retries (RFC 3103 5). */
#ifndef RSIPD_FAREWELL_H
#define RSIPD_FAREWELL_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "replay.h"

#define FAREWELL_MS 30000
#define FAREWELL_MAX 4096 /* the oldest goes when one more comes */

struct farewell;

struct farewell *farewell_new(void);
void farewell_free(struct farewell *f);

void farewell_note(struct farewell *f, ip4_t host_addr, struct replay_seq seq, const void *response, size_t len);

/* Copies the response that this very request got; 0 when it got none. */
size_t farewell_repeat(struct farewell *f, ip4_t host_addr, struct replay_seq seq, uint8_t *response, size_t cap);

#endif
