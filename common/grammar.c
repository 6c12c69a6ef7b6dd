#include "grammar.h"

#include <stddef.h>

#include "rsip_proto.h"

/* The BNF of RFC 3103 section 9 and RFC 3104 6.2, <required> and [optional], in the RFC's order.
 *
 * Three departures. LISTEN_RESPONSE: section 9.17.2 has the tunnel type before the lease time, all other responses the
 * lease time first; we write what 9.17.2 says and read both. QUERY tuples: 9.14.2 and 9.15.2 list them by kind; they
 * are optional parameters, so they are read in any order, and written in the caller's. Vendor-specific parameters
 * (8.12) stand in no BNF: extension.h says where ours belong, and all others are passed over wherever they are. */
static const struct grammar grammars[] = {
	[RSIP_ERROR_RESPONSE] = { /* RFC 3103 9.1.2 */
		.required = { ERROR_NUMBER },
		.optional = { MESSAGE_COUNTER, CLIENT_ID, BIND_ID },
	},
	[RSIP_REGISTER_REQUEST] = { /* RFC 3103 9.2.2 */
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_REGISTER_RESPONSE] = { /* RFC 3103 9.3.2 */
		.required = { CLIENT_ID, LEASE_TIME, FLOW_POLICY },
		.optional = { MESSAGE_COUNTER, METHODS, TUNNEL_TYPES },
	},
	[RSIP_DE_REGISTER_REQUEST] = { /* RFC 3103 9.4.2 */
		.required = { CLIENT_ID },
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_DE_REGISTER_RESPONSE] = { /* RFC 3103 9.5.2 */
		.required = { CLIENT_ID },
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_ASSIGN_REQUEST_RSA_IP] = { /* RFC 3103 9.6.2 */
		.required = { CLIENT_ID, LOCAL_ADDRESS, REMOTE_ADDRESS, REMOTE_PORTS },
		.optional = { MESSAGE_COUNTER, LEASE_TIME, TUNNEL_TYPE },
	},
	[RSIP_ASSIGN_RESPONSE_RSA_IP] = { /* RFC 3103 9.7.2 */
		.required = { CLIENT_ID, BIND_ID, LOCAL_ADDRESS, REMOTE_ADDRESS, REMOTE_PORTS, LEASE_TIME, TUNNEL_TYPE },
		.optional = { TUNNEL_ENDPOINT, MESSAGE_COUNTER },
	},
	[RSIP_ASSIGN_REQUEST_RSAP_IP] = { /* RFC 3103 9.8.2 */
		.required = { CLIENT_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS },
		.optional = { MESSAGE_COUNTER, LEASE_TIME, TUNNEL_TYPE },
	},
	[RSIP_ASSIGN_RESPONSE_RSAP_IP] = { /* RFC 3103 9.9.2 */
		.required = { CLIENT_ID, BIND_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS, LEASE_TIME,
		    TUNNEL_TYPE },
		.optional = { TUNNEL_ENDPOINT, MESSAGE_COUNTER },
	},
	[RSIP_EXTEND_REQUEST] = { /* RFC 3103 9.10.2 */
		.required = { CLIENT_ID, BIND_ID },
		.optional = { LEASE_TIME, MESSAGE_COUNTER },
	},
	[RSIP_EXTEND_RESPONSE] = { /* RFC 3103 9.11.2 */
		.required = { CLIENT_ID, BIND_ID, LEASE_TIME },
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_FREE_REQUEST] = { /* RFC 3103 9.12.2 */
		.required = { CLIENT_ID, BIND_ID },
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_FREE_RESPONSE] = { /* RFC 3103 9.13.2 */
		.required = { CLIENT_ID, BIND_ID },
		.optional = { MESSAGE_COUNTER },
	},
	[RSIP_QUERY_REQUEST] = { /* RFC 3103 9.14.2 */
		.required = { CLIENT_ID },
		.optional = { MESSAGE_COUNTER, QUESTIONS },
	},
	[RSIP_QUERY_RESPONSE] = { /* RFC 3103 9.15.2 */
		.required = { CLIENT_ID },
		.optional = { MESSAGE_COUNTER, ANSWERS },
	},
	[RSIP_LISTEN_REQUEST] = { /* RFC 3103 9.16.2 */
		.required = { CLIENT_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS },
		.optional = { MESSAGE_COUNTER, LEASE_TIME, TUNNEL_TYPES },
	},
	[RSIP_LISTEN_RESPONSE] = { /* RFC 3103 9.17.2 */
		.required = { CLIENT_ID, BIND_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS, TUNNEL_TYPE,
		    LEASE_TIME },
		.optional = { TUNNEL_ENDPOINT, MESSAGE_COUNTER },
		.last_two_swap = true,
	},
	[RSIP_ASSIGN_REQUEST_RSIPSEC] = { /* RFC 3104 6.2 */
		.required = { CLIENT_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS, SPIS },
		.optional = { MESSAGE_COUNTER, LEASE_TIME, TUNNEL_TYPE },
		.ports_unneeded = true,
	},
	[RSIP_ASSIGN_RESPONSE_RSIPSEC] = { /* RFC 3104 6.2 */
		.required = { CLIENT_ID, BIND_ID, LOCAL_ADDRESS, LOCAL_PORTS, REMOTE_ADDRESS, REMOTE_PORTS, SPIS,
		    LEASE_TIME, TUNNEL_TYPE },
		.optional = { TUNNEL_ENDPOINT, MESSAGE_COUNTER },
		.ports_unneeded = true,
	},
};

