/* ICMP errors from within a tunnel: about an outer packet that we sent. Its sender is this gateway, but who has to
 * know is the sender of the inner packet (RFC 2003 4). Routers quote much more than the eight bytes that they must,
 * so the inner header is nearly always there; where it is not, path MTU is the only soft state of RFC 2003 5 that is
 * kept, by the kernel: the next packet that is too long is answered by it. */
#include "classify.h"
#include "encap.h"
#include "engine_impl.h"
#include "ike_demux.h"
#include "path_mtu.h"

#define QUOTED_MIN 8    /* RFC 792: less tells its receiver nothing */

enum { CODE_HOST_UNREACHABLE = 1, CODE_PORT_UNREACHABLE = 3, CODE_SOURCE_ROUTE_FAILED = 5, CODE_TTL_EXCEEDED = 0 };

/* What the sender of the inner packet is told. */
struct news {
	bool any;
	uint8_t code; /* of destination unreachable */
	uint16_t mtu;
};

/* RFC 2003 4.1 to 4.5, case by case. Every unreachable network, host or protocol on the way is "host unreachable" to
 * one who thinks that the host is here. Port unreachable and source route failed MUST NOT be relayed, nor a redirect,
 * nor source quench. Time exceeded is a loop, unless fragments of the outer packet were lost (code 1): then the path
 * is good. A parameter problem is one of our outer header, which has no options. */
static struct news
translate(const struct packet *error, struct tunnel_kind tunnel)
{
	const uint8_t *icmp = packet_payload(error);
	uint16_t mtu = (uint16_t)(icmp[6] << 8 | icmp[7]);
	struct news news = { .code = CODE_HOST_UNREACHABLE };

	if (icmp[0] == ICMP_TYPE_TIME_EXCEEDED) {
		news.any = icmp[1] == CODE_TTL_EXCEEDED;
	} else if (icmp[0] == ICMP_TYPE_UNREACHABLE && icmp[1] == ICMP_CODE_FRAG_NEEDED) {
		news.code = ICMP_CODE_FRAG_NEEDED;
		news.any = mtu >= PATH_MTU_MIN + IPV4_HEADER_LEN + GRE_HEADER_MAX; /* RFC 1191 4: older routers say 0 */
		news.mtu = news.any ? encap_mtu(mtu, tunnel) : 0;
	} else if (icmp[0] == ICMP_TYPE_UNREACHABLE) {
		news.any = icmp[1] != CODE_PORT_UNREACHABLE && icmp[1] != CODE_SOURCE_ROUTE_FAILED;
	}
	return news;
}

/* Whose a packet is that we tunnelled; read only. */
static const struct demux_binding *
owner_of(const struct engine *e, const struct packet *inner)
{
	const struct addr_table *t = demux_addr(e->demux, inner->dst);
	struct demux_key key;

	if (t == NULL || t->whole != NULL)
		return t != NULL ? t->whole : NULL;
	if (!classify(inner, LOCAL_IS_DST, demux_pool(e->demux, inner->dst), &key))
		return NULL;
	if (key.kind == DEMUX_IKE || key.kind == DEMUX_KEEPALIVE)
		return ike_owner(e->demux, &key, LOCAL_IS_DST, NULL);
	return demux_owner(e->demux, &key);
}

/* The inner packet, if we can have sent it so: else anybody in the private network could have errors made about
 * connections that are not his. */
static bool
find_inner(const struct engine *e, const struct packet *outer, const struct demux_host *host, struct packet *inner)
{
	const struct demux_binding *b;
	uint8_t *bytes;
	size_t len;

	if (encap_strip(outer, &bytes, &len) != ENCAP_OK || !packet_parse_quoted(inner, bytes, len) ||
	    inner->payload_len < QUOTED_MIN || (b = owner_of(e, inner)) == NULL)
		return false;
	return b->host == host && encap_same(demux_binding_tunnel(b), encap_kind(outer)) &&
	       outer->src == (b->lease.gateway_addr != 0 ? b->lease.gateway_addr : e->gateway_addr);
}

bool
engine_tunnel_error(struct engine *e, uint8_t *bytes, size_t len, struct verdict *v)
{
	struct packet error, outer, inner;
	struct news news;

	*v = (struct verdict){ .action = VERDICT_ANSWERED, .bytes = bytes, .len = len };
	if (!packet_parse(&error, bytes, len) || error.proto != IP_PROTO_ICMP || packet_is_fragment(&error) ||
	    !icmp_quoted(&error, &outer) || encap_tunnel_type(&outer) == 0 || outer.src != error.dst)
		return false;
	v->host = demux_host(e->demux, outer.dst);
	if (v->host == NULL || !icmp_checksum_good(&error))
		return false;
	news = translate(&error, encap_kind(&outer));
	if (news.any && find_inner(e, &outer, v->host, &inner))
		engine_answer_error(e, &inner, ICMP_TYPE_UNREACHABLE, news.code, news.mtu, v);
	return true;
}
