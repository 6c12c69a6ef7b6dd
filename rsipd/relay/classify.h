/* Packet to demultiplexing fields: the decision tree of RFC 3102 3.2, and nothing about who owns what. */
#ifndef RSIPD_CLASSIFY_H
#define RSIPD_CLASSIFY_H

#include <stdbool.h>

#include "dataplane.h"
#include "demux_key.h"
#include "packet.h"

/* Which side of the packet is the leased one: the destination of what comes in, the source of what goes out. */
enum local_side { LOCAL_IS_DST, LOCAL_IS_SRC };

/* Reads the fields of p into *key; a later fragment has none and is DEMUX_OTHER. pool says which ports are shared
 * IKE ports; NULL for none. False when p is too short for the header it announces, or a length in it is false; the
 * addresses and proto in *key hold even then. */
bool classify(const struct packet *p, enum local_side side, const struct dp_pool *pool, struct demux_key *key);

#endif
