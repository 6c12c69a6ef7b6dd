#include "config.h"

#include "site_document.h"

#include <stdlib.h>

#include "lease_source.h"
#include "names.h"
#include "site.h"
#include "value.h"

static json_t *
of_pool(const struct dp_pool *m)
{
	json_t *ike_ports = json_array();

	for (unsigned i = 0; i < m->n_ike_ports; i++)
		json_array_append_new(ike_ports, value_count(m->ike_ports[i]));
	return json_pack("{s:o, s:o, s:o, s:b, s:b}", "first", value_address(m->addresses.first), "last",
	    value_address(m->addresses.last), "ike_ports", ike_ports, "own", m->own, "shared", m->shared);
}

static json_t *
of_remote_name(const struct site_binding *b)
{
	json_t *addresses = json_array();

	for (unsigned i = 0; i < b->lease.n_remote_addrs; i++)
		json_array_append_new(addresses, value_address(b->remote_addrs[i]));
	return json_pack("{s:s, s:o, s:o}", "name", "www.example.net", "addresses", addresses, "ports",
	    value_ports(b->remote_ports, b->lease.n_remote_ports));
}

static json_t *
of_remote(const struct site_binding *b)
{
	if ((b->lease.flags & DP_F_REMOTE_NAME) != 0)
		return of_remote_name(b);
	if (b->lease.remote_addr == 0)
		return json_null();
	return json_pack("{s:o, s:o}", "address", value_address(b->lease.remote_addr), "ports",
	    value_ports(b->remote_ports, b->lease.n_remote_ports));
}

static json_t *
of_cookie(const struct dp_bind *lease)
{
	if ((lease->flags & DP_F_COOKIE_BLOCK) == 0)
		return json_null();
	return json_pack("{s:o, s:o}", "value", value_hex(lease->cookie_value, 16), "mask", value_hex(lease->cookie_mask, 16));
}

static json_t *
of_binding(const struct site_binding *b)
{
	const struct dp_bind *lease = &b->lease;

	return json_pack("{s:i, s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:b, s:o, s:i}", "bind_id",
	    (int)lease->bind_id,
	    "client_id", (int)lease->client_id, "host", value_address(lease->host_addr), "method",
	    rsip_method_name(lease->method), "address", value_address(lease->local_addr), "ports",
	    value_ports(b->ports, lease->n_ports), "spis", value_spis(b->spis, lease->n_spis), "cookie", of_cookie(lease),
	    "remote", of_remote(b), "tunnel", rsip_tunnel_name(lease->tunnel), "gre_key",
	    (json_int_t)lease->gre_key, "listen", (lease->flags & DP_F_LISTEN) != 0,
	    "ike_listener", (lease->flags & DP_F_IKE_LISTENER) != 0 ? value_address(lease->ike_listener) : json_null(),
	    "max_claims", (int)lease->max_claims);
}

json_t *
site_document(void)
{
	json_t *pools = json_array(), *bindings = json_array();

	for (size_t i = 0; i < COUNT(site_pools); i++)
		json_array_append_new(pools, of_pool(&site_pools[i]));
	for (size_t i = 0; i < COUNT(site_bindings); i++)
		json_array_append_new(bindings, of_binding(&site_bindings[i]));
	return json_pack("{s:{s:[o], s:o, s:b}, s:o}", "data_plane", "listen", value_address(GW), "pools", pools, "mss_clamp",
	    site_pools[0].mss_clamp, "bindings", bindings);
}

struct lease_view *
site_view(void)
{
	struct lease_view *view = lease_view_new(-1);
	json_t *document = site_document();
	char error[CTL_ERROR_LEN];

	if (!lease_document_load(document, view, 1000000, error))
		abort();
	json_decref(document);
	return view;
}
