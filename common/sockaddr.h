/* struct sockaddr_in out of host-order values. */
#ifndef RSIP_SOCKADDR_H
#define RSIP_SOCKADDR_H

#include <netinet/in.h>

#include "addr.h"

static inline struct sockaddr_in
sockaddr_of(ip4_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(addr) };
}

#endif
