#include "naive_model.h"

#include <string.h>

const char model_conf[] =
    "pool \"a\" { addresses = { \"203.0.113.8-203.0.113.10\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  ports = \"1000-1047\" ike-ports = { 500 } spis = \"0x1000-0x103f\" }\n"
    "pool \"w\" { addresses = { \"203.0.113.11-203.0.113.12\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"w\" } registration = \"10m\" lease = \"5m\" max-lease = \"20m\" hold-down = \"2m\"\n"
    "  max-bindings = 5 max-ports = 20 max-spis = 20 max-cookies = 2 }\n"
    "host \"10.0.0.0/24\" { policy = \"p\" }\n";

static bool
usable(const struct model *m, const struct model_cell *cells, uint64_t first, uint64_t n, uint64_t size, ip4_t host)
{
	if (first + n > size)
		return false;
	for (uint64_t i = first; i < first + n; i++) {
		if (cells[i].bind_id != 0 || (cells[i].until > m->now && cells[i].held_for != host))
			return false;
	}
	return true;
}

/* n in a row, the first divisible by align, counted from base. */
static bool
room(const struct model *m, const struct model_cell *cells, uint64_t base, uint64_t n, uint64_t align, uint64_t size,
     uint64_t from, ip4_t host)
{
	for (uint64_t i = from; i + n <= size; i++) {
		if ((base + i) % align == 0 && usable(m, cells, i, n, size, host))
			return true;
	}
	return false;
}

static uint64_t
power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* Eighths of the cookie space that a block with this mask takes: its top bits are ones. */
static uint64_t
eighths(uint64_t mask)
{
	return (~mask >> 61) + 1;
}

static bool
fits(const struct model *m, unsigned a, ip4_t host, const struct lease_request *req)
{
	uint64_t n = eighths(req->cookie_mask);

	if (req->port_intent == POOL_ANY &&
	    !room(m, m->shared[a].ports, MODEL_PORT, req->n_ports, 1, MODEL_PORTS, 0, host))
		return false;
	if (req->port_intent == POOL_NAMED &&
	    !usable(m, m->shared[a].ports, req->ports[0].first - MODEL_PORT, req->n_ports, MODEL_PORTS, host))
		return false;
	if (req->spi_intent == POOL_ANY &&
	    !room(m, m->shared[a].spis, MODEL_SPI, req->n_spis, power_of_two(req->n_spis), MODEL_SPIS, 0, host))
		return false;
	if (req->spi_intent == POOL_NAMED &&
	    !usable(m, m->shared[a].spis, req->spis[0].first - MODEL_SPI, req->n_spis, MODEL_SPIS, host))
		return false;
	if (req->cookie_intent == POOL_ANY && !room(m, m->shared[a].cookies, 0, n, n, MODEL_COOKIES, n, host))
		return false;
	if (req->cookie_intent == POOL_NAMED &&
	    !usable(m, m->shared[a].cookies, req->cookie_value >> 61, n, MODEL_COOKIES, host))
		return false;
	return req->ike_listener == 0 ||
	       usable(m, m->shared[a].peers, req->ike_listener - MODEL_PEER, 1, MODEL_PEERS, host);
}

static bool
quota_allows(const struct model *m, ip4_t host, const struct lease_request *req)
{
	uint32_t bindings = 1, ports = req->n_ports, spis = req->n_spis, cookies = req->cookie_intent != POOL_NONE;

	for (unsigned i = 0; i < MODEL_BINDINGS; i++) {
		const struct model_binding *b = &m->bindings[i];
		if (b->bind_id == 0 || b->host != host)
			continue;
		bindings++;
		ports += b->n_ports;
		spis += b->n_spis;
		cookies += b->n_cookies;
	}
	return bindings <= MODEL_MAX_BINDINGS && ports <= MODEL_MAX_PORTS && spis <= MODEL_MAX_SPIS &&
	       cookies <= MODEL_MAX_COOKIES;
}

bool
model_can_grant(const struct model *m, ip4_t host, const struct lease_request *req)
{
	bool found = false;

	if (!quota_allows(m, host, req))
		return false;
	if (req->method == RSIP_METHOD_RSA_IP)
		return usable(m, m->whole, 0, 1, MODEL_WHOLE, host) || usable(m, m->whole, 1, 1, MODEL_WHOLE, host);
	for (unsigned a = 0; a < MODEL_SHARED && !found; a++)
		found = (req->addr_intent == POOL_ANY || req->addr == MODEL_ADDR + a) && fits(m, a, host, req);
	return found;
}

/* --- changes --- */

static bool
take(const struct model *m, struct model_cell *cells, uint64_t first, uint64_t n, uint64_t size, ip4_t host, uint32_t bind_id)
{
	if (!usable(m, cells, first, n, size, host))
		return false;
	for (uint64_t i = first; i < first + n; i++)
		cells[i] = (struct model_cell){ .bind_id = bind_id };
	return true;
}

