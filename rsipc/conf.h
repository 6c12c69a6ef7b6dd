/* rsipc.conf, read whole into one struct that does not change afterwards. */
#ifndef RSIPC_CONF_H
#define RSIPC_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "adoption/adoption_conf.h"
#include "authentication.h"
#include "esp/esp_conf.h"
#include "log.h"
#include "rsip_proto.h"

/* One `lease` section: what to ask the gateway for. */
struct conf_lease {
	char *name;
	uint8_t method;       /* enum rsip_method */
	bool listen;          /* by LISTEN_REQUEST: peers that were not contacted before get through */
	uint16_t ports;       /* how many; 0 in rsipsec: none needed */
	uint16_t max_ports;   /* rsap-ip: it may grow to so many when they run out; ports = it does not grow */
	uint16_t port;        /* the first of them, 0 = the gateway chooses */
	uint16_t spis;        /* rsipsec: how many */
	bool cookie_block;    /* rsipsec: lease a block of IKE cookies; false: the gateway learns them from the traffic */
	ip4_t remote;         /* for gateways with a remote flow policy (RFC 3103 7.2), 0 = any */
	uint16_t remote_port; /* 0 = any */
	ip4_t ike_peer;       /* rsipsec: let this peer begin IKE with us, 0 = none */
	uint32_t lease_s;     /* what to suggest, seconds; 0 = the gateway's own default */
};

enum conf_driver { CONF_DRIVER_AUTO, CONF_DRIVER_KERNEL, CONF_DRIVER_TUN };

struct conf {
	ip4_t gateway; /* 0 = none: no leases, IPsec tunnels alone */
	uint16_t gateway_port;
	bool udp; /* else TCP */
	uint16_t vendor_id;
	char *identity; /* what we authenticate as, and want the gateway to; NULL: nothing is authenticated */
	struct authentication_key key;
	bool trusting;  /* a gateway that does not authenticate will do, as long as it never did */

	struct conf_lease *leases; /* in the order of the file: the first decides on the address */
	size_t n_leases;

	uint8_t tunnel;   /* enum rsip_tunnel_type */
	uint32_t gre_key; /* of both directions, where the gateway agrees; 0 = none */
	enum conf_driver driver;
	char *device;
	struct ip4_prefix *routes; /* what goes through the tunnel unless it is local; 0.0.0.0/0 = "default" */
	size_t n_routes;

	ip4_t *resolvers; /* name servers inside `rsipc -- COMMAND`; none: those of the host */
	size_t n_resolvers;

	char *strongswan;  /* file for the IKE daemon, NULL = none */
	char *environment; /* file of shell variables, NULL = none */
	char *handover;    /* leases are for a gateway on this machine, told by this file; NULL = for the machine itself */
	char *state;       /* path of the database */
	char *control;     /* path of the control socket */

	struct adoption_conf adoption;
	struct esp_conf esp;

	enum log_target log_to;
	enum log_level log_level;
	bool log_json;
};

/* Reads and checks the file. Every fault found is told to report as "FILE:LINE: what is wrong; what is allowed".
 * Returns NULL when there was any; else a struct that the caller frees with conf_free. */
typedef void conf_report(const char *line, void *arg);
struct conf *conf_parse(const char *path, conf_report *report, void *arg);
void conf_free(struct conf *conf);

/* Whether both ask the gateway for the same, under the same name. How long, and how far it may grow, makes no other lease. */
bool conf_lease_same(const struct conf_lease *a, const struct conf_lease *b);
/* Each gets the lease sections of the other. */
void conf_exchange_leases(struct conf *a, struct conf *b);

/* The lease whose like `rsipc -- COMMAND` gets: the first of method rsap-ip that does not listen; NULL if none. */
const struct conf_lease *conf_command_lease(const struct conf *conf);

#endif
