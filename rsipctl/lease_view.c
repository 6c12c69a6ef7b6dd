#include "config.h"

#include "lease_view.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp_apply.h"
#include "json_field.h"
#include "mem.h"
#include "names.h"
#include "path_mtu.h"

#define PATH_MTU_UNASKED 1500
#define TUNNEL_ENDS_MAX 64
#define EXPIRE_MS 1000

/* What one binding's message is made of. Large, so static in its user. */
struct bind_parts {
	struct dp_bind lease;
	struct port_range ports[DP_RANGES_MAX], remote_ports[DP_RANGES_MAX];
	struct spi_range spis[DP_RANGES_MAX];
	ip4_t remote_addrs[DP_REMOTE_ADDRS_MAX];
};

struct lease_view {
	struct engine engine;
	int probe;
	ip4_t tunnel_ends[TUNNEL_ENDS_MAX]; /* more than a gateway has; those beyond go unknown */
	size_t n_tunnel_ends;
	int64_t now;     /* of the load that goes on */
	int64_t expired; /* when the engine last forgot */
	char *error;
};

/* ---- life ---- */

static void
host_new_cb(struct demux_host *host, void *arg)
{
	const struct lease_view *view = arg;
	uint16_t mtu = view->probe >= 0 ? path_mtu(view->probe, host->addr) : 0;

	host->path_mtu = mtu >= PATH_MTU_MIN ? mtu : PATH_MTU_UNASKED;
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

struct lease_view *
lease_view_new(int probe)
{
	struct lease_view *view = mem_zero(1, sizeof(*view));
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb, .arg = view };

	view->probe = probe;
	view->engine.demux = demux_new(&events);
	return view;
}

void
lease_view_free(struct lease_view *view)
{
	if (view == NULL)
		return;
	demux_free(view->engine.demux);
	free(view);
}

struct engine *
lease_view_engine(struct lease_view *view)
{
	return &view->engine;
}

void
lease_view_time(struct lease_view *view, int64_t now)
{
	struct dp_counters uncounted = { 0 };

	view->engine.now = now;
	if (now >= view->expired && now < view->expired + EXPIRE_MS)
		return;
	engine_expire(&view->engine, &uncounted);
	view->expired = now;
}

bool
lease_view_is_tunnel_end(const struct lease_view *view, ip4_t addr)
{
	for (size_t i = 0; i < view->n_tunnel_ends; i++) {
		if (view->tunnel_ends[i] == addr)
			return true;
	}
	return false;
}

void
lease_view_refresh_paths(struct lease_view *view)
{
	demux_each_host(view->engine.demux, host_new_cb, view);
}

/* ---- loading ---- */

static bool __attribute__((format(printf, 2, 3)))
fail(struct lease_view *view, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(view->error, LEASE_VIEW_ERROR, fmt, ap);
	va_end(ap);
	return false;
}

static bool
tell(struct lease_view *view, const void *message, size_t len)
{
	return dp_apply(view->engine.demux, message, len, view->now) != DP_REFUSED;
}

static void
add_tunnel_end(struct lease_view *view, ip4_t addr)
{
	if (addr != 0 && view->n_tunnel_ends < TUNNEL_ENDS_MAX && !lease_view_is_tunnel_end(view, addr))
		view->tunnel_ends[view->n_tunnel_ends++] = addr;
}

static bool
load_listen(struct lease_view *view, const json_t *data_plane)
{
	const json_t *listen = json_object_get(data_plane, "listen"), *value;
	ip4_t addr;
	size_t i;

	json_array_foreach(listen, i, value) {
		if (!json_is_string(value) || !ip4_parse(json_string_value(value), &addr))
			return fail(view, "listen: entry %zu is no IPv4 address", i);
		if (i == 0)
			view->engine.gateway_addr = addr;
		add_tunnel_end(view, addr);
	}
	return true;
}

static bool
read_ike_ports(const json_t *object, struct dp_pool *m)
{
	const json_t *array = json_object_get(object, "ike_ports"), *value;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > sizeof(m->ike_ports) / sizeof(m->ike_ports[0]))
		return false;
	json_array_foreach(array, i, value) {
		json_int_t port = json_integer_value(value);

		if (port < 1 || port > UINT16_MAX)
			return false;
		m->ike_ports[m->n_ike_ports++] = (uint16_t)port;
	}
	return true;
}

