#include "config.h"

#include "document.h"

#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "carried.h"
#include "claims.h"
#include "clock.h"
#include "conf.h"
#include "dataplane.h"
#include "gateway.h"
#include "identities.h"
#include "lease.h"
#include "ledger.h"
#include "log.h"
#include "message.h"
#include "names.h"
#include "pool.h"
#include "session.h"
#include "stats.h"
#include "value.h"
#include "xdp_tables.h"

/* The words for a set of methods. */
static json_t *
of_methods(unsigned methods)
{
	json_t *array = json_array();

#define X(id, number, text)             \
	if ((methods & CONF_METHOD(id)) != 0) \
		json_array_append_new(array, json_string(text));
	RSIP_METHODS(X)
#undef X
	return array;
}

/* ---- hosts and bindings ---- */

json_t *
document_host(const struct session *s)
{
	bool moved = s->moved != 0;

	return value_made(json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "client_id", value_count(s->client_id), "address",
	    value_address(s->host_addr), "name", value_text(s->name), "transport", rsip_transport_name(s->transport), "policy",
	    value_text(s->policy != NULL ? s->policy->name : NULL), "expires_in_s",
	    value_count(lease_seconds_left(s->expires)), "bindings", value_count(s->n_bindings),
	    "identity", value_text(s->identity != NULL ? s->identity->name : NULL), "moved_from",
	    moved ? value_address(s->moved_from) : json_null(), "moved",
	    moved ? value_count((uint64_t)s->moved) : json_null()));
}

static json_t *
of_cookie(const struct binding *b)
{
	const struct binding_terms *terms = binding_terms(b);

	if (terms->cookie_mask == 0)
		return json_null();
	return value_made(json_pack("{s:o, s:o}", "value", value_hex(terms->cookie_value, 16), "mask",
	                           value_hex(terms->cookie_mask, 16)));
}

static json_t *
of_remote_name(const struct binding *b)
{
	json_t *addrs = value_made(json_array());
	ip4_t peers[DP_REMOTE_ADDRS_MAX];
	size_t n = binding_remote(b) != NULL ? lease_peers(b, peers) : 0;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(addrs, value_address(peers[i]));
	return value_made(json_pack("{s:o, s:o, s:o, s:o}", "address", json_null(), "ports",
	    value_ports(binding_remote_ports(b), b->n_remote_ports), "name", value_text(binding_remote_name(b)), "addresses", addrs));
}

static json_t *
of_remote(const struct binding *b)
{
	if (binding_remote_name(b) != NULL)
		return of_remote_name(b);
	if (binding_terms(b)->remote_addr == 0)
		return json_null();
	return value_made(json_pack("{s:o, s:o}", "address", value_address(binding_terms(b)->remote_addr), "ports",
	    value_ports(binding_remote_ports(b), b->n_remote_ports)));
}

static void
append_claim(const struct dp_claim *claim, void *arg)
{
	json_array_append_new(arg, json_pack("{s:o, s:o}", "cookie", value_hex(claim->cookie, 16), "peer",
	    value_address(claim->peer)));
}

/* The IKE cookies that the host has learned with it. */
static json_t *
of_claims(const struct gateway *gw, const struct binding *b)
{
	json_t *array = value_made(json_array());

	claims_of_binding(gw->claims, b->bind_id, append_claim, array);
	return array;
}

json_t *
document_binding(const struct gateway *gw, const struct binding *b)
{
	const struct binding_terms *terms = binding_terms(b);
	struct meter carried = carried_by(gw, b->bind_id);

	return value_made(json_pack(
	    "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "bind_id", value_count(b->bind_id), "client_id", value_count(b->session->client_id), "host",
	    value_address(b->session->host_addr), "method", rsip_method_name(b->method), "address",
	    value_address(b->local_addr), "ports", value_ports(binding_ports(b), b->n_ports), "spis", value_spis(binding_spis(b), b->n_spis),
	    "cookie", of_cookie(b), "remote", of_remote(b), "tunnel", rsip_tunnel_name(b->tunnel), "gre_key",
	    terms->gre_key != 0 ? value_count(terms->gre_key) : json_null(), "expires_in_s",
	    value_count(lease_seconds_left(b->expires)), "listen", b->listen, "ike_listener",
	    terms->ike_listener != 0 ? value_address(terms->ike_listener) : json_null(), "gateway",
	    value_address(b->endpoint), "max_claims", value_count(claims_allowed(b)), "claims", of_claims(gw, b),
	    "in_packets", value_count(carried.in_packets), "in_bytes", value_count(carried.in_bytes), "out_packets",
	    value_count(carried.out_packets), "out_bytes", value_count(carried.out_bytes)));
}

/* ---- pools ---- */

