/* RSIP over TCP and over UDP (RFC 3103 5), below the meaning of messages: whole messages in, whole messages out. TCP
 * carries messages back to back, told apart by their Overall Length, in any segmentation; a datagram carries one. */
#ifndef RSIP_TRANSPORT_H
#define RSIP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct loop;

/* --- one TCP connection --- */

struct stream;

enum stream_end {
	STREAM_CLOSED,    /* the peer sends no more: it closed its side, or the connection broke */
	STREAM_REFUSED,   /* stream_connect: could not be reached; errno says why */
	STREAM_BAD_FRAME, /* an Overall Length below 4: the stream cannot be followed any more */
	STREAM_STALLED,   /* the peer stopped in the middle of a message, or does not read what it is sent */
};
const char *stream_end_text(enum stream_end end); /* for logs */

struct stream_events {
	void (*connected)(void *arg, struct stream *st); /* stream_connect only; may be NULL */
	/* The bytes are valid during the call, which may free the stream. */
	void (*message)(void *arg, struct stream *st, const uint8_t *bytes, size_t len);
	/* The last call. The owner then frees the stream, now or later: after STREAM_CLOSED and STREAM_BAD_FRAME the peer
	 * may still read, so answers can be sent before stream_finish. */
	void (*ended)(void *arg, struct stream *st, enum stream_end end);
};

#define STREAM_STALL_MS 30000       /* a message begun must be whole, and what is sent be taken, within this time */
#define STREAM_UNREAD_MAX (1 << 20) /* bytes sent that wait for the peer: more is a stall. Long before, nothing is read from it */

/* Speaks over a connected, non-blocking socket, which it takes over. Never NULL: out of memory ends the program. */
struct stream *stream_accept(struct loop *loop, int fd, const struct stream_events *events, void *arg);

/* Connects to a gateway, from local_addr if that is not 0. Messages sent meanwhile wait. NULL, with errno, when no
 * attempt could be made. */
struct stream *stream_connect(struct loop *loop, ip4_t local_addr, ip4_t addr, uint16_t port,
                              const struct stream_events *events, void *arg);

/* Kept until streams_flush or the end of the loop's turn, so that many messages go in one system call. */
void stream_send(struct stream *st, const void *bytes, size_t len);
void streams_flush(struct loop *loop); /* all streams of that loop */
void stream_finish(struct stream *st); /* frees it once all that was sent is taken, or has stalled; no more calls */
void stream_free(struct stream *st);   /* at once; accepts NULL; safe inside the stream's own events */

/* --- UDP --- */

struct datagrams;

typedef void datagrams_cb(void *arg, ip4_t peer_addr, uint16_t peer_port, const uint8_t *bytes, size_t len);

/* Receives on a bound or connected, non-blocking socket, which it takes over. Never NULL. */
struct datagrams *datagrams_new(struct loop *loop, int fd, datagrams_cb *cb, void *arg);
/* A datagram that the socket does not take is lost, as any may be. */
void datagrams_send(struct datagrams *d, ip4_t peer_addr, uint16_t peer_port, const void *bytes, size_t len);
/* The same, but it may be kept until datagrams_flush, so that many go in one system call. */
void datagrams_queue(struct datagrams *d, ip4_t peer_addr, uint16_t peer_port, const void *bytes, size_t len);
void datagrams_flush(struct datagrams *d);
uint32_t datagrams_overflowed(const struct datagrams *d); /* lost so far as more came than was taken, modulo 2^32 */
void datagrams_free(struct datagrams *d); /* at once; accepts NULL; safe inside its callback */

/* A socket for a host: bound to local_addr (0 = any) and local_port (0 = an ephemeral one), connected to the gateway, so that
 * only its datagrams arrive. -1 with errno. */
int datagrams_connect_socket(ip4_t local_addr, uint16_t local_port, ip4_t addr, uint16_t port);

#endif