static bool
load_pool(struct lease_view *view, const json_t *object, bool mss_clamp)
{
	struct dp_pool m = { .op = DP_POOL, .mss_clamp = mss_clamp };

	m.own = json_is_true(json_object_get(object, "own"));
	m.shared = json_is_true(json_object_get(object, "shared"));
	m.upstream = json_is_true(json_object_get(object, "upstream"));
	return json_field_address(object, "first", &m.addresses.first) &&
	       json_field_address(object, "last", &m.addresses.last) && read_ike_ports(object, &m) && tell(view, &m, sizeof(m));
}

static bool
load_pools(struct lease_view *view, const json_t *data_plane)
{
	const json_t *pools = json_object_get(data_plane, "pools"), *pool;
	bool mss_clamp = json_is_true(json_object_get(data_plane, "mss_clamp"));
	size_t i;

	if (!json_is_array(pools))
		return fail(view, "the data plane's document has no array \"pools\"");
	json_array_foreach(pools, i, pool) {
		if (!load_pool(view, pool, mss_clamp))
			return fail(view, "pools: entry %zu is no pool", i);
	}
	return true;
}

/* An address of no pool that is told: one that only its bindings tell of. */
static bool
load_pool_of(struct lease_view *view, const json_t *data_plane, const struct dp_bind *lease)
{
	struct dp_pool m = { .op = DP_POOL, .addresses = { lease->local_addr, lease->local_addr }, .ike_ports = { 500, 4500 },
		             .n_ike_ports = 2 };

	m.shared = data_plane == NULL && lease->method != RSIP_METHOD_RSA_IP;
	return tell(view, &m, sizeof(m));
}

static bool
read_cookie(const json_t *object, struct dp_bind *lease)
{
	const json_t *cookie = json_object_get(object, "cookie");

	if (!json_is_object(cookie))
		return true;
	lease->flags |= DP_F_COOKIE_BLOCK;
	return json_field_hex(cookie, "value", &lease->cookie_value) && json_field_hex(cookie, "mask", &lease->cookie_mask);
}

/* A peer that is a name: the addresses that it has now. */
static bool
read_remote_name(const json_t *remote, struct bind_parts *parts)
{
	const json_t *array = json_object_get(remote, "addresses"), *value;
	struct dp_bind *lease = &parts->lease;
	size_t i;

	lease->flags |= DP_F_REMOTE_NAME;
	lease->remote_addr = DP_REMOTE_NOBODY;
	if (json_array_size(array) > DP_REMOTE_ADDRS_MAX)
		return false;
	json_array_foreach(array, i, value) {
		if (!json_is_string(value) || !ip4_parse(json_string_value(value), &parts->remote_addrs[i]))
			return false;
	}
	lease->n_remote_addrs = (uint16_t)json_array_size(array);
	return true;
}

static bool
read_remote(const json_t *object, struct bind_parts *parts)
{
	const json_t *remote = json_object_get(object, "remote");
	struct dp_bind *lease = &parts->lease;

	if (!json_is_object(remote))
		return true;
	if (json_is_string(json_object_get(remote, "name")) ? !read_remote_name(remote, parts) :
	                                                      !json_field_address(remote, "address", &lease->remote_addr))
		return false;
	if (!json_field_ports(remote, "ports", parts->remote_ports, DP_RANGES_MAX, &lease->n_remote_ports))
		return false;
	lease->flags |= lease->n_remote_ports > 0 ? DP_F_REMOTE_PORTS : 0;
	return true;
}

/* What older documents lack is what it is mostly. */
static void
read_extras(const json_t *object, struct dp_bind *lease)
{
	uint32_t max_claims = 0;

	lease->flags |= json_is_true(json_object_get(object, "listen")) ? DP_F_LISTEN : 0;
	lease->flags |= json_field_address(object, "ike_listener", &lease->ike_listener) ? DP_F_IKE_LISTENER : 0;
	json_field_address(object, "gateway", &lease->gateway_addr);
	json_field_number(object, "max_claims", UINT16_MAX, &max_claims);
	lease->max_claims = (uint16_t)max_claims;
	json_field_number(object, "gre_key", UINT32_MAX, &lease->gre_key);
}

