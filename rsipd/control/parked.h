/* Requests that wait for a name to be looked up, and what their hosts ask meanwhile: a host's requests are carried out in
 * the order in which they came (RFC 3103 10.1). */
#ifndef RSIPD_PARKED_H
#define RSIPD_PARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "request.h"

#define PARKED_MAX 1024  /* altogether */
#define PARKED_A_HOST 16

struct parked_request {
	struct parked_request *prev, *next;
	struct requester from;
	void *conn; /* the TCP connection it came by; NULL for a datagram */
	void *back; /* the server's own: how a datagram is answered */
	bool waits; /* passed over by the round that is going on */
	size_t len;
	uint8_t bytes[];
};

/* Zero-initialised; in the order in which they came. */
struct parked {
	struct parked_request *list;
	size_t n;
};

bool parked_has_host(const struct parked *p, ip4_t host_addr);

/* Copies a request to the end. What repeats one byte for byte that waits already is taken as that one: a datagram was sent
 * again. NULL, and *full set, when there are too many. */
struct parked_request *parked_add(struct parked *p, const struct requester *from, const uint8_t *bytes, size_t len,
                                  bool *full);
void parked_remove(struct parked *p, struct parked_request *r);

/* A round over all that wait, the first of each host first: _begin, then _next until NULL. One that has to wait on is left
 * in with parked_waits, and so are then the later ones of its host. */
void parked_begin(struct parked *p);
struct parked_request *parked_next(struct parked *p);
void parked_waits(struct parked *p, struct parked_request *r);

#endif