json_t *
document_pool_address(const struct gateway *gw, const struct conf_pool *pool, ip4_t addr)
{
	struct pool_totals t = pool_address_totals(gw->ledger->pool, pool, addr);

	return value_made(json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
	    value_text(pool != NULL ? pool->name : NULL), "address",
	    value_address(addr), "leased_whole", t.addresses_leased > 0, "ports_total", value_count(t.ports_total),
	    "ports_leased", value_count(t.ports_leased), "ports_held", value_count(t.ports_held), "spis_leased",
	    value_count(t.spis_leased), "cookies_leased", value_count(t.cookies_leased), "bindings", value_count(t.bindings),
	    "hosts", value_count(t.hosts)));
}

static json_t *
of_pool(const struct gateway *gw, const struct conf_pool *pool)
{
	struct pool_totals t = pool_totals(gw->ledger->pool, pool);

	return value_made(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", value_text(pool->name), "methods",
	    of_methods(pool->methods), "addresses", value_count(t.addresses), "addresses_leased",
	    value_count(t.addresses_leased), "ports_total", value_count(t.ports_total), "ports_leased",
	    value_count(t.ports_leased), "bindings", value_count(t.bindings), "hosts", value_count(t.hosts)));
}

json_t *
document_status(const struct gateway *gw)
{
	const struct conf *conf = gw->ledger->conf;
	json_t *pools = json_array();

	for (size_t i = 0; i < conf->n_pools; i++)
		json_array_append_new(pools, of_pool(gw, &conf->pools[i]));
	return value_made(json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "uptime_s",
	    value_count((uint64_t)(clock_now() - gw->started) / 1000), "data_plane", gw->data_plane, "data_plane_detail",
	    gw->data_plane_detail, "hosts", value_count(session_count(&gw->ledger->sessions)), "bindings", value_count(binding_count(&gw->ledger->bindings)),
	    "pools", pools));
}

/* ---- counters ---- */

/* Requests received, or responses sent, by the RFC's names of them. */
static json_t *
of_messages(const uint64_t counts[STATS_MESSAGES], bool requests)
{
	json_t *object = json_object();

#define X(id, number, text)                 \
	if (rsip_msg_is_request(id) == requests) \
		json_object_set_new(object, text, value_count(counts[id]));
	RSIP_MSG_TYPES(X)
#undef X
	if (requests)
		json_object_set_new(object, "UNKNOWN", value_count(counts[0]));
	return object;
}

static json_t *
of_errors(const uint64_t counts[STATS_ERRORS])
{
	json_t *object = json_object();

#define X(id, number, text) \
	if (id != RSIP_OK)        \
		json_object_set_new(object, text, value_count(counts[id]));
	RSIP_ERRORS(X)
#undef X
	return object;
}

static json_t *
of_control(const struct stats *stats)
{
	json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "open_connections", value_count(stats->open_connections),
	    "requests", of_messages(stats->requests, true), "responses", of_messages(stats->responses, false), "errors",
	    of_errors(stats->errors));

#define X(name, help) json_object_set_new(object, #name, value_count(stats->name));
	STATS_COUNTERS(X)
#undef X
	return object;
}

/* What XDP has forwarded by itself, and why it left the rest to the relay. Empty where there is no XDP. */
static json_t *
of_xdp(const struct xdp_tables *tables)
{
	json_t *passed;
	struct xdp_totals t;

	if (tables == NULL)
		return value_made(json_object());
	passed = json_object();
	xdp_tables_totals(tables, &t);
	for (int i = 0; i < XDP_PASS_COUNT; i++)
		json_object_set_new(passed, xdp_pass_name((enum xdp_pass)i), value_count(t.passed[i]));
	return value_made(json_pack("{s:o, s:o, s:o, s:o, s:o}", "in_packets", value_count(t.in_packets), "in_bytes",
	    value_count(t.in_bytes), "out_packets", value_count(t.out_packets), "out_bytes", value_count(t.out_bytes),
	    "passed_up", passed));
}

static json_t *
of_drops(const struct dp_counters *data)
{
	json_t *drops = json_object();

	for (int i = 0; i < DP_DROP_COUNT; i++)
		json_object_set_new(drops, dp_drop_name((enum dp_drop)i), value_count(data->drops[i]));
	return drops;
}

static json_t *
of_relay(const struct dp_counters *data)
{
	return value_made(json_pack("{s:o, s:o, s:o, s:o, s:o}", "to_stack", value_count(data->to_stack), "answered",
	    value_count(data->answered), "claims", value_count(data->claims), "held", value_count(data->held),
	    "tunnel_errors", value_count(data->tunnel_errors)));
}

static json_t *
of_data(const struct gateway *gw)
{
	struct dp_counters all = carried_in_all(gw);

	return value_made(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "in_packets", value_count(all.in_packets),
	    "in_bytes", value_count(all.in_bytes), "out_packets", value_count(all.out_packets), "out_bytes",
	    value_count(all.out_bytes), "drops", of_drops(&all), "xdp", of_xdp(gw->xdp), "relay", of_relay(&all)));
}

json_t *
document_stats(const struct gateway *gw)
{
	return value_made(json_pack("{s:o, s:o}", "control", of_control(gw->stats), "data", of_data(gw)));
}
