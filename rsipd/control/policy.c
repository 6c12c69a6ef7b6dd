#include "policy.h"

#include <string.h>
#include <strings.h>

#include "names.h"
#include "pool_spec.h"

/* --- flow policies, RFC 3103 7 --- */

static enum rsip_error
check_local_flow(const struct conf_policy *policy, const struct lease_request *req, struct refusal *why)
{
	if (policy->local_flow != RSIP_LOCAL_MICRO)
		return RSIP_OK;
	if (req->method == RSIP_METHOD_RSA_IP) /* RFC 3103 7.1: only macro-flow policy goes with RSA-IP */
		return refuse(why, RSIP_FLOW_POLICY_VIOLATION, "local micro-flow policy: no whole address, ask for a port");
	if (req->port_intent != POOL_NONE && req->n_ports != 1) /* RFC 3103 8.2: MUST be exactly one */
		return refuse(why, RSIP_FLOW_POLICY_VIOLATION,
		              "local micro-flow policy: ask for one port at a time, not %u", req->n_ports);
	return RSIP_OK;
}

static enum rsip_error
check_remote_detail(const struct conf_policy *policy, const struct lease_request *req, struct refusal *why)
{
	if (req->remote_addr == 0 && req->remote_name == NULL && !req->remote_ip6)
		return refuse(why, RSIP_FLOW_POLICY_VIOLATION, "remote flow policy: name the remote address");
	if (policy->remote_flow == RSIP_REMOTE_MICRO && (req->remote_port == 0 || req->n_remote_ports != 1))
		return refuse(why, RSIP_FLOW_POLICY_VIOLATION, "remote micro-flow policy: name one remote port");
	return RSIP_OK;
}

/* No peer on the public side: this network, loopback, multicast, reserved, broadcast. */
static bool
is_no_peer(ip4_t addr)
{
	uint8_t net = (uint8_t)(addr >> 24);

	return net == 0 || net == 127 || net >= 224;
}

static bool
is_local(const struct conf *conf, ip4_t addr)
{
	for (size_t i = 0; i < conf->n_local_networks; i++) {
		if (ip4_prefix_has(conf->local_networks[i], addr))
			return true;
	}
	return false;
}

bool
policy_is_peer(const struct conf *conf, ip4_t addr)
{
	return !is_no_peer(addr) && !is_local(conf, addr);
}

static bool
among_prefixes(const struct conf_remotes *remotes, ip4_t addr)
{
	for (size_t i = 0; i < remotes->n_prefixes; i++) {
		if (ip4_prefix_has(remotes->prefixes[i], addr))
			return true;
	}
	return false;
}

static bool
among_names(const struct conf_remotes *remotes, const char *name, size_t len)
{
	if (len > 0 && name[len - 1] == '.')
		len--;
	for (size_t i = 0; i < remotes->n_names; i++) {
		const char *entry = remotes->names[i];
		size_t n = strlen(entry);

		if ((len == n || (entry[0] == '.' && len > n)) && strncasecmp(name + (len - n), entry, n) == 0)
			return true;
	}
	return false;
}

static bool
allows_everybody(const struct conf_policy *policy)
{
	return policy->allow.n_prefixes == 0 && policy->allow.n_names == 0;
}

bool
policy_allows_addr(const struct conf_policy *policy, ip4_t addr)
{
	return policy == NULL || (!among_prefixes(&policy->deny, addr) &&
	                          (allows_everybody(policy) || among_prefixes(&policy->allow, addr)));
}

/* Where only addresses are allowed, those of the name decide. */
bool
policy_allows_name(const struct conf_policy *policy, const char *name, size_t len)
{
	return !among_names(&policy->deny, name, len) &&
	       (policy->allow.n_names == 0 || policy->allow.n_prefixes > 0 || among_names(&policy->allow, name, len));
}

bool
policy_allows_addr_of(const struct conf_policy *policy, const char *name, ip4_t addr)
{
	if (policy != NULL && among_names(&policy->allow, name, strlen(name)))
		return !among_prefixes(&policy->deny, addr);
	return policy_allows_addr(policy, addr);
}

