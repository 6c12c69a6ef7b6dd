/* The TCP connections of the gateway, by host, and how many there may be. */
#ifndef RSIPD_CONNS_H
#define RSIPD_CONNS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

struct stream;

#define CONNS_A_HOST 16   /* the oldest goes when one more comes */
#define CONNS_STRANGERS 64 /* of all hosts together that no host section covers */

struct conn {
	ip4_t host_addr, gateway_addr;
	bool stranger;
	struct stream *stream;
	unsigned letters; /* answers that wait to be sent */
	bool ended;       /* the peer sends no more: closed when its letters are sent */
	void *owner;      /* the server */
	struct conn *prev, *next; /* of the same host, oldest first; utlist.h */
	struct conn *idler, *busier; /* of all, by their latest message */
};

/* Zero-initialised, but for max. */
struct conns {
	struct conns_of_host *hosts;
	struct conn *by_use; /* the longest idle first */
	size_t n, n_strangers;
	size_t max; /* altogether */
};

/* A new entry, without a stream yet; NULL when there are too many. */
struct conn *conns_add(struct conns *c, ip4_t host_addr, bool stranger);
void conns_remove(struct conns *c, struct conn *conn); /* frees it, not its stream */

void conns_used(struct conns *c, struct conn *conn); /* a message has come by it */
/* The longest idle one that nothing waits for, when there is no room for another, and a stranger's would not be refused
 * all the same; else NULL. */
struct conn *conns_in_the_way(const struct conns *c, bool stranger);

struct conn *conns_latest(const struct conns *c, ip4_t host_addr); /* that is still open both ways; NULL for none */
/* The oldest of a host that has more than its share, or NULL. */
struct conn *conns_surplus(const struct conns *c, ip4_t host_addr);
struct conn *conns_any(const struct conns *c); /* NULL: there are none */

#endif
