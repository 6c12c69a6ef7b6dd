/* Which parameters each message has, as one table: message_decode.c and message_encode.c go
 * by it. */
#ifndef RSIP_GRAMMAR_H
#define RSIP_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "param.h"

/* A place for a parameter in a message. Several fields may have one parameter type: the first address of an assignment
 * is the local one, the second the remote one. */
enum field {
	FIELD_NONE,
	CLIENT_ID,
	BIND_ID,
	LEASE_TIME,
	MESSAGE_COUNTER,
	FLOW_POLICY,
	ERROR_NUMBER,
	LOCAL_ADDRESS,
	LOCAL_PORTS,
	REMOTE_ADDRESS,
	REMOTE_PORTS,
	SPIS,
	TUNNEL_ENDPOINT, /* an address behind the local and the remote one */
	TUNNEL_TYPE,
	TUNNEL_TYPES, /* any number of them */
	METHODS,      /* any number of them */
	QUESTIONS,    /* any number of tuples: indicator, address; or indicator, address (network), address (netmask) */
	ANSWERS,      /* the same with the indicators of a response */
	FIELD_COUNT,
};

#define GRAMMAR_REQUIRED_MAX 10
#define GRAMMAR_OPTIONAL_MAX 5

/* Both lists end with FIELD_NONE. */
struct grammar {
	enum field required[GRAMMAR_REQUIRED_MAX + 1]; /* MUST all be there, in this order, before any other */
	enum field optional[GRAMMAR_OPTIONAL_MAX + 1]; /* in any order; encoded in this one */
	bool last_two_swap;                            /* the last two required ones may come in either order */
	bool ports_unneeded;                           /* ports may have the form "don't need" */
};

/* The grammar of a message type, NULL when there is no such message. */
const struct grammar *grammar_of(int msg_type);

/* True when the message has a field of that parameter type, used or not. */
bool grammar_has(const struct grammar *g, uint8_t param_type);

/* True for ports of a form that the message knows: "don't need" is for RFC 3104's alone. */
bool grammar_ports_ok(const struct grammar *g, const struct rsip_ports *ports);

uint8_t field_param_type(enum field field); /* enum rsip_param_type; that of a tuple is its indicator */
bool field_repeats(enum field field);

#endif
