#include "config.h"

#include "dp_bind.h"

#include <string.h>

#include "claims.h"
#include "lease.h"
#include "remote_names.h"
#include "session.h"

size_t
dp_bind_encode(const struct binding *b, uint8_t bytes[DP_MESSAGE_MAX])
{
	const struct binding_terms *terms = binding_terms(b);
	const struct session *s = b->session;
	struct dp_bind m = {
		.op = DP_BIND,
		.bind_id = b->bind_id,
		.client_id = s->client_id,
		.host_addr = s->host_addr,
		.gateway_addr = b->endpoint,
		.local_addr = b->local_addr,
		.remote_addr = terms->remote_addr,
		.ike_listener = terms->ike_listener,
		.method = b->method,
		.tunnel = b->tunnel,
		.gre_key = terms->gre_key,
		.cookie_value = terms->cookie_value,
		.cookie_mask = terms->cookie_mask,
		.n_ports = b->n_ports,
		.n_spis = b->n_spis,
		.n_remote_ports = b->n_remote_ports,
	};
	uint8_t *at = bytes + sizeof(m);
	ip4_t peers[DP_REMOTE_ADDRS_MAX];

	if (binding_remote(b) != NULL) {
		m.remote_addr = DP_REMOTE_NOBODY;
		m.n_remote_addrs = (uint16_t)lease_peers(b, peers);
	}
	m.flags = (uint16_t)((b->listen ? DP_F_LISTEN : 0) | (terms->cookie_mask != 0 ? DP_F_COOKIE_BLOCK : 0) |
	                     (b->n_remote_ports > 0 ? DP_F_REMOTE_PORTS : 0) |
	                     (terms->ike_listener != 0 ? DP_F_IKE_LISTENER : 0) |
	                     (binding_remote(b) != NULL ? DP_F_REMOTE_NAME : 0));
	m.max_claims = claims_allowed(b);
	memcpy(bytes, &m, sizeof(m));
	at = mempcpy(at, binding_ports(b), b->n_ports * sizeof(*binding_ports(b)));
	at = mempcpy(at, binding_spis(b), b->n_spis * sizeof(*binding_spis(b)));
	at = mempcpy(at, binding_remote_ports(b), b->n_remote_ports * sizeof(*binding_remote_ports(b)));
	at = mempcpy(at, peers, m.n_remote_addrs * sizeof(*peers));
	return (size_t)(at - bytes);
}

struct dp_check_entry
dp_bind_check_entry(const struct binding *b)
{
	uint8_t bytes[DP_MESSAGE_MAX];
	struct dp_bind m;

	dp_bind_encode(b, bytes);
	memcpy(&m, bytes, sizeof(m));
	return (struct dp_check_entry){ .bind_id = b->bind_id, .fingerprint = dp_bind_fingerprint(&m, bytes + sizeof(m)) };
}
