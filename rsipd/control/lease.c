#include "lease.h"

#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "lease_check.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "registration.h"
#include "upstream.h"

#define HOLD_DOWN_DEFAULT_S 120 /* for a host that no policy covers any more */
#define KEEP_MAX 16             /* addresses of a host that are tried first; one is the rule */

uint32_t
lease_seconds_left(int64_t expires)
{
	int64_t left = expires - clock_now();

	if (left > (int64_t)UINT32_MAX * 1000)
		return UINT32_MAX;
	return left > 0 ? (uint32_t)((left + 999) / 1000) : 0;
}

/* --- grant --- */

static size_t
allowed_addrs(const struct conf_policy *policy, const struct remote_name *name, ip4_t *addrs)
{
	size_t n = 0;

	for (size_t i = 0; i < name->n; i++) {
		if (!policy_allows_addr_of(policy, name->name, name->addrs[i]))
			continue;
		if (addrs != NULL)
			addrs[n] = name->addrs[i];
		n++;
	}
	return n;
}

size_t
lease_peers(const struct binding *b, ip4_t *addrs)
{
	return allowed_addrs(b->session->policy, binding_remote(b), addrs);
}

/* The name of the remote side, with addresses that the host may talk to, into *name. */
static enum rsip_error
find_remote_name(struct ledger *l, const struct conf_policy *policy, const struct lease_request *req,
                 const struct remote_name **name, struct refusal *why)
{
	enum rsip_error error = policy->remote_flow == RSIP_REMOTE_MICRO ? RSIP_REMOTE_ADDRPORT_UNALLOWED :
	                                                                   RSIP_REMOTE_ADDR_UNALLOWED;
	int len = (int)req->remote_name_len;

	if (req->remote_name == NULL || policy->remote_flow == RSIP_REMOTE_NONE)
		return RSIP_OK;
	*name = remote_names_ask(l->names, req->remote_name, req->remote_name_len);
	if (*name == NULL)
		return refuse(why, error, "too many names are in use: name the peer by its address");
	switch ((*name)->state) {
	case REMOTE_NAME_KNOWN:
		if (allowed_addrs(policy, *name, NULL) > 0)
			return RSIP_OK;
		return refuse(why, error, "policy %s does not allow any address of %.*s", policy->name, len, req->remote_name);
	case REMOTE_NAME_PENDING: return LEASE_LATER;
	case REMOTE_NAME_NONE:
		return refuse(why, error, "%.*s has no IPv4 address that can be reached through RSIP", len, req->remote_name);
	default:
		return refuse(why, error, "%.*s cannot be looked up now: try again later, or name the peer by its address", len,
		              req->remote_name);
	}
}

/* The binding as asked for; what is to be chosen is still open. */
static struct binding *
binding_as_asked(const struct ledger *l, struct session *s, const struct lease_request *req, uint8_t tunnel,
                 const struct remote_name *name)
{
	const struct conf_policy *policy = s->policy;
	bool micro = policy->remote_flow == RSIP_REMOTE_MICRO;
	size_t n_ports = req->port_intent == POOL_NAMED ? req->n_port_ranges : req->port_intent == POOL_ANY;
	size_t n_spis = req->spi_intent == POOL_NAMED ? req->n_spi_ranges : req->spi_intent == POOL_ANY;
	struct binding *b = binding_new(n_ports, micro, n_spis);

	b->session = s;
	b->method = (uint8_t)req->method;
	b->tunnel = tunnel;
	if (tunnel == RSIP_TUNNEL_GRE && req->gre_key != 0)
		binding_own_terms(b)->gre_key = req->gre_key;
	b->endpoint = policy_endpoint(l->conf, policy);
	b->listen = req->listen;
	b->local_addr = req->addr;
	if (req->port_intent == POOL_NAMED)
		memcpy(binding_ports(b), req->ports, n_ports * sizeof(*binding_ports(b)));
	if (req->spi_intent == POOL_NAMED)
		memcpy(binding_spis(b), req->spis, n_spis * sizeof(*binding_spis(b)));
	if (req->cookie_intent != POOL_NONE) {
		binding_own_terms(b)->cookie_value = req->cookie_value;
		binding_own_terms(b)->cookie_mask = req->cookie_mask;
	}
	if (req->ike_listener != 0)
		binding_own_terms(b)->ike_listener = req->ike_listener;
	if (policy->remote_flow != RSIP_REMOTE_NONE && req->remote_addr != 0) /* RFC 3103 9.9.3: else the remote side MUST be don't care */
		binding_own_terms(b)->remote_addr = req->remote_addr;
	if (name != NULL)
		binding_name_remote(b, name->name);
	if (micro)
		binding_remote_ports(b)[0] = (struct port_range){ req->remote_port, req->remote_port };
	return b;
}

static size_t
addresses_held(const struct session *s, ip4_t addrs[KEEP_MAX])
{
	const struct binding *b;
	size_t n = 0, i;

	LL_FOREACH(s->bindings, b) {
		for (i = 0; i < n && addrs[i] != b->local_addr; i++)
			;
		if (i == n && n < KEEP_MAX)
			addrs[n++] = b->local_addr;
	}
	return n;
}

