#include "classify.h"
#include "encap.h"
#include "engine_impl.h"
#include "fragments.h"
#include "ike_demux.h"
#include "ip_options.h"
#include "mss.h"

/* Whose the packet is. peer is the far end of the flow it belongs to, which remote policy is held against. */
struct found {
	struct demux_binding *binding;
	struct demux_key key;
	const struct demux_host *sender; /* hairpin: the host of ours that sent it */
	bool is_query;        /* row 9: an ICMP request */
	bool early;           /* row 2: a later fragment, its first one has not come */
	enum dp_drop missing; /* the reason that holds without a binding */
};

/* ---- whose is it ---- */

/* Row 7. The quoted packet went out from here, so its source is the local side. The error itself may come from anywhere
 * on the way: the peer of the flow is whom the quoted packet went to. */
static void
find_icmp_error(struct engine *e, const struct packet *p, const struct dp_pool *pool, struct found *f)
{
	struct packet quoted;

	f->missing = DP_DROP_ICMP_UNRELATED;
	if (!icmp_quoted(p, &quoted) || quoted.src != p->dst || !classify(&quoted, LOCAL_IS_SRC, pool, &f->key))
		return;
	if (f->key.kind == DEMUX_IKE || f->key.kind == DEMUX_KEEPALIVE)
		f->binding = ike_owner(e->demux, &f->key, LOCAL_IS_SRC, f->sender);
	else
		f->binding = demux_owner(e->demux, &f->key);
}

static void
find_fragment(struct engine *e, const struct packet *p, struct found *f)
{
	enum fragment_fate fate = fragments_owner(e->demux, p, LOCAL_IS_DST, NULL, &f->binding);

	f->missing = fate == FRAGMENT_OVERLAPS ? DP_DROP_FRAGMENT_OVERLAP : DP_DROP_FRAGMENT;
	f->early = fate == FRAGMENT_EARLY && demux_addr(e->demux, p->dst) != NULL;
}

/* Rows 2 to 9 of the design's table. */
static void
find_shared(struct engine *e, const struct packet *p, const struct dp_pool *pool, struct found *f)
{
	f->missing = DP_DROP_NO_LEASE;
	switch (f->key.kind) {
	case DEMUX_PORT:
	case DEMUX_LOCAL_SPI:
		f->binding = demux_owner(e->demux, &f->key);
		break;
	case DEMUX_IKE:
	case DEMUX_KEEPALIVE:
		f->binding = ike_receive(e->demux, &f->key, f->sender, e->now);
		if (f->binding == NULL)
			f->missing = ike_unowned(e->demux, &f->key, f->sender);
		break;
	case DEMUX_ICMP_REQUEST:
		f->is_query = true;
		break;
	case DEMUX_ICMP_REPLY:
		f->missing = DP_DROP_ICMP_UNRELATED;
		f->binding = demux_owner(e->demux, &f->key);
		break;
	case DEMUX_ICMP_ERROR:
		find_icmp_error(e, p, pool, f);
		break;
	default:
		f->missing = DP_DROP_PROTOCOL;
		if (!packet_is_first(p))
			find_fragment(e, p, f);
	}
}

/* ---- what happens to it ---- */

/* Own-address mode: as if it had never been diverted. The kernel counted the way to us as a hop. The stack puts early
 * fragments together by itself, and a host does if their first one turns out to be its own: both get them. */
static void
to_stack(struct engine *e, struct packet *p, const struct found *f, struct verdict *v)
{
	if (f->early)
		fragments_hold_in(e->demux, p, true, e->now);
	else if (packet_is_first(p) && p->more_fragments)
		fragments_first_of_nobody(e->demux, p);
	if (p->ttl < 255)
		packet_set_ttl(p, (uint8_t)(p->ttl + 1));
	v->action = VERDICT_STACK;
}

/* Row 9 and everything that nobody owns. */
static void
not_a_hosts(struct engine *e, struct packet *p, const struct dp_pool *pool, const struct found *f, struct verdict *v)
{
	if (pool->own) {
		to_stack(e, p, f, v);
	} else if (f->early) {
		fragments_hold_in(e->demux, p, pool->upstream && f->sender != NULL, e->now);
		v->action = VERDICT_HELD;
	} else if (f->is_query && pool->shared) {
		engine_answer_query(e, p, v);
	} else {
		verdict_drop(v, f->missing);
	}
}

static void
too_big(struct engine *e, const struct packet *p, uint16_t mtu, struct verdict *v)
{
	verdict_drop(v, DP_DROP_TOO_BIG);
	engine_answer_error(e, p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, mtu, v);
}

