/* How the host's network should look, as pure data read from the leases: what hostnet.h brings about. */
#ifndef RSIPC_WISH_H
#define RSIPC_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct agent;
struct conf;

#define WISH_ADDRS 16 /* a host has one address, and one more for each RSA-IP lease */

struct wish_ports { ip4_t addr; struct port_range ports; };

struct wish {
	ip4_t local, remote;     /* the tunnel's ends; local 0: there is nothing to tunnel */
	uint32_t gre_key;        /* 0: none */
	ip4_t addrs[WISH_ADDRS]; /* for the host itself; the first is the preferred source */
	size_t n_addrs;
	bool confine;            /* the first address is shared: use only these ports of it */
	struct port_range *ports; /* ephemeral ones */
	size_t n_ports;
	struct ip4_prefix *locals; /* never through the tunnel: the gateway, the tunnel's end, QUERY's local networks */
	size_t n_locals;
	struct ip4_prefix *routes; /* through the tunnel, what has not chosen its source */
	size_t n_routes;
	struct wish_ports *guests; /* of commands: the host's own stack must not see packets to them */
	size_t n_guests;
	struct wish_ports *owns; /* all ports of the host on shared addresses, listening ones too */
	size_t n_owns;
	ip4_t shared[WISH_ADDRS]; /* those of addrs that other hosts hold, too */
	size_t n_shared;
};

/* Reads the wish; host_wide: the host itself uses the config's leases. The caller frees with wish_clear. */
void wish_read(struct wish *wish, const struct conf *conf, const struct agent *agent, bool host_wide);
void wish_clear(struct wish *wish);

#endif
