/* Where in a pool it is no use to look for room: so that finding a place costs the same however many addresses are full.
 *
 * For each size of request, the addresses below a mark are known to have no room. Marks rise when a search has looked in
 * vain, and fall to an address when something is given back there. */
#ifndef RSIPD_POOL_ROOM_H
#define RSIPD_POOL_ROOM_H

#include <stdint.h>

#include "address.h"

#define POOL_ROOM_PORTS 255 /* contiguous ports that one request may ask for, RFC 3103 8.2 */

/* Zero-initialised: nothing is known. Addresses are counted as by pool_spec_index. */
struct pool_room {
	uint64_t whole;                      /* for RSA-IP: an address with nothing on it */
	uint64_t ports[POOL_ROOM_PORTS + 1]; /* for so many contiguous ports; 0: for any other request */
};

/* The first address where n ports (0: something else than ports) may be had. */
uint64_t pool_room_from(const struct pool_room *room, unsigned n);

/* A search for n ports from pool_room_from on has found nothing on address index. */
void pool_room_none(struct pool_room *room, unsigned n, uint64_t index);

/* A tuple of address a, which has the index, is to be had again by anyone. */
void pool_room_again(struct pool_room *room, const struct address *a, uint64_t index, struct tuple tuple);

#endif
