/* ASSIGN_REQUEST_RSA-IP, _RSAP-IP, _RSIPSEC and LISTEN_REQUEST: RFC 3103 9.6-9.9, 9.16, 9.17; RFC 3104 6.2. What the
 * message asks for becomes a struct lease_request, the binding granted becomes the response. */
#include <string.h>

#include "exchange.h"
#include "lease.h"
#include "ranges_of.h"

/* A cookie block leaves the host enough cookies to be unpredictable, and its neighbours enough blocks. */
#define COOKIE_MASK_DEFAULT 0xffffffff00000000u
#define COOKIE_FIXED_BITS_MIN 16

/* The answer to SPIs in several ranges lists them one by one (RFC 3104 6.2), as the request did. It has more parameters, and
 * must fit into a message, and into a datagram, all the same. */
#define SPIS_LISTED_MAX 16000

/* --- what is asked for --- */

/* RFC 3103 8.1: a name is no local address. We lease IPv4 only. */
static enum rsip_error
ask_local_address(const struct rsip_address *addr, struct lease_request *req, struct refusal *why)
{
	if (addr->type == RSIP_ADDR_IPV6)
		return addr->any ? refuse(why, RSIP_LOCAL_ADDR_UNAVAILABLE, "this gateway leases IPv4 addresses only") :
		                   refuse(why, RSIP_LOCAL_ADDR_UNALLOWED, "this gateway leases IPv4 addresses only");
	req->addr_intent = addr->any ? POOL_ANY : POOL_NAMED;
	if (addr->any)
		return RSIP_OK;
	if (addr->type != RSIP_ADDR_IPV4)
		return refuse(why, RSIP_BAD_PARAM, "a local address is an IPv4 address");
	req->addr = addr->ip4;
	return RSIP_OK;
}

static void
ask_local_ports(const struct rsip_ports *ports, struct lease_request *req)
{
	req->n_ports = ports->number;
	if (ports->form == RSIP_LIST_DONT_CARE) {
		req->port_intent = POOL_ANY;
	} else if (ports->form != RSIP_LIST_DONT_NEED) {
		req->port_intent = POOL_NAMED;
		req->n_port_ranges = (uint16_t)ranges_of_ports(ports, req->ports);
	}
}

static void
ask_remote(const struct rsip_message *m, struct lease_request *req)
{
	const struct rsip_address *addr = &m->remote_addr;
	const struct rsip_ports *ports = &m->remote_ports;

	req->remote_ip6 = !addr->any && addr->type == RSIP_ADDR_IPV6;
	if (!addr->any && addr->type == RSIP_ADDR_FQDN) {
		req->remote_name = addr->fqdn;
		req->remote_name_len = addr->fqdn_len;
	}
	if (!addr->any && addr->type == RSIP_ADDR_IPV4)
		req->remote_addr = addr->ip4;
	if (ports->form == RSIP_LIST_RANGE || ports->form == RSIP_LIST_EACH) {
		req->remote_port = ports->port[0];
		req->n_remote_ports = ports->number;
	}
}

static enum rsip_error
ask_spis(const struct rsip_spis *spis, struct lease_request *req, struct refusal *why)
{
	size_t n = 0;

	req->n_spis = spis->number;
	req->spi_intent = POOL_ANY;
	if (spis->form == RSIP_LIST_DONT_CARE)
		return RSIP_OK;
	req->spi_intent = POOL_NAMED;
	n = ranges_of_spis(spis, req->spis, POLICY_RANGES_MAX);
	if (n == 0)
		return refuse(why, RSIP_IPSEC_SPI_UNAVAILABLE, "at most %d separate SPIs in one binding",
		              POLICY_RANGES_MAX);
	if (n > 1 && spis->number > SPIS_LISTED_MAX)
		return refuse(why, RSIP_IPSEC_SPI_UNAVAILABLE, "at most %d SPIs that are not one range in one binding",
		              SPIS_LISTED_MAX);
	req->n_spi_ranges = (uint16_t)n;
	return RSIP_OK;
}

/* Value 0 leaves the choice of the block to us: the block that cookie 0 is in is never leased, since a zero responder
 * cookie says that there is none yet (RFC 2408 3.1). Mask 0 leaves its size to us as well. */
static enum rsip_error
ask_cookie(const struct rsip_message *m, struct lease_request *req, struct refusal *why)
{
	uint64_t mask = m->cookie_mask != 0 ? m->cookie_mask : COOKIE_MASK_DEFAULT;

	if (!m->has_cookie)
		return RSIP_OK;
	if ((~mask & (~mask + 1)) != 0)
		return refuse(why, RSIP_BAD_PARAM, "a cookie mask has its ones first");
	if (__builtin_popcountll(mask) < COOKIE_FIXED_BITS_MIN)
		return refuse(why, RSIP_IPSEC_SPI_UNAVAILABLE, "a cookie block has at least %d fixed bits",
		              COOKIE_FIXED_BITS_MIN);
	if ((m->cookie_value & ~mask) != 0)
		return refuse(why, RSIP_BAD_PARAM, "a cookie block's value has no bits outside of its mask");
	req->cookie_intent = m->cookie_value == 0 ? POOL_ANY : POOL_NAMED;
	req->cookie_value = m->cookie_value;
	req->cookie_mask = mask;
	return RSIP_OK;
}