/* The pool's errors, for a person. */
static enum rsip_error
refuse_by_pool(enum rsip_error error, const struct lease_request *req, struct refusal *why)
{
	bool cookie = req->cookie_intent != POOL_NONE;

	switch (error) {
	case RSIP_LOCAL_ADDR_INUSE: return refuse(why, error, "the address is in use, or held after use, by another host");
	case RSIP_LOCAL_ADDR_UNAVAILABLE: return refuse(why, error, "no address is free now, try again later");
	case RSIP_LOCAL_ADDR_UNALLOWED: return refuse(why, error, "the address is in no pool of this host's policy");
	case RSIP_LOCAL_ADDRPORT_INUSE:
		return refuse(why, error, "a port%s is in use, or held after use",
		              req->ike_listener != 0 ? ", or the IKE listener for that peer," : "");
	case RSIP_LOCAL_ADDRPORT_UNALLOWED: return refuse(why, error, "a port is not among those that the pool leases");
	case RSIP_LOCAL_ADDRPORT_UNAVAILABLE:
		return refuse(why, error, "nowhere %u contiguous ports are free now", req->n_ports);
	case RSIP_IPSEC_SPI_INUSE:
		return refuse(why, error, "an SPI%s is in use, or held after use", cookie ? " or the cookie block" : "");
	case RSIP_IPSEC_SPI_UNAVAILABLE:
		return req->spi_intent == POOL_NAMED ?
		           refuse(why, error, "an SPI is not among those that the pool leases") :
		           refuse(why, error, "nowhere %u SPIs%s are free now", req->n_spis, cookie ? " and a cookie block" : "");
	default: return refuse(why, error, "%s", "");
	}
}

static enum rsip_error
acquire(struct ledger *l, struct session *s, const struct lease_request *req, const struct conf_pool **pools,
        size_t n_pools, struct binding *b, struct refusal *why)
{
	ip4_t keep[KEEP_MAX];
	struct pool_want want = {
		.host = s->host_addr,
		.addr = req->addr_intent,
		.ports = req->port_intent,
		.spis = req->spi_intent,
		.cookie = req->cookie_intent,
		.n_any_ports = req->n_ports,
		.n_any_spis = req->n_spis,
		.keep = keep,
		.n_keep = addresses_held(s, keep),
		.pools = pools,
		.n_pools = n_pools,
	};
	enum rsip_error error = pool_acquire(l->pool, &want, b);

	return error == RSIP_OK ? RSIP_OK : refuse_by_pool(error, req, why);
}

/* IDs grow, so that an old one that a host still names is a stranger's to nobody; after 2^32 they begin again. */
static uint32_t
next_bind_id(struct ledger *l)
{
	do {
		l->last_bind_id++;
	} while (l->last_bind_id == 0 || binding_find(&l->bindings, l->last_bind_id) != NULL);
	return l->last_bind_id;
}

static void
hold_ending(struct hold *hold, void *arg)
{
	struct ledger *l = arg;

	store_remove_hold(l->store, hold);
	expiry_remove(&l->hold_expiry, hold);
}

static void
hold_made(struct hold *hold, void *arg)
{
	struct ledger *l = arg;

	store_add_hold(l->store, hold);
	expiry_set(&l->hold_expiry, hold, hold->until);
}

static void
log_grant(const struct binding *b)
{
	char host[IP4_STRLEN], addr[IP4_STRLEN];

	log_info("lease", "granted bind_id=%u host=%s method=%s address=%s ports=%u first_port=%u spis=%u lease_s=%u",
	         b->bind_id, ip4_str(b->session->host_addr, host), rsip_method_name(b->method),
	         ip4_str(b->local_addr, addr), binding_port_count(b), b->n_ports > 0 ? binding_ports(b)[0].first : 0u,
	         binding_spi_count(b), lease_seconds_left(b->expires));
}

enum rsip_error
lease_grant(struct ledger *l, struct session *s, const struct lease_request *req, struct binding **out,
            struct refusal *why)
{
	const struct conf_pool *pools[POLICY_POOLS_MAX];
	const struct remote_name *name = NULL;
	size_t n_pools;
	uint8_t tunnel;
	uint32_t lease_s;
	enum rsip_error error;
	struct binding *b;

	if (s->policy == NULL)
		return refuse(why, RSIP_REGISTRATION_DENIED, "no host section covers this address any more");
	if ((error = policy_pools(l->conf, s->policy, req, pools, &n_pools, &tunnel, why)) != RSIP_OK ||
	    (error = policy_check_flow(l->conf, s->policy, req, why)) != RSIP_OK ||
	    (error = policy_check_quota(s, req, why)) != RSIP_OK ||
	    (error = find_remote_name(l, s->policy, req, &name, why)) != RSIP_OK)
		return error;

