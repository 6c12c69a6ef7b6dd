#include "config.h"

#include "explain.h"

#include <stdio.h>
#include <string.h>

#include "classify.h"
#include "encap.h"
#include "fragments.h"
#include "icmp.h"
#include "ike_demux.h"
#include "why.h"

/* The stages change what they forward; the capture's bytes are not ours to change. */
static uint8_t copy[PACKET_MAX];

static size_t
copy_packet(const struct sighting *s)
{
	size_t len = s->len < sizeof(copy) ? s->len : sizeof(copy);
	size_t captured = s->captured < len ? s->captured : len;

	memcpy(copy, s->ip, captured);
	memset(copy + captured, 0, len - captured); /* what the capture has cut off is payload, which nothing depends on */
	return len;
}

/* Tunnels end at the gateway. A table of bindings alone does not tell its addresses, but those of the hosts. */
static enum seen
seen_tunnel(const struct lease_view *view, const struct demux *d, const struct packet *outer)
{
	if (lease_view_is_tunnel_end(view, outer->dst))
		return SEEN_FROM_HOST;
	if (lease_view_is_tunnel_end(view, outer->src))
		return SEEN_TO_HOST;
	if (demux_host(d, outer->src) != NULL)
		return SEEN_FROM_HOST;
	return demux_host(d, outer->dst) != NULL ? SEEN_TO_HOST : SEEN_ELSEWHERE;
}

static enum seen
where(const struct lease_view *view, const struct demux *d, const struct packet *outer)
{
	enum seen seen = encap_tunnel_type(outer) != 0 ? seen_tunnel(view, d, outer) : SEEN_ELSEWHERE;

	if (seen != SEEN_ELSEWHERE)
		return seen;
	if (demux_pool(d, outer->dst) != NULL)
		return SEEN_FROM_PUBLIC;
	return demux_pool(d, outer->src) != NULL ? SEEN_TO_PUBLIC : SEEN_ELSEWHERE;
}

static bool
is_tunnelled(enum seen seen)
{
	return seen == SEEN_FROM_HOST || seen == SEEN_TO_HOST;
}

static enum local_side
local_side(enum seen seen)
{
	return seen == SEEN_FROM_HOST || seen == SEEN_TO_PUBLIC ? LOCAL_IS_SRC : LOCAL_IS_DST;
}

/* Who has the address whole has no IKE ports that others share. */
static const struct dp_pool *
shared_pool(const struct demux *d, ip4_t local)
{
	const struct addr_table *t = demux_addr(d, local);

	return t != NULL && t->whole != NULL ? NULL : demux_pool(d, local);
}

/* The flow that an ICMP error is about: the quoted packet went the other way. */
static void
read_quoted(struct demux *d, enum local_side side, struct explained *x)
{
	enum local_side quoted_side = side == LOCAL_IS_SRC ? LOCAL_IS_DST : LOCAL_IS_SRC;
	struct packet quoted;
	struct demux_key key;

	if (icmp_quoted(&x->packet, &quoted) &&
	    classify(&quoted, quoted_side, shared_pool(d, x->fields.local_addr), &key))
		x->flow = key;
}

/* The packet's own fields, before anything is decided. */
static void
read_fields(struct demux *d, const struct packet *outer, struct explained *x)
{
	enum local_side side = local_side(x->seen);
	uint8_t *inner;
	size_t len;
	ip4_t local;

	x->packet = *outer;
	if (is_tunnelled(x->seen)) {
		x->tunnel = encap_tunnel_type(outer);
		x->outer_src = outer->src;
		x->outer_dst = outer->dst;
		if (encap_strip(outer, &inner, &len) != ENCAP_OK || !packet_parse(&x->packet, inner, len))
			return;
	}
	x->readable = true;
	local = side == LOCAL_IS_SRC ? x->packet.src : x->packet.dst;
	if (!classify(&x->packet, side, shared_pool(d, local), &x->fields))
		x->fields.kind = DEMUX_OTHER;
	x->flow = x->fields;
	if (x->fields.kind == DEMUX_ICMP_ERROR)
		read_quoted(d, side, x);
}

/* ---- what has come ---- */

static void
take_verdict(const struct verdict *v, struct explained *x)
{
	static const enum fate fates[] = {
		[VERDICT_DROP] = FATE_DROPPED, [VERDICT_HOST] = FATE_HOST, [VERDICT_PUBLIC] = FATE_PUBLIC,
		[VERDICT_STACK] = FATE_STACK, [VERDICT_ANSWERED] = FATE_ANSWERED, [VERDICT_HELD] = FATE_HELD,
	};

	x->fate = fates[v->action];
	x->reason = v->action == VERDICT_DROP ? v->reason : DP_NO_DROP;
	x->hairpin = v->hairpin;
	if (v->key.local_addr != 0 && v->key.kind != DEMUX_ICMP_ERROR)
		x->flow = v->key;
	if (v->host != NULL)
		x->host = v->host->addr;
	else if (v->binding != NULL)
		x->host = v->binding->host->addr;
	else if (x->seen == SEEN_FROM_HOST)
		x->host = x->outer_src;
}

