/* The short way out: packets put into frames for the device that they leave by, past the kernel's forwarding. It does
 * what the kernel would do to them, and leaves to the kernel what needs more than that. */
#ifndef RSIPD_FRAMES_H
#define RSIPD_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "nexthop.h"
#include "pktio.h"
#include "verdict.h"

struct frames;

/* Sends by the rings' AF_XDP sockets where they have one, else by fds->sender. fds and hops must outlive it. */
struct frames *frames_new(const struct relay_fds *fds, struct nexthops *hops, pktio_sent_cb *sent, void *arg);
void frames_free(struct frames *frames); /* accepts NULL */

/* Queues v, a VERDICT_HOST resp. VERDICT_PUBLIC, which must stay until frames_flush has handed it to the callback. Up
 * to PKTIO_BATCH. False: not a packet for this way, v is as it was. */
bool frames_to_host(struct frames *frames, struct verdict *v, int64_t now);
bool frames_to_public(struct frames *frames, struct verdict *v, int64_t now);
void frames_flush(struct frames *frames);

#endif
