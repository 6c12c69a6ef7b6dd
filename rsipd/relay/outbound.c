#include "classify.h"
#include "egress.h"
#include "encap.h"
#include "engine_impl.h"
#include "fragments.h"
#include "ike_demux.h"
#include "mss.h"

/* What control will tell the host of (RFC 3103 10.4). */
static void
report(struct verdict *v, ip4_t host_addr, const struct egress *found)
{
	v->violation = (struct dp_violation){
		.op = DP_VIOLATION,
		.host_addr = host_addr,
		.error = found->error,
		.bind_id = found->binding != NULL ? found->binding->lease.bind_id : 0,
		.local_addr = found->key.local_addr,
		.remote_addr = found->key.peer_addr,
		.local_port = found->key.local_port,
		.remote_port = found->key.peer_port,
	};
}

/* ---- what the packet teaches ---- */

/* A query's id is its first user's, for as long as it asks (RFC 3102 6.2 leaves the ambiguity open). */
static enum dp_drop
learn_icmp_id(struct engine *e, const struct egress *found)
{
	struct learned_key key = demux_learned_key(LEARNED_ICMP_ID, &found->key);
	struct learned_table *table = demux_learned(e->demux);
	struct learned *item = learned_find(table, &key);

	if (item == NULL)
		learned_add(table, &key, &found->binding->host->learner, found->binding, e->now);
	else if (item->learner == &found->binding->host->learner)
		learned_use(item, e->now);
	else
		return DP_DROP_ICMP_ID;
	return DP_NO_DROP;
}

/* The peer chose the SPI, and chose it once: whoever uses it second learns nothing, but may be right after all. */
static void
learn_peer_spi(struct engine *e, const struct egress *found)
{
	struct learned_key key = demux_learned_key(LEARNED_PEER_SPI, &found->key);
	struct learned_table *table = demux_learned(e->demux);
	struct learned *item = learned_find(table, &key);

	if (item == NULL)
		learned_add(table, &key, &found->binding->host->learner, found->binding, e->now);
	else if (item->learner == &found->binding->host->learner)
		learned_use(item, e->now);
}

static enum dp_drop
learn(struct engine *e, const struct packet *p, const struct egress *found, struct verdict *v)
{
	enum dp_drop reason = DP_NO_DROP;

	if (found->binding->lease.method == RSIP_METHOD_RSA_IP)
		return DP_NO_DROP;
	if (found->key.kind == DEMUX_IKE || found->key.kind == DEMUX_KEEPALIVE)
		reason = ike_send(e->demux, &found->key, found->binding, e->now, &v->claims);
	else if (found->key.kind == DEMUX_ICMP_REQUEST)
		reason = learn_icmp_id(e, found);
	else if (found->key.kind == DEMUX_PEER_SPI)
		learn_peer_spi(e, found);
	if (reason == DP_NO_DROP && packet_is_first(p) && p->more_fragments)
		fragments_first(e->demux, p, LOCAL_IS_SRC, found->binding, e->now);
	return reason;
}

/* ---- the way out ---- */

/* Nobody here owns what it was sent to. */
static bool
is_nobodys(const struct verdict *v)
{
	if (v->binding != NULL || (v->action != VERDICT_DROP && v->action != VERDICT_HELD))
		return false;
	return v->action == VERDICT_HELD || (v->reason != DP_DROP_MALFORMED && v->reason != DP_DROP_ICMP_RATE);
}

/* To an address of ours: we are the router between the two hosts (RFC 4787 REQ-9). The kernel, which could send the
 * packet back to us, would keep one to its own address; and nobody could then tell who of two on one address sent
 * it. */
static void
hairpin(struct engine *e, struct packet *p, const struct dp_pool *to, struct verdict *v)
{
	const struct demux_host *sender = v->host;
	struct verdict out = *v;

	if (p->ttl <= 1) {
		verdict_drop(v, DP_DROP_TTL);
		engine_answer_error(e, p, ICMP_TYPE_TIME_EXCEEDED, 0, 0, v);
		return;
	}
	packet_set_ttl(p, (uint8_t)(p->ttl - 1));
	v->hairpin = true;
	v->from = v->binding;
	v->host = NULL;
	engine_to_local(e, p, sender, v);
	if (to->upstream && is_nobodys(v)) { /* but another host of the gateway that leases it to us may */
		packet_set_ttl(p, (uint8_t)(p->ttl + 1));
		*v = out;
	}
}

