/* Do frames that the fast path redirects leave? The programs do not hear of it: a driver that drops them (a veth whose
 * peer has neither an XDP program nor GRO, a network card without queues for it) does so behind their back. This counts
 * what the kernel's trace points tell, and can try a device with a frame of its own. */
#ifndef RSIPD_REDIRECT_WATCH_H
#define RSIPD_REDIRECT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "redirect_watch_abi.h"

struct redirect_watch;

/* NULL with a sentence in *why where this kernel cannot. */
struct redirect_watch *redirect_watch_new(const char **why);
void redirect_watch_free(struct redirect_watch *w); /* accepts NULL */

/* Counts frames redirected to this device from now on. */
bool redirect_watch_add(struct redirect_watch *w, unsigned ifindex);

/* Redirects one small frame to the device: to a link-local group address, which no bridge forwards, of an experimental
 * type (IEEE 802, 88b5). Returns 0 when it left, else the errno that it was lost with; ENOSYS where the kernel cannot
 * try. */
int redirect_watch_try(struct redirect_watch *w, unsigned ifindex, const uint8_t mac[6]);

/* What was counted. False when the device was not added. */
bool redirect_watch_read(const struct redirect_watch *w, unsigned ifindex, struct redirect_count *count);

#endif
