#include "tuple.h"

#include "rsip_proto.h"

bool
tuple_indicator_ok(enum field field, uint16_t indicator)
{
	return indicator > 0 && indicator <= (field == QUESTIONS ? RSIP_QUERY_NETWORK : RSIP_REMOTE_NETWORK);
}

bool
tuple_is_network(enum field field, uint16_t indicator)
{
	if (field == QUESTIONS)
		return indicator == RSIP_QUERY_NETWORK;
	return indicator == RSIP_LOCAL_NETWORK || indicator == RSIP_REMOTE_NETWORK;
}

/* Ones, then zeroes. */
static bool
contiguous(ip4_t netmask)
{
	ip4_t host_bits = ~netmask;

	return (host_bits & (host_bits + 1)) == 0;
}

/* RFC 3103 9.14.3: a network is not given by name, and its mask in netmask form only. As that form has no IPv6, a
 * network is IPv4. */
bool
tuple_part_ok(const struct rsip_address *address, enum tuple_part part)
{
	if (address->any)
		return false;
	switch (part) {
	case TUPLE_ADDRESS:
		return address->type == RSIP_ADDR_IPV4 || address->type == RSIP_ADDR_IPV6 || address->type == RSIP_ADDR_FQDN;
	case TUPLE_NETWORK:
		return address->type == RSIP_ADDR_IPV4;
	case TUPLE_NETMASK:
		return address->type == RSIP_ADDR_IPV4_NETMASK && contiguous(address->ip4);
	}
	return false;
}
