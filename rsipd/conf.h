/* rsipd.conf, read whole into one struct that does not change afterwards. A reload makes a second one. */
#ifndef RSIPD_CONF_H
#define RSIPD_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "authentication.h"
#include "cfile.h"
#include "log.h"
#include "rsip_proto.h"

#define CONF_METHOD(m) (1u << (m)) /* bit of an enum rsip_method in a set */
#define CONF_TUNNEL(t) (1u << (t)) /* bit of an enum rsip_tunnel_type in a set */

#define CONF_IKE_PORTS_MAX 8

enum conf_relay_io { CONF_IO_AUTO, CONF_IO_RINGS, CONF_IO_TUN };
enum conf_data_plane { CONF_DP_AUTO, CONF_DP_XDP, CONF_DP_RELAY };

struct conf_pool {
	char *name;
	struct ip4_range *addresses; /* disjoint over all pools, sorted */
	size_t n_addresses;
	unsigned methods; /* CONF_METHOD bits */
	unsigned tunnels; /* CONF_TUNNEL bits */
	struct port_range ports;
	/* Shared by all hosts of an address, and never leased even where ports covers them. Ascending. Without a word in
	 * the file: 500 and 4500 in a pool that offers RSIPSEC, none in others. */
	uint16_t ike_ports[CONF_IKE_PORTS_MAX];
	size_t n_ike_ports;
	struct spi_range spis;

	/* A pool whose tuples this machine leases itself from another gateway (RFC 3102 4.2.1): the file that tells which,
	 * and until when (conf_upstream.h). ports and spis say nothing then. NULL: the pool is our own. */
	char *upstream;
	struct port_range *port_runs; /* leasable ports, ascending, disjoint */
	size_t n_port_runs;
	struct spi_range *spi_runs;
	size_t n_spi_runs;
	uint64_t cookie_first, cookie_last; /* cookie blocks are leased of these; last 0 = none */
	int64_t expires;                    /* clock_wall() seconds: nothing may be leased beyond */
};

/* Peers, as a list in the file names them: by address, or by the name that a host gives. */
struct conf_remotes {
	struct ip4_prefix *prefixes;
	size_t n_prefixes;
	char **names; /* lower case; one that begins with a dot is all names below it */
	size_t n_names;
};

struct conf_policy {
	char *name;
	const struct conf_pool **pools; /* in the order of preference */
	size_t n_pools;
	enum rsip_local_flow local_flow;
	enum rsip_remote_flow remote_flow;
	struct conf_remotes allow, deny; /* under a remote flow policy: allow empty is everybody; deny comes first */
	ip4_t tunnel_endpoint; /* where hosts send their tunnels; 0: the first listen address */
	uint32_t registration_s, lease_s, max_lease_s, hold_down_s; /* seconds */
	uint32_t max_bindings, max_ports, max_spis, max_cookies;    /* a host */
	uint32_t rate;                                              /* requests a second, a host */
};

/* One range of a pool: the pools' addresses in one sorted list. */
struct conf_pool_range {
	struct ip4_range range;
	const struct conf_pool *pool;
	int line; /* where the file has it */
};

struct conf_host {
	struct ip4_prefix prefix;
	const struct conf_policy *policy;
	int line;
	bool required;  /* hosts of this prefix must authenticate */
	char *identity; /* of the one host that this section is for, wherever it is; NULL: whoever is in the prefix */
	char *key_file;
	int key_line;
	struct authentication_key key; /* conf_keys.h reads it */
};

struct conf {
	char **private_interfaces;
	size_t n_private_interfaces;
	char *public_interface;
	ip4_t *listen; /* RSIP control; the first is the default tunnel endpoint Na */
	size_t n_listen;
	struct conf_resolver { ip4_t addr; uint16_t port; } *resolvers; /* none: those of /etc/resolv.conf */
	size_t n_resolvers;
	enum conf_data_plane data_plane;
	enum conf_relay_io relay_io; /* how the relay takes packets from the kernel */
	bool tcp, udp;   /* which transports are served; both by default */
	char *state;     /* path of the database */
	uint32_t history_s; /* how long ended leases are remembered; 0 = for ever */
	char *control;   /* path of the control socket */
	uint16_t vendor_id;
	bool mss_clamp;  /* clamp TCP MSS to the tunnel, off by default */

	struct conf_pool *pools;
	size_t n_pools;
	struct conf_pool_range *pool_ranges; /* all addresses of all pools, ascending */
	size_t n_pool_ranges;
	struct conf_policy *policies;
	size_t n_policies;
	bool required; /* hosts must authenticate, where their section says nothing else */
	struct conf_host *hosts; /* longest prefix first, ascending addresses within a length, then by line */
	size_t n_hosts;
	const struct conf_host **identities; /* the sections that name one, by name */
	size_t n_identities;
	struct ip4_prefix *local_networks; /* what QUERY answers local */
	size_t n_local_networks;

	enum log_target log_to;
	enum log_level log_level;
	bool log_json;

	bool metrics;
	ip4_t metrics_addr;
	uint16_t metrics_port;
};

/* Reads and checks the file. Every fault found is told to report as "FILE:LINE: what is wrong; what is allowed".
 * Returns NULL when there was any; else a struct that the caller frees with conf_free. fd is read from its start and
 * stays open; path is for the messages only. Whether devices and addresses exist is not looked at. */
struct conf *conf_parse_fd(int fd, const char *path, cfile_report *report, void *arg);
void conf_free(struct conf *conf);

/* The policy of the host at this address by longest prefix; NULL when no host section covers it. */
const struct conf_policy *conf_policy_for(const struct conf *conf, ip4_t host_addr);

/* The section that names this identity (not terminated), or NULL. */
const struct conf_host *conf_identity(const struct conf *conf, const char *name, size_t len);

/* Whether a host at this address must authenticate: as the sections of its longest prefix say. */
bool conf_requires_authentication(const struct conf *conf, ip4_t host_addr);

/* Whether one of the pools is leased from another gateway. */
bool conf_has_upstream(const struct conf *conf);

/* The pool that holds this public address, or NULL. */
const struct conf_pool *conf_pool_of(const struct conf *conf, ip4_t local_addr);

#endif