static enum rsip_error
ask(const struct rsip_message *m, enum rsip_method method, struct lease_request *req, struct refusal *why)
{
	enum rsip_error error;

	req->method = method;
	req->listen = m->type == RSIP_LISTEN_REQUEST;
	req->lease_s = m->has_lease_time ? m->lease_time : 0;
	req->n_tunnels = m->n_tunnels;
	req->tunnels = m->tunnels;
	req->gre_key = m->gre_key;
	ask_remote(m, req);
	if ((error = ask_local_address(&m->local_addr, req, why)) != RSIP_OK)
		return error;
	if (method != RSIP_METHOD_RSA_IP)
		ask_local_ports(&m->local_ports, req);
	if (method != RSIP_METHOD_RSIPSEC)
		return RSIP_OK;
	req->ike_listener = m->ike_listener;
	error = ask_spis(&m->spis, req, why);
	return error == RSIP_OK ? ask_cookie(m, req, why) : error;
}

/* --- what is granted --- */

static void
tell_address(struct rsip_address *out, ip4_t addr)
{
	*out = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = addr == 0, .ip4 = addr };
}

/* One range as first and number, several ranges port by port. RSIPSEC may have none: don't need. */
static void
tell_local_ports(const struct binding *b, struct rsip_ports *out)
{
	size_t n = 0;

	out->number = (uint8_t)binding_port_count(b);
	if (b->n_ports == 0)
		out->form = b->method == RSIP_METHOD_RSIPSEC ? RSIP_LIST_DONT_NEED : RSIP_LIST_ABSENT;
	else
		out->form = b->n_ports == 1 ? RSIP_LIST_RANGE : RSIP_LIST_EACH;
	if (b->n_ports > 0)
		out->port[0] = binding_ports(b)[0].first;
	for (size_t i = 0; b->n_ports > 1 && i < b->n_ports; i++) {
		for (uint32_t port = binding_ports(b)[i].first; port <= binding_ports(b)[i].last; port++)
			out->port[n++] = (uint16_t)port;
	}
}

/* RFC 3103 9.9.3: the remote side of the request where policy asks for it, else don't care. RFC 3104 6.2: don't need
 * stays don't need. */
static void
tell_remote(const struct binding *b, const struct rsip_message *request, struct rsip_message *reply)
{
	if (binding_remote_name(b) != NULL)
		reply->remote_addr = request->remote_addr;
	else
		tell_address(&reply->remote_addr, binding_terms(b)->remote_addr);
	reply->remote_ports.form = RSIP_LIST_DONT_CARE;
	reply->remote_ports.number = 1;
	if (b->n_remote_ports > 0) {
		reply->remote_ports.form = RSIP_LIST_RANGE;
		reply->remote_ports.port[0] = binding_remote_ports(b)[0].first;
	} else if (request->remote_ports.form == RSIP_LIST_DONT_NEED) {
		reply->remote_ports.form = RSIP_LIST_DONT_NEED;
		reply->remote_ports.number = 0;
	}
}

static void
tell_spis(const struct binding *b, struct rsip_spis *out)
{
	size_t n = 0;

	out->number = (uint16_t)binding_spi_count(b);
	out->form = b->n_spis == 1 ? RSIP_LIST_RANGE : RSIP_LIST_EACH;
	if (b->n_spis > 0)
		out->spi[0] = binding_spis(b)[0].first;
	for (size_t i = 0; b->n_spis > 1 && i < b->n_spis; i++) {
		for (uint64_t spi = binding_spis(b)[i].first; spi <= binding_spis(b)[i].last; spi++)
			out->spi[n++] = (uint32_t)spi;
	}
}

/* Without one the host takes the address that it talks to for the end of the tunnel (9.9.3). */
static void
tell_endpoint(const struct exchange *x, const struct binding *b)
{
	if (x->from->gateway_addr != b->endpoint)
		tell_address(&x->reply->endpoint, b->endpoint);
}

static void
tell(const struct exchange *x, const struct binding *b)
{
	struct rsip_message *reply = x->reply;

	reply->has_bind_id = reply->has_lease_time = true;
	reply->bind_id = b->bind_id;
	reply->lease_time = lease_seconds_left(b->expires);
	reply->n_tunnels = 1;
	reply->tunnels[0] = b->tunnel;
	reply->gre_key = binding_terms(b)->gre_key;
	tell_address(&reply->local_addr, b->local_addr);
	tell_local_ports(b, &reply->local_ports);
	tell_remote(b, x->request, reply);
	tell_spis(b, &reply->spis);
	tell_endpoint(x, b);
	reply->has_cookie = binding_terms(b)->cookie_mask != 0;
	reply->cookie_value = binding_terms(b)->cookie_value;
	reply->cookie_mask = binding_terms(b)->cookie_mask;
	reply->ike_listener = binding_terms(b)->ike_listener;
}

/* --- */

static enum rsip_error
grant(struct exchange *x, enum rsip_method method)
{
	static struct lease_request req;
	struct binding *b;
	enum rsip_error error;

	memset(&req, 0, sizeof(req));
	error = ask(x->request, method, &req, &x->why);
	if (error == RSIP_OK)
		error = lease_grant(x->ledger, x->session, &req, &b, &x->why);
	if (error != RSIP_OK)
		return error;
	tell(x, b);
	return RSIP_OK;
}

enum rsip_error
request_assign(struct exchange *x)
{
	switch (x->request->type) {
	case RSIP_ASSIGN_REQUEST_RSA_IP: return grant(x, RSIP_METHOD_RSA_IP);
	case RSIP_ASSIGN_REQUEST_RSAP_IP: return grant(x, RSIP_METHOD_RSAP_IP);
	default: return grant(x, RSIP_METHOD_RSIPSEC);
	}
}

enum rsip_error
request_listen(struct exchange *x)
{
	return grant(x, RSIP_METHOD_RSAP_IP);
}