	b = binding_as_asked(l, s, req, tunnel, name);
	if ((error = acquire(l, s, req, pools, n_pools, b, why)) != RSIP_OK)
		goto err_binding;
	if ((lease_s = upstream_lease_s(l->conf, b->local_addr, policy_lease_s(s->policy, req->lease_s))) == 0) {
		error = refuse(why, RSIP_LOCAL_ADDR_UNAVAILABLE, "what the gateway leases from another one has run out");
		goto err_pool;
	}
	b->bind_id = next_bind_id(l);
	b->expires = clock_now() + (int64_t)lease_s * 1000;
	store_add_binding(l->store, b);
	if (name != NULL)
		store_put_name(l->store, name);
	pool_settle(l->pool, b, hold_ending, hold_made, l);
	ledger_enter(l, s, b);
	registration_prolong(l, s, b->expires);
	l->dataplane.bind(l->dataplane.arg, b);
	l->stats->bindings_granted++;
	log_grant(b);
	lease_assert(l, "grant");
	*out = b;
	return RSIP_OK;

err_pool:
	pool_release(l->pool, b, false);
err_binding:
	binding_free(b);
	return error;
}

/* --- extend and end --- */

enum rsip_error
lease_extend(struct ledger *l, struct binding *b, uint32_t asked_s, struct refusal *why)
{
	struct session *s = b->session;
	char host[IP4_STRLEN], addr[IP4_STRLEN];
	uint32_t lease_s;
	int64_t was;

	if (s->policy == NULL)
		return refuse(why, RSIP_REGISTRATION_DENIED, "no host section covers this address any more");
	if (!policy_serves(s->policy, b))
		return refuse(why, RSIP_LOCAL_ADDR_UNALLOWED,
		              "no pool of this host's policy leases that of %s any more: ask for another binding",
		              ip4_str(b->local_addr, addr));

	if ((lease_s = upstream_lease_s(l->conf, b->local_addr, policy_lease_s(s->policy, asked_s))) == 0)
		return refuse(why, RSIP_LOCAL_ADDR_UNAVAILABLE, "what the gateway leases from another one has run out");
	was = b->expires;
	b->expires = clock_now() + (int64_t)lease_s * 1000;
	if (b->expires < was)
		registration_outlive(l, s, was);
	expiry_set(&l->binding_expiry, b, b->expires);
	store_extend_binding(l->store, b);
	registration_prolong(l, s, b->expires);
	l->stats->bindings_extended++;
	log_info("lease", "extended bind_id=%u host=%s address=%s lease_s=%u", b->bind_id, ip4_str(s->host_addr, host),
	         ip4_str(b->local_addr, addr), lease_seconds_left(b->expires));
	lease_assert(l, "extend");
	return RSIP_OK;
}

void
lease_follow_name(struct ledger *l, const struct remote_name *name)
{
	const struct binding *b;

	store_put_name(l->store, name);
	DL_FOREACH2(name->bindings, b, terms->named->next)
		l->dataplane.bind(l->dataplane.arg, b);
}

/* Gives back what b had: to nobody but its host until the hold-down is over. */
static void
quarantine(struct ledger *l, const struct binding *b)
{
	const struct session *s = b->session;
	uint32_t hold_down_s = s->policy != NULL ? s->policy->hold_down_s : HOLD_DOWN_DEFAULT_S;
	int64_t until = clock_now() + (int64_t)hold_down_s * 1000;

	pool_release(l->pool, b, hold_down_s > 0);
	for (size_t i = 0; hold_down_s > 0 && i < binding_n_tuples(b); i++) {
		struct tuple tuple = binding_tuple(b, i);
		if (tuple.kind != TUPLE_IKE_PEER)
			hold_made(pool_hold(l->pool, tuple, s->host_addr, until), l);
	}
}

const char *
lease_how_name(enum lease_how how)
{
	static const char *const names[] = {
		[LEASE_FREED] = "freed",
		[LEASE_DE_REGISTERED] = "de-registered",
		[LEASE_EXPIRED] = "expired",
		[LEASE_NOT_EXTENDED] = "not-extended",
		[LEASE_BY_OPERATOR] = "operator",
		[LEASE_WITHDRAWN] = "withdrawn",
	};

	return names[how];
}

void
lease_end(struct ledger *l, struct binding *b, enum lease_how how)
{
	char host[IP4_STRLEN], addr[IP4_STRLEN];

	log_info("lease", "ended bind_id=%u host=%s address=%s how=%s", b->bind_id, ip4_str(b->session->host_addr, host),
	         ip4_str(b->local_addr, addr), lease_how_name(how));
	l->dataplane.unbind(l->dataplane.arg, b->bind_id);
	store_end_binding(l->store, b, lease_how_name(how));
	if (how == LEASE_EXPIRED)
		l->stats->bindings_expired++;
	else
		l->stats->bindings_freed++;
	if (binding_remote(b) != NULL && binding_remote(b)->bindings->terms->named->next == NULL)
		store_remove_name(l->store, binding_remote_name(b));
	ledger_strike(l, b);
	quarantine(l, b);
	registration_outlive(l, b->session, b->expires);
	registration_curtail(l, b->session);
	binding_free(b);
	lease_assert(l, "end");
}