static const char *
grant_shared(struct model *m, unsigned a, ip4_t host, const struct lease_request *req, const struct binding *b)
{
	const struct binding_terms *terms = binding_terms(b);
	uint64_t n = eighths(terms->cookie_mask);

	if (binding_port_count(b) != req->n_ports || binding_spi_count(b) != req->n_spis ||
	    terms->cookie_mask != (req->cookie_intent != POOL_NONE ? req->cookie_mask : 0) ||
	    terms->ike_listener != req->ike_listener)
		return "it is not what was asked for";
	if (b->n_ports > 0 && !take(m, m->shared[a].ports, binding_ports(b)[0].first - MODEL_PORT, req->n_ports, MODEL_PORTS, host,
	                            b->bind_id))
		return "a port is leased, or held for another";
	if (b->n_spis > 0 && !take(m, m->shared[a].spis, binding_spis(b)[0].first - MODEL_SPI, req->n_spis, MODEL_SPIS, host,
	                           b->bind_id))
		return "an SPI is leased, or held for another";
	if (terms->cookie_mask != 0 &&
	    ((terms->cookie_value & ~terms->cookie_mask) != 0 || terms->cookie_value == 0 ||
	     !take(m, m->shared[a].cookies, terms->cookie_value >> 61, n, MODEL_COOKIES, host, b->bind_id)))
		return "a cookie is leased, or held for another, or zero";
	if (terms->ike_listener != 0 &&
	    !take(m, m->shared[a].peers, terms->ike_listener - MODEL_PEER, 1, MODEL_PEERS, host, b->bind_id))
		return "another listens for that peer";
	return NULL;
}

static const char *
grant_cells(struct model *m, ip4_t host, const struct lease_request *req, const struct binding *b)
{
	uint32_t a = b->local_addr - MODEL_ADDR;

	if (req->addr_intent == POOL_NAMED && b->local_addr != req->addr)
		return "another address than was asked for";
	if (req->method != RSIP_METHOD_RSA_IP)
		return a < MODEL_SHARED ? grant_shared(m, a, host, req, b) : "no such address in the pool";
	if (a < MODEL_SHARED || !take(m, m->whole, a - MODEL_SHARED, 1, MODEL_WHOLE, host, b->bind_id))
		return "the address is leased, or held for another";
	return NULL;
}

const char *
model_grant(struct model *m, ip4_t host, const struct lease_request *req, const struct binding *b)
{
	struct model_binding *mine = m->bindings;

	if (!quota_allows(m, host, req))
		return "it is beyond the host's quota";
	while (mine->bind_id != 0)
		mine++;
	*mine = (struct model_binding){ b->bind_id, host, b->expires, req->n_ports, req->n_spis,
		                        req->cookie_intent != POOL_NONE };
	return grant_cells(m, host, req, b);
}

/* peers: what is not held after use. */
static void
release(struct model *m, struct model_cell *cells, unsigned n, const struct model_binding *b, bool hold)
{
	for (unsigned i = 0; i < n; i++) {
		if (cells[i].bind_id == b->bind_id)
			cells[i] = (struct model_cell){ 0, b->host, hold ? m->now + MODEL_HOLD_MS : 0 };
	}
}

static void
end(struct model *m, struct model_binding *b)
{
	for (unsigned a = 0; a < MODEL_SHARED; a++) {
		release(m, m->shared[a].ports, MODEL_PORTS, b, true);
		release(m, m->shared[a].spis, MODEL_SPIS, b, true);
		release(m, m->shared[a].cookies, MODEL_COOKIES, b, true);
		release(m, m->shared[a].peers, MODEL_PEERS, b, false);
	}
	release(m, m->whole, MODEL_WHOLE, b, true);
	*b = (struct model_binding){ 0 };
}

static struct model_binding *
find(struct model *m, uint32_t bind_id)
{
	for (unsigned i = 0; i < MODEL_BINDINGS; i++) {
		if (m->bindings[i].bind_id == bind_id)
			return &m->bindings[i];
	}
	return NULL;
}

void
model_end(struct model *m, uint32_t bind_id)
{
	struct model_binding *b = find(m, bind_id);

	if (b != NULL)
		end(m, b);
}

void
model_extend(struct model *m, uint32_t bind_id, int64_t expires)
{
	struct model_binding *b = find(m, bind_id);

	if (b != NULL)
		b->expires = expires;
}

void
model_pass(struct model *m, int64_t now)
{
	m->now = now;
	for (unsigned i = 0; i < MODEL_BINDINGS; i++) {
		if (m->bindings[i].bind_id != 0 && m->bindings[i].expires <= now)
			end(m, &m->bindings[i]);
	}
}

unsigned
model_count(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEL_BINDINGS; i++)
		n += m->bindings[i].bind_id != 0;
	return n;
}

static bool
all_free(const struct model *m, const struct model_cell *cells, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (cells[i].bind_id != 0 || cells[i].until > m->now)
			return false;
	}
	return true;
}

bool
model_is_empty(const struct model *m)
{
	for (unsigned a = 0; a < MODEL_SHARED; a++) {
		if (!all_free(m, m->shared[a].ports, MODEL_PORTS) || !all_free(m, m->shared[a].spis, MODEL_SPIS) ||
		    !all_free(m, m->shared[a].cookies, MODEL_COOKIES) || !all_free(m, m->shared[a].peers, MODEL_PEERS))
			return false;
	}
	return all_free(m, m->whole, MODEL_WHOLE) && model_count(m) == 0;
}
