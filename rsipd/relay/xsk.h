/* Frames out by an AF_XDP socket in copy mode, which any Ethernet device can do: one call a batch, and half of what the
 * kernel does for a packet socket's frame. It only sends; no XDP program is needed for that. The device's queueing
 * discipline is passed by. */
#ifndef RSIPD_XSK_H
#define RSIPD_XSK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct xsk;

/* fd is a fresh AF_XDP socket. Sets it up for the device without any privilege. NULL when the kernel does not want to;
 * the reason is in errno. */
struct xsk *xsk_new(int fd, unsigned ifindex);
void xsk_free(struct xsk *xsk); /* accepts NULL; the socket is the caller's */

/* Queues a copy of the frame that is in two parts. False: it is too long, or there is no room now. */
bool xsk_put(struct xsk *xsk, const struct iovec parts[2]);

/* Sends what is queued. */
void xsk_send(struct xsk *xsk);

#endif