enum rsip_error
policy_check_flow(const struct conf *conf, const struct conf_policy *policy, const struct lease_request *req,
                  struct refusal *why)
{
	char addr[IP4_STRLEN];
	enum rsip_error error = check_local_flow(policy, req, why);

	if (error != RSIP_OK || policy->remote_flow == RSIP_REMOTE_NONE)
		return error;
	error = check_remote_detail(policy, req, why);
	if (error != RSIP_OK)
		return error;
	error = policy->remote_flow == RSIP_REMOTE_MICRO ? RSIP_REMOTE_ADDRPORT_UNALLOWED : RSIP_REMOTE_ADDR_UNALLOWED;
	if (req->remote_ip6)
		return refuse(why, error, "this gateway has no way to IPv6 peers");
	if (req->remote_name != NULL) /* lease.c asks for its addresses */
		return policy_allows_name(policy, req->remote_name, req->remote_name_len) ? RSIP_OK :
		       refuse(why, error, "policy %s does not allow %.*s", policy->name, (int)req->remote_name_len, req->remote_name);
	if (is_no_peer(req->remote_addr))
		return refuse(why, error, "%s is no host's address", ip4_str(req->remote_addr, addr));
	if (is_local(conf, req->remote_addr))
		return refuse(why, error, "%s is local: reach it without RSIP", ip4_str(req->remote_addr, addr));
	if (!policy_allows_addr(policy, req->remote_addr))
		return refuse(why, error, "policy %s does not allow %s", policy->name, ip4_str(req->remote_addr, addr));
	return RSIP_OK;
}

/* --- pools and tunnels --- */

static size_t
pools_with_method(const struct conf_policy *policy, const struct lease_request *req, const struct conf_pool **pools)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_pools && n < POLICY_POOLS_MAX; i++) {
		const struct conf_pool *pool = policy->pools[i];
		if ((pool->methods & CONF_METHOD(req->method)) != 0 &&
		    (req->addr_intent != POOL_NAMED || pool_spec_index(pool, req->addr) >= 0))
			pools[n++] = pool;
	}
	return n;
}

static bool
gateway_has_method(const struct conf *conf, enum rsip_method method)
{
	for (size_t i = 0; i < conf->n_pools; i++) {
		if ((conf->pools[i].methods & CONF_METHOD(method)) != 0)
			return true;
	}
	return false;
}

/* Why no pool of the policy can serve the request. RSA-IP is optional (RFC 3103 Appendix B), so a gateway may not have
 * it at all; that a policy gives no IPsec has an error of its own (RFC 3104 6.2). */
static enum rsip_error
refuse_no_pool(const struct conf *conf, const struct conf_policy *policy, const struct lease_request *req,
               struct refusal *why)
{
	const char *method = rsip_method_name((int)req->method);
	char addr[IP4_STRLEN];

	if (req->method == RSIP_METHOD_RSIPSEC && (policy_methods(policy) & CONF_METHOD(RSIP_METHOD_RSIPSEC)) == 0)
		return refuse(why, RSIP_IPSEC_UNALLOWED, "policy %s has no pool for rsipsec", policy->name);
	if (req->method == RSIP_METHOD_RSA_IP && !gateway_has_method(conf, req->method))
		return refuse(why, RSIP_UNSUPPORTED_MESSAGE, "no pool of this gateway is for rsa-ip");
	if (req->addr_intent == POOL_NAMED)
		return refuse(why, RSIP_LOCAL_ADDR_UNALLOWED, "policy %s has no pool with %s for %s", policy->name,
		              ip4_str(req->addr, addr), method);
	return refuse(why, RSIP_LOCAL_ADDR_UNAVAILABLE, "policy %s has no pool for %s", policy->name, method);
}

/* The host's first choice that any pool has; without a choice IP-IP (RFC 3103 9.3.3), else what the first pool has. */
static uint8_t
choose_tunnel(const struct lease_request *req, const struct conf_pool *const *pools, size_t n_pools)
{
	static const uint8_t by_default[] = { RSIP_TUNNEL_IP_IP, RSIP_TUNNEL_GRE };
	const uint8_t *choices = req->n_tunnels > 0 ? req->tunnels : by_default;
	size_t n_choices = req->n_tunnels > 0 ? req->n_tunnels : sizeof(by_default);

	for (size_t i = 0; i < n_choices; i++) {
		for (size_t k = 0; k < n_pools && choices[i] < 32; k++) {
			if ((pools[k]->tunnels & CONF_TUNNEL(choices[i])) != 0)
				return choices[i];
		}
	}
	return 0;
}

