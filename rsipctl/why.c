#include "config.h"

#include "why.h"

#include <stdarg.h>
#include <stdio.h>

#include "demux.h"
#include "encap.h"
#include "explain.h"
#include "names.h"

static void __attribute__((format(printf, 2, 3)))
say(struct explained *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->why, sizeof(x->why), fmt, ap);
	va_end(ap);
}

static void
say_tunnel(struct explained *x, const struct demux_binding *b, const char *host)
{
	const struct tunnel_kind kind = demux_binding_tunnel(b);

	if (kind.gre_key != 0)
		say(x, "binding %u of %s is for gre tunnels with the key %u", b->lease.bind_id, host, kind.gre_key);
	else
		say(x, "binding %u of %s is for %s tunnels%s", b->lease.bind_id, host, rsip_tunnel_name(kind.type),
		    kind.type == RSIP_TUNNEL_GRE ? " without a key" : "");
}

/* ---- what makes a packet its host's ---- */

static bool
has_claimed(const struct demux *d, const struct demux_binding *b, const struct demux_key *key, uint64_t cookie)
{
	struct learned_key learned = { .kind = LEARNED_COOKIE, .local_addr = key->local_addr, .value = cookie };
	const struct learned *item = learned_find(demux_learned(d), &learned);

	return item != NULL && item->binding == b && item->answered;
}

/* Which of the two cookies leads to the binding, and by what (design: IKE cookies). */
static void
ike_title(const struct demux *d, const struct demux_binding *b, const struct demux_key *key, char title[WHY_MAX])
{
	const uint64_t cookies[] = { key->initiator_cookie, key->responder_cookie };
	const struct addr_table *t = demux_addr(d, key->local_addr);
	char peer[IP4_STRLEN];

	ip4_str(key->peer_addr, peer);
	for (size_t i = 0; i < 2; i++) {
		if (cookies[i] == 0)
			continue;
		if (has_claimed(d, b, key, cookies[i])) {
			snprintf(title, WHY_MAX, "has claimed IKE cookie 0x%016llx", (unsigned long long)cookies[i]);
			return;
		}
		if (addr_table_cookie(t, cookies[i]) == b) {
			snprintf(title, WHY_MAX, "leases the block of IKE cookie 0x%016llx", (unsigned long long)cookies[i]);
			return;
		}
	}
	if (addr_table_listener(t, key->peer_addr) == b)
		snprintf(title, WHY_MAX, "listens for IKE from %s", peer);
	else
		snprintf(title, WHY_MAX, "speaks IKE with %s", peer);
}

/* "leases port 2048" and its like. */
static void
title_of(const struct demux *d, const struct demux_binding *b, const struct explained *x, char title[WHY_MAX])
{
	const struct demux_key *key = &x->flow;
	char local[IP4_STRLEN], peer[IP4_STRLEN];

	ip4_str(key->local_addr, local);
	ip4_str(key->peer_addr, peer);
	if (b->lease.method == RSIP_METHOD_RSA_IP) {
		snprintf(title, WHY_MAX, "leases %s whole", local);
		return;
	}
	switch (key->kind) {
	case DEMUX_PORT:
		snprintf(title, WHY_MAX, "leases port %u of %s", key->local_port, local);
		break;
	case DEMUX_LOCAL_SPI:
		snprintf(title, WHY_MAX, "leases SPI 0x%08x on %s", key->spi, local);
		break;
	case DEMUX_PEER_SPI:
		snprintf(title, WHY_MAX, "is RSIPSEC on %s, to SPI 0x%08x of %s", local, key->spi, peer);
		break;
	case DEMUX_IKE:
	case DEMUX_KEEPALIVE:
		ike_title(d, b, key, title);
		break;
	case DEMUX_ICMP_REQUEST:
	case DEMUX_ICMP_REPLY:
		snprintf(title, WHY_MAX, "asks %s with ICMP id %u", peer, key->icmp_id);
		break;
	case DEMUX_ICMP_ERROR:
		snprintf(title, WHY_MAX, "was sent the packet that the error is about");
		break;
	default:
		snprintf(title, WHY_MAX, "had the packet's first fragment, id %u", x->packet.id);
	}
}

