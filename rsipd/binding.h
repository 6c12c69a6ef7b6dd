/* One binding: what one host leases at one time (RFC 3103 3, design: leases), and the index of all of them. */
#ifndef RSIPD_BINDING_H
#define RSIPD_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "rsip_proto.h"

struct session;

/* Pure data: no timers, no SQL, no sockets. The arrays are the binding's own. */
struct binding {
	uint32_t bind_id; /* unique over all hosts of the gateway, never 0 */
	struct session *session;
	int64_t expires; /* clock_now() milliseconds */
	ip4_t local_addr;
	ip4_t remote_addr;  /* 0 = any: no remote flow policy */
	ip4_t ike_listener; /* 0 = none */
	uint8_t method;     /* enum rsip_method */
	uint8_t tunnel;     /* enum rsip_tunnel_type */
	bool listen;
	uint8_t n_ports; /* RSAP-IP, RSIPSEC: ranges in port order */
	uint8_t n_remote_ports;
	uint16_t n_spis;
	uint64_t cookie_value, cookie_mask; /* mask 0 = no cookie block */
	struct port_range *ports, *remote_ports;
	struct spi_range *spis;
};

#endif