static const uint8_t param_types[FIELD_COUNT] = {
	[CLIENT_ID] = RSIP_PARAM_CLIENT_ID,
	[BIND_ID] = RSIP_PARAM_BIND_ID,
	[LEASE_TIME] = RSIP_PARAM_LEASE_TIME,
	[MESSAGE_COUNTER] = RSIP_PARAM_MESSAGE_COUNTER,
	[FLOW_POLICY] = RSIP_PARAM_FLOW_POLICY,
	[ERROR_NUMBER] = RSIP_PARAM_ERROR,
	[LOCAL_ADDRESS] = RSIP_PARAM_ADDRESS,
	[LOCAL_PORTS] = RSIP_PARAM_PORTS,
	[REMOTE_ADDRESS] = RSIP_PARAM_ADDRESS,
	[REMOTE_PORTS] = RSIP_PARAM_PORTS,
	[SPIS] = RSIP_PARAM_SPI,
	[TUNNEL_ENDPOINT] = RSIP_PARAM_ADDRESS,
	[TUNNEL_TYPE] = RSIP_PARAM_TUNNEL_TYPE,
	[TUNNEL_TYPES] = RSIP_PARAM_TUNNEL_TYPE,
	[METHODS] = RSIP_PARAM_RSIP_METHOD,
	[QUESTIONS] = RSIP_PARAM_INDICATOR,
	[ANSWERS] = RSIP_PARAM_INDICATOR,
};

const struct grammar *
grammar_of(int msg_type)
{
	if (msg_type < 0 || (size_t)msg_type >= sizeof(grammars) / sizeof(grammars[0]))
		return NULL;
	/* Every message has optional parameters, if only the counter. */
	return grammars[msg_type].optional[0] != FIELD_NONE ? &grammars[msg_type] : NULL;
}

bool
grammar_has(const struct grammar *g, uint8_t param_type)
{
	for (const enum field *f = g->required; *f != FIELD_NONE; f++) {
		if (param_types[*f] == param_type)
			return true;
	}
	for (const enum field *f = g->optional; *f != FIELD_NONE; f++) {
		if (param_types[*f] == param_type)
			return true;
	}
	return false;
}

bool
grammar_ports_ok(const struct grammar *g, const struct rsip_ports *ports)
{
	return g->ports_unneeded || ports->form != RSIP_LIST_DONT_NEED;
}

uint8_t
field_param_type(enum field field)
{
	return param_types[field];
}

bool
field_repeats(enum field field)
{
	return field == TUNNEL_TYPES || field == METHODS || field == QUESTIONS || field == ANSWERS;
}