static void
to_host(struct engine *e, struct packet *p, const struct dp_pool *pool, struct demux_binding *binding,
        struct verdict *v)
{
	uint16_t mtu = encap_mtu(binding->host->path_mtu, demux_binding_tunnel(binding));

	v->host = binding->host;
	v->tunnel = tunnel_header_to(binding, p, e->gateway_addr);
	if (p->src == v->tunnel.dst || p->src == v->tunnel.src) {
		verdict_drop(v, DP_DROP_LOOP); /* RFC 2003 3.2 */
	} else if (p->len > (p->dont_fragment ? mtu : encap_mtu(PACKET_MAX, v->tunnel.kind))) {
		too_big(e, p, mtu, v);
	} else {
		if (pool->mss_clamp && binding->lease.method != RSIP_METHOD_RSA_IP)
			mss_clamp(p, mtu);
		v->action = VERDICT_HOST;
	}
}

static bool
remote_policy_allows(const struct found *f)
{
	return demux_binding_allows_addr(f->binding, f->key.peer_addr) &&
	       (!demux_key_shows_port(&f->key) || demux_binding_allows_port(f->binding, f->key.peer_port));
}

/* Row 1: all of the address is one host's, whatever is in the packet. The fields are read for remote policy only. */
static void
find_whole(struct engine *e, const struct packet *p, struct demux_binding *whole, struct found *f)
{
	if (!classify(p, LOCAL_IS_DST, NULL, &f->key))
		f->key.kind = DEMUX_OTHER;
	if (f->key.kind == DEMUX_ICMP_ERROR)
		find_icmp_error(e, p, NULL, f);
	f->binding = whole;
}

static void
find(struct engine *e, const struct packet *p, const struct dp_pool *pool, struct found *f)
{
	const struct addr_table *t = demux_addr(e->demux, p->dst);

	if (t != NULL && t->whole != NULL) {
		find_whole(e, p, t->whole, f);
	} else if (classify(p, LOCAL_IS_DST, pool, &f->key)) {
		find_shared(e, p, pool, f);
	} else {
		f->missing = DP_DROP_MALFORMED;
		f->key.kind = DEMUX_OTHER;
	}
}

void
engine_to_local(struct engine *e, struct packet *p, const struct demux_host *sender, struct verdict *v)
{
	const struct dp_pool *pool = demux_pool(e->demux, p->dst);
	struct found f = { .sender = sender };

	if (pool == NULL) {
		verdict_drop(v, DP_DROP_NO_LEASE);
		return;
	}
	find(e, p, pool, &f);
	v->key = f.key;
	v->binding = f.binding;
	if (f.binding == NULL) {
		not_a_hosts(e, p, pool, &f, v);
		v->len = p->len;
	} else if (!remote_policy_allows(&f)) {
		verdict_drop(v, DP_DROP_REMOTE_POLICY_IN);
	} else {
		if (packet_is_first(p) && p->more_fragments && f.binding->lease.method != RSIP_METHOD_RSA_IP)
			fragments_first(e->demux, p, LOCAL_IS_DST, f.binding, e->now);
		to_host(e, p, pool, f.binding, v);
	}
}

/* RFC 7126 4.3, 4.4: a source-routed packet goes elsewhere than its destination says, so nothing that is decided by the
 * destination would hold. A TTL of 0 should never have been sent (RFC 791, RFC 2003 3.1). */
enum dp_drop
engine_header_fault(const struct packet *p)
{
	switch (ip_options_check(p)) {
	case IP_OPTIONS_SOURCE_ROUTE:
		return DP_DROP_SOURCE_ROUTE;
	case IP_OPTIONS_MALFORMED:
		return DP_DROP_MALFORMED;
	default:
		return p->ttl == 0 ? DP_DROP_TTL : DP_NO_DROP;
	}
}

void
engine_inbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v)
{
	struct packet p;
	enum dp_drop fault;

	*v = (struct verdict){ .bytes = bytes, .len = len };
	if (!packet_parse(&p, bytes, len)) {
		verdict_drop(v, p.bad_checksum ? DP_DROP_CHECKSUM : DP_DROP_MALFORMED);
		return;
	}
	v->len = p.len;
	if ((fault = engine_header_fault(&p)) != DP_NO_DROP)
		verdict_drop(v, fault);
	else
		engine_to_local(e, &p, NULL, v);
}

void
engine_too_big(struct engine *e, struct verdict *v)
{
	struct packet p;

	if (packet_parse(&p, v->bytes, v->len))
		too_big(e, &p, encap_mtu(v->host->path_mtu, v->tunnel.kind), v);
}