static void
forward(struct engine *e, struct packet *p, const struct egress *found, struct verdict *v)
{
	const struct dp_pool *from = demux_pool(e->demux, p->src), *to = demux_pool(e->demux, p->dst);
	uint16_t mtu = encap_mtu(found->binding->host->path_mtu, demux_binding_tunnel(found->binding));

	if (from != NULL && from->mss_clamp && found->binding->lease.method != RSIP_METHOD_RSA_IP)
		mss_clamp(p, mtu);
	v->bytes = p->bytes;
	v->len = p->len;
	v->action = VERDICT_PUBLIC;
	if (to != NULL)
		hairpin(e, p, to, v);
}

/* Its congestion mark is carried over first: the outer header does not wait with it. */
static void
hold(struct engine *e, const struct outer_header *outer, struct packet *p, struct verdict *v)
{
	if (!encap_take_ecn(outer->tos, p)) {
		verdict_drop(v, DP_DROP_CONGESTION);
		return;
	}
	fragments_hold_out(e->demux, p, v->host, outer->tunnel, e->now);
	v->action = VERDICT_HELD;
}

void
engine_from_host(struct engine *e, const struct outer_header *outer, struct packet *p, struct verdict *v)
{
	struct egress found;
	enum dp_drop reason;

	if (p->dst == outer->src) {
		verdict_drop(v, DP_DROP_LOOP); /* RFC 2784 3.1 */
		return;
	}
	reason = egress_check(e->demux, v->host, outer->tunnel, p, &found);
	v->key = found.key;
	v->binding = found.binding;
	if (found.early) {
		hold(e, outer, p, v);
		return;
	}
	if (found.error != RSIP_OK)
		report(v, outer->src, &found);
	if (reason == DP_NO_DROP && !encap_take_ecn(outer->tos, p))
		reason = DP_DROP_CONGESTION;
	if (reason == DP_NO_DROP)
		reason = learn(e, p, &found, v);
	if (reason == DP_NO_DROP)
		forward(e, p, &found, v);
	else
		verdict_drop(v, reason);
}

/* Who is not a host of ours may still be registered: control knows, and tells it that it has leased nothing. */
static void
unknown_host(const struct packet *outer, const struct packet *p, struct verdict *v)
{
	struct egress nothing = {
		.key = { .local_addr = p->src, .peer_addr = p->dst },
		.error = RSIP_LOCAL_ADDR_UNALLOWED,
	};

	verdict_drop(v, DP_DROP_NOT_REGISTERED);
	report(v, outer->src, &nothing);
}

/* Off with the outer header. *p is what it held, unless a reason is returned to drop it. */
static enum dp_drop
strip(const struct packet *outer, struct packet *p)
{
	uint8_t *inner;
	size_t len;

	switch (encap_strip(outer, &inner, &len)) {
	case ENCAP_OK:
		break;
	case ENCAP_MALFORMED:
		return DP_DROP_MALFORMED;
	default:
		return DP_DROP_PROTOCOL;
	}
	if (!packet_parse(p, inner, len))
		return p->bad_checksum ? DP_DROP_CHECKSUM : DP_DROP_MALFORMED;
	return engine_header_fault(p);
}

void
engine_outbound(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v)
{
	struct outer_header header;
	struct packet outer, p;
	enum dp_drop reason;

	*v = (struct verdict){ .bytes = bytes, .len = len };
	if (!packet_parse(&outer, bytes, len)) {
		verdict_drop(v, outer.bad_checksum ? DP_DROP_CHECKSUM : DP_DROP_MALFORMED);
		return;
	}
	header = (struct outer_header){ .src = outer.src, .tunnel = encap_kind(&outer), .tos = outer.tos };
	v->host = demux_host(e->demux, outer.src);
	reason = strip(&outer, &p);
	if (reason != DP_NO_DROP)
		verdict_drop(v, v->host != NULL ? reason : DP_DROP_NOT_REGISTERED);
	else if (v->host == NULL)
		unknown_host(&outer, &p, v);
	else
		engine_from_host(e, &header, &p, v);
}