static void
say_owner(const struct demux *d, struct explained *x, const struct demux_binding *b)
{
	char title[WHY_MAX], host[IP4_STRLEN];
	bool quoted = x->fields.kind == DEMUX_ICMP_ERROR && x->flow.kind != DEMUX_ICMP_ERROR;

	title_of(d, b, x, title);
	say(x, "%sbinding %u of %s %.180s", quoted ? "an error about a flow of its own: " : "", b->lease.bind_id,
	    ip4_str(b->host->addr, host), title);
}

/* ---- what drops it ---- */

static void
say_no_lease(struct explained *x, const char *local)
{
	const struct demux_key *key = &x->flow;

	if (key->kind == DEMUX_PORT)
		say(x, "nobody leases port %u of %s", key->local_port, local);
	else if (key->kind == DEMUX_LOCAL_SPI)
		say(x, "nobody leases SPI 0x%08x on %s", key->spi, local);
	else
		say(x, "nobody leases %s", local);
}

static void
say_local_port(const struct demux *d, struct explained *x, const char *local, const char *host)
{
	const struct demux_key *key = &x->flow;
	const struct demux_binding *owner = key->kind == DEMUX_PORT ? demux_owner(d, key) : NULL;
	char other[IP4_STRLEN];

	if (key->kind != DEMUX_PORT)
		say(x, "%s has no RSIPSEC binding on %s, so its IKE port %u is not for it", host, local, key->local_port);
	else if (owner != NULL)
		say(x, "%s does not lease port %u of %s: %s does, with binding %u", host, key->local_port, local,
		    ip4_str(owner->host->addr, other), owner->lease.bind_id);
	else
		say(x, "%s does not lease port %u of %s", host, key->local_port, local);
}

static void
say_remote_policy(struct explained *x, const struct demux_binding *b)
{
	char peer[IP4_STRLEN], host[IP4_STRLEN];

	if ((b->lease.flags & DP_F_REMOTE_NAME) != 0)
		say(x, "binding %u of %s is for the peer of a name alone, which is not this address now", b->lease.bind_id,
		    ip4_str(b->host->addr, host));
	else
		say(x, "binding %u of %s is for the peer %s%s alone", b->lease.bind_id, ip4_str(b->host->addr, host),
		    ip4_str(demux_terms(b)->remote_addr, peer),
		    demux_terms(b)->n_remote_ports > 0 ? " and certain ports of it" : "");
}

static void
say_too_big(const struct demux *d, struct explained *x)
{
	const struct demux_host *host = demux_host(d, x->host);
	char text[IP4_STRLEN];

	say(x, "%zu bytes with DF do not fit into the tunnel to %s, whose path takes %u with the tunnel's header",
	    x->packet.len, ip4_str(x->host, text), host != NULL ? host->path_mtu : 0);
}

