#include "egress.h"

#include <string.h>

#include "classify.h"
#include "fragments.h"
#include "icmp.h"
#include "ike_demux.h"

/* What is wrong with a binding for a packet, the lesser faults later. */
enum fault { FAULT_NO_BINDING, FAULT_TUNNEL, FAULT_REMOTE_ADDR, FAULT_REMOTE_PORT, FAULT_NONE };

static enum dp_drop
refuse(struct egress *out, enum dp_drop reason, enum rsip_error error)
{
	out->error = (uint16_t)error;
	return reason;
}

/* IKE has remote ports of its own, those of policy are the other packets'. */
static enum fault
binding_fault(const struct demux_binding *b, struct tunnel_kind tunnel, const struct demux_key *key)
{
	if (!encap_same(demux_binding_tunnel(b), tunnel))
		return FAULT_TUNNEL;
	if (!demux_binding_allows_addr(b, key->peer_addr))
		return FAULT_REMOTE_ADDR;
	if (demux_key_shows_port(key) && !demux_binding_allows_port(b, key->peer_port))
		return FAULT_REMOTE_PORT;
	return FAULT_NONE;
}

static bool
any_method(const struct demux_binding *b)
{
	(void)b;
	return true;
}

static bool
is_ipsec(const struct demux_binding *b)
{
	return b->lease.method == RSIP_METHOD_RSIPSEC;
}

/* For packets that no single binding is named by: of the host's bindings on the address the one with the least
 * fault. */
static struct demux_binding *
best_binding(const struct demux_host *host, struct tunnel_kind tunnel, const struct demux_key *key,
             bool (*suits)(const struct demux_binding *))
{
	struct demux_binding *b, *best = NULL;
	enum fault least = FAULT_NO_BINDING;

	SLIST_FOREACH(b, &host->bindings, of_host) {
		if (b->lease.local_addr != key->local_addr || !suits(b))
			continue;
		enum fault fault = binding_fault(b, tunnel, key);
		if (fault > least) {
			least = fault;
			best = b;
		}
	}
	return best;
}

/* An error about a packet that came to the host: the tuple it was sent to must be the host's, and the error must go
 * where it came from. */
static struct demux_binding *
icmp_error_binding(struct demux *d, const struct packet *p, const struct dp_pool *pool)
{
	struct demux_key key;
	struct packet quoted;

	if (!icmp_quoted(p, &quoted) || quoted.dst != p->src || quoted.src != p->dst ||
	    !classify(&quoted, LOCAL_IS_DST, pool, &key))
		return NULL;
	if (key.kind == DEMUX_IKE || key.kind == DEMUX_KEEPALIVE)
		return ike_owner(d, &key, LOCAL_IS_DST, NULL);
	return demux_owner(d, &key);
}

static enum dp_drop
find_fragment(struct demux *d, const struct demux_host *host, const struct packet *p, struct egress *out)
{
	enum fragment_fate fate = fragments_owner(d, p, LOCAL_IS_SRC, host, &out->binding);

	out->early = fate == FRAGMENT_EARLY;
	return refuse(out, fate == FRAGMENT_OVERLAPS ? DP_DROP_FRAGMENT_OVERLAP : DP_DROP_FRAGMENT, RSIP_OK);
}

/* Whose the source tuple is: the table of inbound packets, read from the source side. Returns the reason that holds
 * when it is nobody's, or another host's. */
static enum dp_drop
find_binding(struct demux *d, const struct demux_host *host, struct tunnel_kind tunnel, const struct packet *p,
             struct egress *out)
{
	const struct demux_key *key = &out->key;

	switch (key->kind) {
	case DEMUX_PORT:
		out->binding = demux_owner(d, key);
		return refuse(out, DP_DROP_LOCAL_PORT, RSIP_LOCAL_ADDRPORT_UNALLOWED);
	case DEMUX_IKE:
	case DEMUX_KEEPALIVE:
		out->binding = best_binding(host, tunnel, key, is_ipsec);
		return refuse(out, DP_DROP_LOCAL_PORT, RSIP_LOCAL_ADDRPORT_UNALLOWED);
	case DEMUX_PEER_SPI:
		out->binding = best_binding(host, tunnel, key, is_ipsec);
		return refuse(out, DP_DROP_LOCAL_SPI, RSIP_IPSEC_UNALLOWED);
	case DEMUX_ICMP_REQUEST:
		out->binding = best_binding(host, tunnel, key, any_method);
		return refuse(out, DP_DROP_LOCAL_ADDR, RSIP_LOCAL_ADDR_UNALLOWED);
	case DEMUX_ICMP_ERROR:
		out->binding = icmp_error_binding(d, p, demux_pool(d, key->local_addr));
		return refuse(out, DP_DROP_ICMP_UNRELATED, RSIP_OK);
	case DEMUX_ICMP_REPLY: /* requests to a shared address are the gateway's: no host has one to answer */
		return refuse(out, DP_DROP_ICMP_UNRELATED, RSIP_OK);
	default:
		return packet_is_first(p) ? refuse(out, DP_DROP_PROTOCOL, RSIP_OK) : find_fragment(d, host, p, out);
	}
}

static bool
uses_addr(const struct demux_host *host, ip4_t local_addr)
{
	const struct demux_binding *b;

	SLIST_FOREACH(b, &host->bindings, of_host) {
		if (b->lease.local_addr == local_addr)
			return true;
	}
	return false;
}

static enum dp_drop
check_binding(struct tunnel_kind tunnel, struct egress *out)
{
	switch (binding_fault(out->binding, tunnel, &out->key)) {
	case FAULT_TUNNEL:
		return refuse(out, DP_DROP_TUNNEL_TYPE, RSIP_BAD_TUNNEL_TYPE);
	case FAULT_REMOTE_ADDR:
		return refuse(out, DP_DROP_REMOTE_POLICY_OUT, RSIP_REMOTE_ADDR_UNALLOWED);
	case FAULT_REMOTE_PORT:
		return refuse(out, DP_DROP_REMOTE_POLICY_OUT, RSIP_REMOTE_ADDRPORT_UNALLOWED);
	default:
		return refuse(out, DP_NO_DROP, RSIP_OK);
	}
}

enum dp_drop
egress_check(struct demux *d, const struct demux_host *host, struct tunnel_kind tunnel, const struct packet *p,
             struct egress *out)
{
	const struct addr_table *t = demux_addr(d, p->src);
	const struct dp_pool *pool = t == NULL || t->whole != NULL ? NULL : demux_pool(d, p->src);
	enum dp_drop reason;
	bool readable;

	memset(out, 0, sizeof(*out));
	readable = classify(p, LOCAL_IS_SRC, pool, &out->key);
	if (t == NULL || !uses_addr(host, p->src))
		return refuse(out, DP_DROP_LOCAL_ADDR, RSIP_LOCAL_ADDR_UNALLOWED);
	if (t->whole != NULL) {
		out->binding = t->whole;
		return check_binding(tunnel, out);
	}
	if (!readable)
		return refuse(out, DP_DROP_MALFORMED, RSIP_OK);
	reason = find_binding(d, host, tunnel, p, out);
	if (out->binding == NULL || out->binding->host != host) {
		out->binding = NULL;
		return reason;
	}
	return check_binding(tunnel, out);
}
