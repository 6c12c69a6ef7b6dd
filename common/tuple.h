/* The tuples of QUERY_REQUEST and QUERY_RESPONSE: what RFC 3103 9.14 and 9.15 let stand in them. */
#ifndef RSIP_TUPLE_H
#define RSIP_TUPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar.h"
#include "param.h"

enum tuple_part { TUPLE_ADDRESS, TUPLE_NETWORK, TUPLE_NETMASK };

/* field is QUESTIONS or ANSWERS, which give the indicator its meaning. */
bool tuple_indicator_ok(enum field field, uint16_t indicator);
bool tuple_is_network(enum field field, uint16_t indicator);

/* Can this address be that part of a tuple? */
bool tuple_part_ok(const struct rsip_address *address, enum tuple_part part);

#endif
