#include "classify.h"
#include "encap.h"
#include "engine.h"
#include "fragments.h"
#include "ike_demux.h"
#include "mss.h"

#define ICMP_ERRORS_PER_SECOND 1000 /* RFC 1812 4.3.2.8 */

/* Whose the packet is. peer is the far end of the flow it belongs to, which remote policy is held against. */
struct found {
	struct demux_binding *binding;
	struct demux_key key;
	bool is_query;        /* row 9: an ICMP request */
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
		f->binding = ike_owner(e->demux, &f->key, LOCAL_IS_SRC);
	else
		f->binding = demux_owner(e->demux, &f->key);
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
		f->binding = ike_receive(e->demux, &f->key, e->now);
		if (f->binding == NULL)
			f->missing = ike_unowned(e->demux, &f->key);
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
		f->missing = packet_is_first(p) ? DP_DROP_PROTOCOL : DP_DROP_FRAGMENT;
		if (!packet_is_first(p))
			f->binding = fragments_owner(e->demux, p, LOCAL_IS_DST, NULL);
	}
}

/* ---- what happens to it ---- */

/* Row 9 and everything that nobody owns. */
static void
not_a_hosts(struct engine *e, struct packet *p, const struct dp_pool *pool, const struct found *f, struct verdict *v)
{
	if (pool->own) {
		/* As if it had never been diverted: the kernel counted the way to us as a hop. */
		if (p->ttl < 255)
			packet_set_ttl(p, (uint8_t)(p->ttl + 1));
		v->action = VERDICT_STACK;
	} else if (!f->is_query || !pool->shared) {
		verdict_drop(v, f->missing);
	} else if (icmp_reply(p, e->ms_of_day)) {
		v->action = VERDICT_ANSWERED;
		v->answer = p->bytes;
		v->answer_len = p->len;
	} else {
		verdict_drop(v, packet_is_fragment(p) ? DP_DROP_FRAGMENT : DP_DROP_PROTOCOL);
	}
}

static void
answer_error(struct engine *e, const struct packet *about, uint8_t type, uint8_t code, uint16_t mtu, struct verdict *v)
{
	ip4_t src = e->public_addr != 0 ? e->public_addr : about->dst;

	if (!token_bucket_take(&e->errors, ICMP_ERRORS_PER_SECOND, e->now))
		return;
	v->answer_len = icmp_error(e->error, about, type, code, mtu, src);
	v->answer = v->answer_len > 0 ? e->error : NULL;
}

static void
too_big(struct engine *e, const struct packet *p, uint16_t mtu, struct verdict *v)
{
	verdict_drop(v, DP_DROP_TOO_BIG);
	answer_error(e, p, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, mtu, v);
}

static void
to_host(struct engine *e, struct packet *p, const struct dp_pool *pool, struct demux_binding *binding,
        struct verdict *v)
{
	uint16_t mtu = encap_mtu(binding->host->path_mtu, binding->lease.tunnel);

	v->host = binding->host;
	v->tunnel = tunnel_header_to(binding, p, e->gateway_addr);
	if (p->src == v->tunnel.dst || p->src == v->tunnel.src) {
		verdict_drop(v, DP_DROP_LOOP); /* RFC 2003 3.2 */
	} else if (p->len > (p->dont_fragment ? mtu : encap_mtu(PACKET_MAX, binding->lease.tunnel))) {
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
	       (f->key.kind != DEMUX_PORT || demux_binding_allows_port(f->binding, f->key.peer_port));
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

void
engine_inbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v)
{
	struct found f = { 0 };
	const struct dp_pool *pool;
	const struct addr_table *t;
	struct packet p;

	*v = (struct verdict){ .bytes = bytes, .len = len };
	if (!packet_parse(&p, bytes, len)) {
		verdict_drop(v, DP_DROP_MALFORMED);
		return;
	}
	v->len = p.len;
	if ((pool = demux_pool(e->demux, p.dst)) == NULL) {
		verdict_drop(v, DP_DROP_NO_LEASE);
		return;
	}
	t = demux_addr(e->demux, p.dst);
	if (t != NULL && t->whole != NULL) {
		find_whole(e, &p, t->whole, &f);
	} else if (classify(&p, LOCAL_IS_DST, pool, &f.key)) {
		find_shared(e, &p, pool, &f);
	} else {
		f.missing = DP_DROP_MALFORMED;
		f.key.kind = DEMUX_OTHER;
	}
	v->key = f.key;
	v->binding = f.binding;
	if (f.binding == NULL) {
		not_a_hosts(e, &p, pool, &f, v);
		v->len = p.len;
	} else if (!remote_policy_allows(&f)) {
		verdict_drop(v, DP_DROP_REMOTE_POLICY_IN);
	} else {
		if (packet_is_first(&p) && p.more_fragments && f.binding->lease.method != RSIP_METHOD_RSA_IP)
			fragments_first(e->demux, &p, LOCAL_IS_DST, f.binding, e->now);
		to_host(e, &p, pool, f.binding, v);
	}
}

void
engine_too_big(struct engine *e, struct verdict *v)
{
	struct packet p;

	if (packet_parse(&p, v->bytes, v->len))
		too_big(e, &p, encap_mtu(v->host->path_mtu, v->tunnel.type), v);
}
