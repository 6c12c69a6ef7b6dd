/* What a gateway granted with one binding, read from its ASSIGN_RESPONSE or LISTEN_RESPONSE. */
#ifndef RSIPC_GRANT_H
#define RSIPC_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "encap.h"

struct conf_lease;
struct rsip_message;

#define GRANT_PORT_RANGES 255 /* a ports parameter holds no more ports */
#define GRANT_SPI_RANGES 64

struct grant {
	uint32_t bind_id;
	uint8_t method;   /* enum rsip_method */
	uint8_t tunnel;   /* enum rsip_tunnel_type */
	bool listen;
	uint32_t gre_key; /* RFC 2890, 0 = none */
	ip4_t address;    /* the leased public address */
	ip4_t endpoint;   /* of the tunnel, 0 = the gateway itself (RFC 3103 9.9.3) */
	ip4_t remote;     /* remote flow policy, 0 = any peer */
	struct port_range remote_ports; /* first 0 = any */
	uint64_t cookie_value, cookie_mask; /* mask 0 = no block */
	uint8_t n_ports; /* ranges, sorted; 0 with RSA-IP: all ports of the address */
	uint8_t n_spis;  /* ranges */
	struct port_range ports[GRANT_PORT_RANGES];
	struct spi_range spis[GRANT_SPI_RANGES];
};

/* What was asked for: grants are held against it. */
struct grant_asked {
	const struct conf_lease *lease;
	uint16_t n_ports;
	struct tunnel_kind tunnel;
	bool key_settled; /* other leases have this key, or none: a host has one tunnel */
};

/* Reads a decoded response. Returns NULL, or in words what in it cannot be used; the binding is then to be freed
 * (RFC 3103 9.7.3). grant->bind_id is filled in either case. */
const char *grant_read(struct grant *grant, const struct rsip_message *response, const struct grant_asked *asked);

unsigned grant_port_count(const struct grant *grant); /* single ports in all ranges */

#endif
