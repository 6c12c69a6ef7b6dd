/* What a host may ask for, decided from its policy alone: flow policies, tunnels, methods, quotas, lease times. Pure:
 * looks at no table and changes nothing. */
#ifndef RSIPD_POLICY_H
#define RSIPD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"
#include "pool.h"
#include "refusal.h"
#include "session.h"

#define POLICY_POOLS_MAX 32
#define POLICY_RANGES_MAX 255 /* of ports, and of SPIs, in one binding */

/* An ASSIGN_REQUEST or LISTEN_REQUEST, translated. */
struct lease_request {
	enum rsip_method method;
	bool listen;
	uint8_t n_tunnels;      /* 0: no preference */
	const uint8_t *tunnels; /* any of them will do; may be no enum rsip_tunnel_type */
	uint32_t gre_key;       /* for GRE; 0: none */
	uint32_t lease_s;       /* 0: as policy gives */

	enum pool_intent addr_intent, port_intent, spi_intent, cookie_intent;
	ip4_t addr;                                /* where NAMED */
	uint16_t n_ports, n_spis;                  /* how many altogether */
	uint16_t n_port_ranges, n_spi_ranges;      /* where NAMED: in order, disjoint */
	struct port_range ports[POLICY_RANGES_MAX];
	struct spi_range spis[POLICY_RANGES_MAX];
	uint64_t cookie_value, cookie_mask; /* the mask also where ANY */
	ip4_t ike_listener;                 /* 0: none */

	ip4_t remote_addr;       /* 0: don't care, or remote_named */
	const char *remote_name; /* the remote side was given by name, not terminated; else NULL */
	size_t remote_name_len;
	bool remote_ip6;         /* it is IPv6 */
	uint16_t remote_port;    /* the first; 0: don't care */
	uint16_t n_remote_ports; /* how many were given */
};

/* The flow policies (RFC 3103 7; 9.8.3): FLOW_POLICY_VIOLATION, REMOTE_ADDR_UNALLOWED, REMOTE_ADDRPORT_UNALLOWED. */
enum rsip_error policy_check_flow(const struct conf *conf, const struct conf_policy *policy,
                                  const struct lease_request *req, struct refusal *why);

/* Whether a remote policy may name this address: a host of the public side, and not a local one. */
bool policy_is_peer(const struct conf *conf, ip4_t addr);

/* Whether the policy's own lists let its hosts talk to a peer; a name need not be terminated. Of a name that is allowed
 * as such, addresses may be denied, but need not be allowed. policy NULL, of a host that no section covers any more,
 * allows all. */
bool policy_allows_addr(const struct conf_policy *policy, ip4_t addr);
bool policy_allows_name(const struct conf_policy *policy, const char *name, size_t len);
bool policy_allows_addr_of(const struct conf_policy *policy, const char *name, ip4_t addr);

/* The pools the request may be served from, in order of preference, into pools[POLICY_POOLS_MAX]; *tunnel is the
 * tunnel type. UNSUPPORTED_MESSAGE, IPSEC_UNALLOWED, LOCAL_ADDR_UNALLOWED, LOCAL_ADDR_UNAVAILABLE, BAD_TUNNEL_TYPE. */
enum rsip_error policy_pools(const struct conf *conf, const struct conf_policy *policy, const struct lease_request *req,
                             const struct conf_pool **pools, size_t *n_pools, uint8_t *tunnel, struct refusal *why);

/* The quotas: LOCAL_ADDR_UNAVAILABLE, LOCAL_ADDRPORT_UNAVAILABLE, IPSEC_SPI_UNAVAILABLE. */
enum rsip_error policy_check_quota(const struct session *s, const struct lease_request *req, struct refusal *why);

/* The lease time for one asked for, 0 for none: seconds. */
uint32_t policy_lease_s(const struct conf_policy *policy, uint32_t asked_s);

/* Where hosts of the policy send their tunnels. */
ip4_t policy_endpoint(const struct conf *conf, const struct conf_policy *policy);

/* Whether this lease may be prolonged: a pool of the policy still leases all of it. */
bool policy_serves(const struct conf_policy *policy, const struct binding *b);

/* Methods and tunnel types of all the policy's pools, as CONF_METHOD and CONF_TUNNEL bits. */
unsigned policy_methods(const struct conf_policy *policy);
unsigned policy_tunnels(const struct conf_policy *policy);

#endif
