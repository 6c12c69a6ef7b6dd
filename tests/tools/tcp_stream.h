/* RSIP messages out of captured TCP segments. Segments are expected in order, as a capture on one of the hosts has
 * them: repeated bytes are dropped, and after a gap the stream starts anew with the segment behind it. */
#ifndef RSIP_TESTS_TCP_STREAM_H
#define RSIP_TESTS_TCP_STREAM_H

#include "capture.h"

struct tcp_streams; /* one for each direction of each connection */

/* A whole message, or, with data NULL, a sentence on why some bytes are not shown. s is the segment that ended it. */
typedef void tcp_streams_cb(void *arg, const struct segment *s, const uint8_t *data, size_t len, const char *trouble);

struct tcp_streams *tcp_streams_new(tcp_streams_cb *cb, void *arg);
void tcp_streams_add(struct tcp_streams *streams, const struct segment *s);
void tcp_streams_free(struct tcp_streams *streams);

#endif