static bool
read_binding(const json_t *object, struct bind_parts *parts)
{
	struct dp_bind *lease = &parts->lease;
	const char *method = json_string_value(json_object_get(object, "method"));
	const char *tunnel = json_string_value(json_object_get(object, "tunnel"));

	memset(lease, 0, sizeof(*lease));
	lease->op = DP_BIND;
	if (method == NULL || tunnel == NULL)
		return false;
	lease->method = (uint8_t)rsip_method_parse(method);
	lease->tunnel = (uint8_t)rsip_tunnel_parse(tunnel);
	read_extras(object, lease);
	return json_field_number(object, "bind_id", UINT32_MAX, &lease->bind_id) &&
	       json_field_number(object, "client_id", UINT32_MAX, &lease->client_id) &&
	       json_field_address(object, "host", &lease->host_addr) &&
	       json_field_address(object, "address", &lease->local_addr) &&
	       json_field_ports(object, "ports", parts->ports, DP_RANGES_MAX, &lease->n_ports) &&
	       json_field_spis(object, "spis", parts->spis, DP_RANGES_MAX, &lease->n_spis) && read_cookie(object, lease) &&
	       read_remote(object, parts);
}

static bool
tell_binding(struct lease_view *view, const struct bind_parts *parts)
{
	static uint8_t message[DP_MESSAGE_MAX];
	const struct dp_bind *lease = &parts->lease;
	uint8_t *at = message;

	at = mempcpy(at, lease, sizeof(*lease));
	at = mempcpy(at, parts->ports, lease->n_ports * sizeof(parts->ports[0]));
	at = mempcpy(at, parts->spis, lease->n_spis * sizeof(parts->spis[0]));
	at = mempcpy(at, parts->remote_ports, lease->n_remote_ports * sizeof(parts->remote_ports[0]));
	at = mempcpy(at, parts->remote_addrs, lease->n_remote_addrs * sizeof(parts->remote_addrs[0]));
	return tell(view, message, (size_t)(at - message));
}

static bool
load_claims(struct lease_view *view, const json_t *object, const struct dp_bind *lease)
{
	const json_t *claims = json_object_get(object, "claims"), *claim;
	size_t i;

	json_array_foreach(claims, i, claim) {
		struct dp_claim m = { .op = DP_CLAIM, .bind_id = lease->bind_id, .local_addr = lease->local_addr };

		if (!json_field_hex(claim, "cookie", &m.cookie) || !json_field_address(claim, "peer", &m.peer) ||
		    !tell(view, &m, sizeof(m)))
			return false;
	}
	return true;
}

static bool
is_pooled(const json_t *data_plane, ip4_t addr)
{
	const json_t *pool;
	size_t i;

	json_array_foreach(json_object_get(data_plane, "pools"), i, pool) {
		ip4_t first, last;

		if (json_field_address(pool, "first", &first) && json_field_address(pool, "last", &last) && addr >= first &&
		    addr <= last)
			return true;
	}
	return false;
}

static bool
load_binding(struct lease_view *view, const json_t *data_plane, const json_t *object)
{
	static struct bind_parts parts;
	const struct dp_bind *lease = &parts.lease;

	if (!read_binding(object, &parts))
		return false;
	if (!is_pooled(data_plane, lease->local_addr) && !load_pool_of(view, data_plane, lease))
		return false;
	add_tunnel_end(view, lease->gateway_addr);
	return tell_binding(view, &parts) && load_claims(view, object, lease);
}

static bool
load_all(struct lease_view *view, const json_t *data_plane, const json_t *bindings)
{
	const json_t *object;
	size_t i;

	if (data_plane != NULL && (!load_listen(view, data_plane) || !load_pools(view, data_plane)))
		return false;
	if (!json_is_array(bindings))
		return fail(view, "the bindings are no array");
	json_array_foreach(bindings, i, object) {
		if (!load_binding(view, data_plane, object))
			return fail(view, "bindings: entry %zu is no binding", i);
	}
	return true;
}

bool
lease_view_load(struct lease_view *view, const json_t *data_plane, const json_t *bindings, int64_t now,
                char error[LEASE_VIEW_ERROR])
{
	const struct dp_sync begin = { DP_SYNC_BEGIN }, end = { DP_SYNC_END };
	bool loaded;

	view->now = now;
	view->error = error;
	view->n_tunnel_ends = 0;
	tell(view, &begin, sizeof(begin));
	loaded = load_all(view, data_plane, bindings);
	tell(view, &end, sizeof(end));
	return loaded;
}