/* Receive offload has made one packet out of several, each of which fits where this one does not: the interface hands
 * them on cut up again. */
static void
forgive_merged(const struct sighting *s, struct verdict *v)
{
	if (v->action == VERDICT_DROP && v->reason == DP_DROP_TOO_BIG && s->link_mtu != 0 && s->len > s->link_mtu)
		v->action = VERDICT_HOST;
}

/* Fragments that came before their first, which this packet was. */
static unsigned
count_released(struct engine *e)
{
	unsigned n = 0;
	struct verdict v;

	while (engine_next_released(e, &v))
		n += v.action == VERDICT_HOST || v.action == VERDICT_PUBLIC;
	return n;
}

static const struct demux_binding *
judge(struct lease_view *view, const struct sighting *s, size_t len, struct explained *x)
{
	struct engine *e = lease_view_engine(view);
	struct verdict v;

	lease_view_time(view, s->now);
	if (x->seen == SEEN_FROM_HOST)
		engine_outbound(e, copy, len, &v);
	else
		engine_inbound(e, copy, len, &v);
	forgive_merged(s, &v);
	take_verdict(&v, x);
	x->released = count_released(e);
	return v.binding;
}

/* ---- what has been sent on ---- */

static const struct demux_binding *
owner_of(struct demux *d, const struct demux_key *key, enum local_side side)
{
	if (key->kind == DEMUX_IKE || key->kind == DEMUX_KEEPALIVE)
		return ike_owner(d, key, side, NULL);
	return demux_owner(d, key);
}

static const struct demux_binding *
look_up(struct demux *d, struct explained *x)
{
	enum local_side side = local_side(x->seen);
	const struct addr_table *t = demux_addr(d, x->fields.local_addr);
	struct demux_binding *owner = NULL;

	if (t != NULL && t->whole != NULL)
		return t->whole;
	if (x->fields.kind == DEMUX_ICMP_ERROR) /* belongs to whom the packet belongs that it is about */
		return x->flow.kind == DEMUX_ICMP_ERROR ?
		           NULL : owner_of(d, &x->flow, side == LOCAL_IS_SRC ? LOCAL_IS_DST : LOCAL_IS_SRC);
	if (!packet_is_first(&x->packet)) {
		if (side == LOCAL_IS_DST)
			fragments_owner(d, &x->packet, side, NULL, &owner);
		return owner;
	}
	return owner_of(d, &x->fields, side);
}

static const struct demux_binding *
find_sent(struct demux *d, struct explained *x)
{
	const struct demux_binding *b = x->readable ? look_up(d, x) : NULL;

	x->fate = FATE_SENT;
	if (b != NULL)
		x->host = b->host->addr;
	else if (x->seen == SEEN_TO_HOST)
		x->host = x->outer_dst;
	return b;
}

/* ---- */

void
explain(struct lease_view *view, const struct sighting *s, struct explained *x)
{
	struct engine *e = lease_view_engine(view);
	const struct demux_binding *b = NULL;
	size_t len = copy_packet(s);
	struct packet outer;

	*x = (struct explained){ .seen = SEEN_ELSEWHERE, .fate = FATE_NONE, .reason = DP_NO_DROP };
	if (!packet_parse(&outer, copy, len)) {
		x->fate = FATE_DROPPED;
		x->reason = outer.bad_checksum ? DP_DROP_CHECKSUM : DP_DROP_MALFORMED;
	} else {
		x->seen = where(view, e->demux, &outer);
		read_fields(e->demux, &outer, x);
		if (x->seen == SEEN_FROM_HOST || x->seen == SEEN_FROM_PUBLIC)
			b = judge(view, s, len, x);
		else if (x->seen != SEEN_ELSEWHERE)
			b = find_sent(e->demux, x);
	}
	if (b != NULL) {
		x->bind_id = b->lease.bind_id;
		x->client_id = b->host->client_id;
	}
	why_write(e->demux, x, b);
}

/* ---- names ---- */

const char *
explain_seen_name(enum seen seen)
{
	static const char *const names[] = { "from-host", "to-public", "from-public", "to-host", "elsewhere" };

	return names[seen];
}

const char *
explain_fate_name(enum fate fate)
{
	static const char *const names[] = { "public", "host", "stack", "answered", "held", "dropped", "sent", "none" };

	return names[fate];
}

const char *
explain_protocol(uint8_t proto, char space[8])
{
	static const struct { uint8_t number; const char *name; } names[] = {
		{ IP_PROTO_ICMP, "icmp" }, { IP_PROTO_IPIP, "ip-ip" }, { IP_PROTO_TCP, "tcp" }, { IP_PROTO_UDP, "udp" },
		{ IP_PROTO_DCCP, "dccp" }, { IP_PROTO_GRE, "gre" }, { IP_PROTO_ESP, "esp" }, { IP_PROTO_AH, "ah" },
		{ IP_PROTO_SCTP, "sctp" }, { IP_PROTO_UDPLITE, "udplite" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == proto)
			return names[i].name;
	}
	snprintf(space, 8, "%u", proto);
	return space;
}
