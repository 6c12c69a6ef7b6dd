#include "config.h"

#include "document.h"

#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "clock.h"
#include "conf.h"
#include "dataplane.h"
#include "gateway.h"
#include "lease.h"
#include "ledger.h"
#include "log.h"
#include "message.h"
#include "names.h"
#include "pool.h"
#include "session.h"
#include "stats.h"

/* ---- values ---- */

static json_t *
made(json_t *value)
{
	if (value == NULL)
		log_fatal("ctl", "out of memory");
	return value;
}

static json_t *
of_count(uint64_t n)
{
	return made(json_integer((json_int_t)n));
}

static json_t *
of_address(ip4_t addr)
{
	char text[IP4_STRLEN];

	return made(json_string(ip4_str(addr, text)));
}

/* Text that a host or a config file chose: where it is not UTF-8, its bytes beyond ASCII are told as \xNN. NULL is
 * null. */
static json_t *
of_text(const char *text)
{
	char safe[4 * SESSION_NAME_MAX + 1];
	json_t *value = text == NULL ? json_null() : json_string(text);
	size_t n = 0;

	if (value != NULL)
		return value;
	for (; *text != '\0' && n + 5 <= sizeof(safe); text++) {
		unsigned char c = (unsigned char)*text;

		n += (size_t)snprintf(safe + n, sizeof(safe) - n, c < 0x80 ? "%c" : "\\x%02x", c);
	}
	safe[n] = '\0';
	return made(json_string(safe));
}

/* 64 bits have no place in a JSON number that every program can read. */
static json_t *
of_hex(uint64_t value, int digits)
{
	return made(json_sprintf("0x%0*llx", digits, (unsigned long long)value));
}

static json_t *
of_ports(const struct port_range *ports, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("[i,i]", ports[i].first, ports[i].last));
	return array;
}

static json_t *
of_spis(const struct spi_range *spis, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("[o,o]", of_hex(spis[i].first, 8), of_hex(spis[i].last, 8)));
	return array;
}

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
	return made(json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "client_id", of_count(s->client_id), "address",
	    of_address(s->host_addr), "name", of_text(s->name), "transport", rsip_transport_name(s->transport), "policy",
	    of_text(s->policy != NULL ? s->policy->name : NULL), "expires_in_s",
	    of_count(lease_seconds_left(s->expires)), "bindings", of_count(s->n_bindings)));
}

static json_t *
of_cookie(const struct binding *b)
{
	if (b->cookie_mask == 0)
		return json_null();
	return made(json_pack("{s:o, s:o}", "value", of_hex(b->cookie_value, 16), "mask", of_hex(b->cookie_mask, 16)));
}

static json_t *
of_remote(const struct binding *b)
{
	if (b->remote_addr == 0)
		return json_null();
	return made(json_pack("{s:o, s:o}", "address", of_address(b->remote_addr), "ports",
	    of_ports(b->remote_ports, b->n_remote_ports)));
}

json_t *
document_binding(const struct binding *b)
{
	return made(json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:b, s:o}", "bind_id",
	    of_count(b->bind_id), "client_id", of_count(b->session->client_id), "host",
	    of_address(b->session->host_addr), "method", rsip_method_name(b->method), "address",
	    of_address(b->local_addr), "ports", of_ports(b->ports, b->n_ports), "spis", of_spis(b->spis, b->n_spis),
	    "cookie", of_cookie(b), "remote", of_remote(b), "tunnel", rsip_tunnel_name(b->tunnel), "expires_in_s",
	    of_count(lease_seconds_left(b->expires)), "listen", b->listen, "ike_listener",
	    b->ike_listener != 0 ? of_address(b->ike_listener) : json_null()));
}

/* ---- pools ---- */

json_t *
document_pool_address(const struct gateway *gw, const struct conf_pool *pool, ip4_t addr)
{
	struct pool_totals t = pool_address_totals(gw->ledger->pool, pool, addr);

	return made(json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", of_text(pool->name), "address",
	    of_address(addr), "leased_whole", t.addresses_leased > 0, "ports_total", of_count(t.ports_total),
	    "ports_leased", of_count(t.ports_leased), "ports_held", of_count(t.ports_held), "spis_leased",
	    of_count(t.spis_leased), "cookies_leased", of_count(t.cookies_leased), "bindings", of_count(t.bindings),
	    "hosts", of_count(t.hosts)));
}

static json_t *
of_pool(const struct gateway *gw, const struct conf_pool *pool)
{
	struct pool_totals t = pool_totals(gw->ledger->pool, pool);

	return made(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", of_text(pool->name), "methods",
	    of_methods(pool->methods), "addresses", of_count(t.addresses), "addresses_leased",
	    of_count(t.addresses_leased), "ports_total", of_count(t.ports_total), "ports_leased",
	    of_count(t.ports_leased), "bindings", of_count(t.bindings), "hosts", of_count(t.hosts)));
}

json_t *
document_status(const struct gateway *gw)
{
	const struct conf *conf = gw->ledger->conf;
	json_t *pools = json_array();

	for (size_t i = 0; i < conf->n_pools; i++)
		json_array_append_new(pools, of_pool(gw, &conf->pools[i]));
	return made(json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "uptime_s",
	    of_count((uint64_t)(clock_now() - gw->started) / 1000), "data_plane", gw->data_plane, "hosts",
	    of_count(session_count(&gw->ledger->sessions)), "bindings", of_count(binding_count(&gw->ledger->bindings)),
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
		json_object_set_new(object, text, of_count(counts[id]));
	RSIP_MSG_TYPES(X)
#undef X
	if (requests)
		json_object_set_new(object, "UNKNOWN", of_count(counts[0]));
	return object;
}

static json_t *
of_errors(const uint64_t counts[STATS_ERRORS])
{
	json_t *object = json_object();

#define X(id, number, text) \
	if (id != RSIP_OK)        \
		json_object_set_new(object, text, of_count(counts[id]));
	RSIP_ERRORS(X)
#undef X
	return object;
}

static json_t *
of_control(const struct stats *stats)
{
	json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "open_connections", of_count(stats->open_connections),
	    "requests", of_messages(stats->requests, true), "responses", of_messages(stats->responses, false), "errors",
	    of_errors(stats->errors));

#define X(name, help) json_object_set_new(object, #name, of_count(stats->name));
	STATS_COUNTERS(X)
#undef X
	return object;
}

static json_t *
of_data(const struct dp_counters *data)
{
	json_t *drops = json_object();

	for (int i = 0; i < DP_DROP_COUNT; i++)
		json_object_set_new(drops, dp_drop_name((enum dp_drop)i), of_count(data->drops[i]));
	return made(json_pack("{s:o, s:o, s:o, s:o, s:o, s:{}, s:{s:o, s:o, s:o}}", "in_packets", of_count(data->in_packets),
	    "in_bytes", of_count(data->in_bytes), "out_packets", of_count(data->out_packets), "out_bytes",
	    of_count(data->out_bytes), "drops", drops, "xdp", "relay", "to_stack", of_count(data->to_stack), "answered",
	    of_count(data->answered), "claims", of_count(data->claims)));
}

json_t *
document_stats(const struct gateway *gw)
{
	return made(json_pack("{s:o, s:o}", "control", of_control(gw->stats), "data", of_data(gw->data)));
}