/* By the words of the RFCs where there are any; those of the reasons themselves are in dataplane.h. */
static void
say_drop(const struct demux *d, struct explained *x, const struct demux_binding *b)
{
	const struct demux_key *key = &x->flow;
	char local[IP4_STRLEN], peer[IP4_STRLEN], host[IP4_STRLEN];

	ip4_str(key->local_addr, local);
	ip4_str(key->peer_addr, peer);
	ip4_str(x->host, host);
	switch (x->reason) {
	case DP_DROP_NO_LEASE:
		say_no_lease(x, local);
		break;
	case DP_DROP_UNKNOWN_COOKIE:
		say(x, "nobody on %s holds IKE cookie 0x%016llx or 0x%016llx, and no single host speaks IKE with %s", local,
		    (unsigned long long)key->initiator_cookie, (unsigned long long)key->responder_cookie, peer);
		break;
	case DP_DROP_AMBIGUOUS_COOKIE:
		say(x, "nobody on %s holds its IKE cookies, and several hosts speak IKE with %s", local, peer);
		break;
	case DP_DROP_REMOTE_POLICY_IN:
	case DP_DROP_REMOTE_POLICY_OUT:
		say_remote_policy(x, b);
		break;
	case DP_DROP_NOT_REGISTERED:
		say(x, "%s holds no binding", host);
		break;
	case DP_DROP_LOCAL_ADDR:
		say(x, "%s leases nothing of %s", host, local);
		break;
	case DP_DROP_LOCAL_PORT:
		say_local_port(d, x, local, host);
		break;
	case DP_DROP_LOCAL_SPI:
		say(x, "%s has no RSIPSEC binding on %s", host, local);
		break;
	case DP_DROP_TUNNEL_TYPE:
		say_tunnel(x, b, host);
		break;
	case DP_DROP_COOKIE_COLLISION:
		say(x, "another host on %s holds IKE cookie 0x%016llx", local, (unsigned long long)key->initiator_cookie);
		break;
	case DP_DROP_COOKIE_QUOTA:
		say(x, "%s has claimed as many IKE cookies as it may", host);
		break;
	case DP_DROP_FRAGMENT:
		say(x, "a later fragment whose first one was not seen, id %u", x->packet.id);
		break;
	case DP_DROP_FRAGMENT_OVERLAP:
		say(x, "a later fragment that would overwrite its first one, id %u", x->packet.id);
		break;
	case DP_DROP_MALFORMED:
		say(x, "lengths, version or options do not hold together");
		break;
	case DP_DROP_CHECKSUM:
		say(x, "the IP header's checksum is wrong");
		break;
	case DP_DROP_SOURCE_ROUTE:
		say(x, "a source route would take it round every policy");
		break;
	case DP_DROP_TOO_BIG:
		say_too_big(d, x);
		break;
	case DP_DROP_TTL:
		say(x, "its time to live is over");
		break;
	case DP_DROP_CONGESTION:
		say(x, "congestion in the tunnel, of which it cannot tell");
		break;
	case DP_DROP_LOOP:
		say(x, "it would go into the tunnel that it came from");
		break;
	case DP_DROP_PROTOCOL:
		if (x->readable)
			say(x, "protocol %u has nothing to tell the hosts of %s by", x->packet.proto, local);
		else
			say(x, "the tunnel holds no IPv4 packet, or has options that the gateway does not know");
		break;
	case DP_DROP_ICMP_UNRELATED:
		say(x, "ICMP about a packet that nobody here sent");
		break;
	case DP_DROP_ICMP_RATE:
		say(x, "more pings than the gateway answers");
		break;
	case DP_DROP_ICMP_ID:
		say(x, "another host on %s asks %s with ICMP id %u", local, peer, key->icmp_id);
		break;
	default:
		say(x, "%s", dp_drop_name(x->reason));
	}
}

/* ---- */

static void
say_nobodys(struct explained *x)
{
	switch (x->fate) {
	case FATE_STACK:
		say(x, "nobody leases it of the gateway's own address");
		break;
	case FATE_ANSWERED:
		say(x, "the gateway itself answers what is asked of a shared address");
		break;
	case FATE_HELD:
		say(x, "a later fragment, until its first one comes, id %u", x->packet.id);
		break;
	case FATE_SENT:
		say(x, x->readable && !packet_is_first(&x->packet) ? "a later fragment" : "of no binding: the gateway's own");
		break;
	default:
		say(x, "neither from nor to an address that is leased here");
	}
}

void
why_write(const struct demux *d, struct explained *x, const struct demux_binding *b)
{
	if (x->fate == FATE_DROPPED)
		say_drop(d, x, b);
	else if (b != NULL)
		say_owner(d, x, b);
	else
		say_nobodys(x);
}