enum rsip_error
policy_pools(const struct conf *conf, const struct conf_policy *policy, const struct lease_request *req,
             const struct conf_pool **pools, size_t *n_pools, uint8_t *tunnel, struct refusal *why)
{
	size_t n = pools_with_method(policy, req, pools);

	if (n == 0)
		return refuse_no_pool(conf, policy, req, why);
	*tunnel = choose_tunnel(req, pools, n);
	if (*tunnel == 0)
		return refuse(why, RSIP_BAD_TUNNEL_TYPE, "no pool for %s of policy %s has tunnel type %s",
		              rsip_method_name((int)req->method), policy->name, rsip_tunnel_name(req->tunnels[0]));
	*n_pools = 0;
	for (size_t i = 0; i < n; i++) {
		if ((pools[i]->tunnels & CONF_TUNNEL(*tunnel)) != 0)
			pools[(*n_pools)++] = pools[i];
	}
	return RSIP_OK;
}

unsigned
policy_methods(const struct conf_policy *policy)
{
	unsigned methods = 0;

	for (size_t i = 0; i < policy->n_pools; i++)
		methods |= policy->pools[i]->methods;
	return methods;
}

unsigned
policy_tunnels(const struct conf_policy *policy)
{
	unsigned tunnels = 0;

	for (size_t i = 0; i < policy->n_pools; i++)
		tunnels |= policy->pools[i]->tunnels;
	return tunnels;
}

ip4_t
policy_endpoint(const struct conf *conf, const struct conf_policy *policy)
{
	return policy->tunnel_endpoint != 0 ? policy->tunnel_endpoint : conf->listen[0];
}

bool
policy_serves(const struct conf_policy *policy, const struct binding *b)
{
	for (size_t i = 0; i < policy->n_pools; i++) {
		if (pool_spec_covers(policy->pools[i], b))
			return (policy->pools[i]->tunnels & CONF_TUNNEL(b->tunnel)) != 0;
	}
	return false;
}

/* --- quotas and times --- */

/* RFC 3103 has no error for a quota. A host at its quota can have nothing of that magnitude now, but may try again when
 * it has freed something: that is what the UNAVAILABLE errors say (Appendix A). */
enum rsip_error
policy_check_quota(const struct session *s, const struct lease_request *req, struct refusal *why)
{
	const struct conf_policy *policy = s->policy;

	if (s->n_bindings >= policy->max_bindings)
		return refuse(why,
		              req->method == RSIP_METHOD_RSA_IP ? RSIP_LOCAL_ADDR_UNAVAILABLE :
		                                                  RSIP_LOCAL_ADDRPORT_UNAVAILABLE,
		              "quota: a host may hold %u bindings, free one first", policy->max_bindings);
	if (s->n_ports + req->n_ports > policy->max_ports)
		return refuse(why, RSIP_LOCAL_ADDRPORT_UNAVAILABLE, "quota: %u ports and %u more, a host may hold %u",
		              s->n_ports, req->n_ports, policy->max_ports);
	if (s->n_spis + req->n_spis > policy->max_spis)
		return refuse(why, RSIP_IPSEC_SPI_UNAVAILABLE, "quota: %u SPIs and %u more, a host may hold %u",
		              s->n_spis, req->n_spis, policy->max_spis);
	if (req->cookie_intent != POOL_NONE && s->n_cookies >= policy->max_cookies)
		return refuse(why, RSIP_IPSEC_SPI_UNAVAILABLE, "quota: a host may hold %u cookie blocks",
		              policy->max_cookies);
	return RSIP_OK;
}

uint32_t
policy_lease_s(const struct conf_policy *policy, uint32_t asked_s)
{
	uint32_t lease_s = asked_s != 0 ? asked_s : policy->lease_s;

	return lease_s < policy->max_lease_s ? lease_s : policy->max_lease_s;
}
