/* The options of an IPv4 header (RFC 791 3.1), as far as a router on the way has to know them. */
#ifndef RSIP_IP_OPTIONS_H
#define RSIP_IP_OPTIONS_H

#include "packet.h"

enum ip_options {
	IP_OPTIONS_GOOD,         /* none, or such as change nothing on the way of the packet */
	IP_OPTIONS_SOURCE_ROUTE, /* loose or strict source and record route */
	IP_OPTIONS_MALFORMED,    /* a length that does not hold together with the header's */
};

enum ip_options ip_options_check(const struct packet *p);

#endif
