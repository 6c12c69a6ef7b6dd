/* The RSIP service on the network: TCP connections and datagrams in, answers out. Answers wait for the commit that makes
 * them true: all share it whose requests came while the one before it was on its way to the disk. */
#ifndef RSIPD_SERVER_H
#define RSIPD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "request.h"
#include "session.h"

struct loop;
struct server;

struct server_events {
	/* Begins to make durable what was done; server_committed tells when it is. False: there is nothing to be made durable. */
	bool (*begin)(void *arg);
	/* Waits until that is done; false when it failed, and all that was done since the last good end has been undone. */
	bool (*end)(void *arg);
	void *arg;
};

/* service is borrowed. */
struct server *server_new(struct loop *loop, struct service *service, const struct server_events *events);
void server_free(struct server *srv); /* what waits to be sent is not */

/* Serves a listen address. The descriptors, -1 for none, are non-blocking and taken over. */
void server_listen(struct server *srv, ip4_t gateway_addr, int tcp_fd, int udp_fd);

/* What events.begin began need not be waited for any more. */
void server_committed(struct server *srv);

/* Sends a host a message that it did not ask for, with the next commit: over its latest TCP connection, if one is open,
 * or to the port of its last datagram. */
void server_notify(struct server *srv, const struct session *s, const void *bytes, size_t len);

/* The same to a host that is not registered, by a datagram to the port of RSIP, from each address that we listen on: it
 * takes the one from the address that it knows. */
void server_call(struct server *srv, ip4_t host_addr, const void *bytes, size_t len);

/* A name has been looked up: carries out the requests that waited for it (REQUEST_LATER). */
void server_resume(struct server *srv);

/* Something has changed that needs a commit at the end of this turn or soon after, although no answer waits for it. */
void server_raise(struct server *srv);

/* Commits all that was done, now, and sends what waits for it. False when that failed. */
bool server_commit(struct server *srv);

#endif
