/* What goes out to hosts: letters that wait for the commit that makes them true. All share a commit whose requests came
 * while the one before it was on its way to the disk. */
#ifndef RSIPD_OUTBOX_H
#define RSIPD_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct conn;
struct datagrams;
struct loop;
struct outbox;

/* Over a connection if there is one, else by datagram. */
struct destination {
	struct conn *conn; /* conns.h; each letter for it is counted in conn->letters */
	struct datagrams *datagrams;
	ip4_t host_addr, gateway_addr;
	uint16_t port;
};

struct outbox_events {
	/* Begins to make durable what was done; outbox_committed tells when it is. False: there is nothing to be made durable. */
	bool (*begin)(void *arg);
	/* Waits until that is done; false when it failed, and all that was done since the last good end has been undone. */
	bool (*end)(void *arg);
	void *commit_arg; /* of these two */
	/* Such a failure: turns an answer into what is true instead, in place. mac is that of its request. Returns the length. */
	size_t (*regret)(void *arg, const struct destination *to, const uint8_t *mac, uint8_t *bytes, size_t len, size_t cap);
	void (*idle)(void *arg, struct conn *conn); /* the last letter for it has been sent */
	void (*sent)(void *arg);                    /* a round of letters has: datagrams among them may still be queued */
	void *arg;
};

struct outbox *outbox_new(struct loop *loop, const struct outbox_events *events);
void outbox_free(struct outbox *o); /* what waits is not sent; no connection is open any more */

/* A message that nobody asked for; dropped when its commit fails. Bytes are copied. */
void outbox_notify(struct outbox *o, const struct destination *to, const void *bytes, size_t len);

/* The answer to a request that ended with mac, RSIP_MAC_LEN bytes; NULL: it was shorter. */
void outbox_answer(struct outbox *o, const struct destination *to, const uint8_t *mac, const void *bytes, size_t len);

/* The connection goes: nothing more is sent to it. */
void outbox_forget(struct outbox *o, const struct conn *conn);

/* Something has changed that needs a commit at the end of this turn or soon after, although no letter waits for it. */
void outbox_raise(struct outbox *o);

/* Where so many letters wait that no more is to be done before: begins their commit now. Waits for the disk where hosts
 * ask faster than it writes. */
void outbox_make_room(struct outbox *o);

/* What events.begin began need not be waited for any more. */
void outbox_committed(struct outbox *o);

/* Commits all that was done, now, and sends what waits for it. False when that failed. */
bool outbox_commit(struct outbox *o);

#endif
