#include "fit.h"

#include "pool_spec.h"

static bool
fail(struct fit *f, enum fit_step step, enum rsip_error error)
{
	f->step = step;
	f->error = error;
	return false;
}

static bool
is_free(const struct fit *f, enum tuple_kind kind, uint64_t first, uint64_t last)
{
	uint64_t past;

	return !address_conflict(f->a, (struct tuple){ f->addr, kind, first, last }, f->want->host, &past);
}

static bool
try_address(struct fit *f)
{
	enum rsip_error taken = f->want->addr == POOL_NAMED ? RSIP_LOCAL_ADDR_INUSE : RSIP_LOCAL_ADDR_UNAVAILABLE;

	if (f->b->method == RSIP_METHOD_RSA_IP)
		return is_free(f, TUPLE_ADDRESS, 0, 0) || fail(f, FIT_ADDRESS, taken);
	return f->a == NULL || (!f->a->whole && f->a->whole_hold == NULL) || fail(f, FIT_ADDRESS, taken);
}

static uint64_t
next_power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static bool
try_named_ports(struct fit *f)
{
	for (size_t i = 0; i < f->b->n_ports; i++) {
		struct port_range range = binding_ports(f->b)[i];
		if (!pool_spec_has_ports(f->spec, range))
			return fail(f, FIT_RANGE, RSIP_LOCAL_ADDRPORT_UNALLOWED);
		if (!is_free(f, TUPLE_PORT, range.first, range.last))
			return fail(f, FIT_PORTS, RSIP_LOCAL_ADDRPORT_INUSE);
	}
	return true;
}

/* In any of the pool's runs of ports; of what is held for the host, where that is all there may be. */
static bool
find_ports(const struct fit *f, uint64_t n, uint64_t align, uint64_t *first)
{
	size_t n_runs;
	const struct port_range *runs = pool_spec_port_runs(f->spec, &n_runs);

	for (size_t i = 0; i < n_runs; i++) {
		struct address_room room = { TUPLE_PORT, runs[i].first, runs[i].last, n, align, f->spec->ike_ports,
		                             f->spec->n_ike_ports };

		if (f->own != NULL ? address_find_held_room(f->a, &room, f->own, first) :
		                     address_find_room(f->a, &room, f->want->host, first))
			return true;
	}
	return false;
}

/* A power of two of ports is aligned to it, so that one mask describes them; where there is no such place any will do. */
static bool
try_any_ports(struct fit *f)
{
	uint64_t n = f->want->n_any_ports, first;

	if (!find_ports(f, n, next_power_of_two(n) == n ? n : 1, &first) && !find_ports(f, n, 1, &first))
		return fail(f, FIT_PORTS, RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	binding_ports(f->b)[0] = (struct port_range){ (uint16_t)first, (uint16_t)(first + n - 1) };
	return true;
}

static bool
try_named_spis(struct fit *f)
{
	for (size_t i = 0; i < f->b->n_spis; i++) {
		struct spi_range range = binding_spis(f->b)[i];
		if (!pool_spec_has_spis(f->spec, range))
			return fail(f, FIT_RANGE, RSIP_IPSEC_SPI_UNAVAILABLE);
		if (!is_free(f, TUPLE_SPI, range.first, range.last))
			return fail(f, FIT_SPIS, RSIP_IPSEC_SPI_INUSE);
	}
	return true;
}

static bool
try_any_spis(struct fit *f)
{
	uint64_t n = f->want->n_any_spis, first;
	size_t n_runs;
	const struct spi_range *runs = pool_spec_spi_runs(f->spec, &n_runs);

	for (size_t i = 0; i < n_runs; i++) {
		struct address_room room = { TUPLE_SPI, runs[i].first, runs[i].last, n, next_power_of_two(n), NULL, 0 };

		if (address_find_room(f->a, &room, f->want->host, &first)) {
			binding_spis(f->b)[0] = (struct spi_range){ (uint32_t)first, (uint32_t)(first + n - 1) };
			return true;
		}
	}
	return fail(f, FIT_SPIS, RSIP_IPSEC_SPI_UNAVAILABLE);
}

/* A cookie block is the numbers that share the bits of the mask. The one that holds zero is never leased: a zero
 * responder cookie says that there is none yet (RFC 2408 3.1). */
static bool
try_cookie(struct fit *f)
{
	uint64_t n = ~binding_terms(f->b)->cookie_mask + 1, first;
	struct address_room room = { TUPLE_COOKIE, n, UINT64_MAX, n, n, NULL, 0 };

	if (f->spec->upstream != NULL) {
		room.lo = f->spec->cookie_first > n ? f->spec->cookie_first : n;
		room.hi = f->spec->cookie_last;
	}
	if (f->want->cookie == POOL_NAMED) {
		first = binding_terms(f->b)->cookie_value;
		if (!pool_spec_has_cookies(f->spec, first, first + (n - 1)))
			return fail(f, FIT_COOKIE, RSIP_IPSEC_SPI_UNAVAILABLE);
		return is_free(f, TUPLE_COOKIE, first, first + (n - 1)) || fail(f, FIT_COOKIE, RSIP_IPSEC_SPI_INUSE);
	}
	if (!address_find_room(f->a, &room, f->want->host, &first))
		return fail(f, FIT_COOKIE, RSIP_IPSEC_SPI_UNAVAILABLE);
	binding_own_terms(f->b)->cookie_value = first;
	return true;
}

/* One host for each (address, peer): nothing else could tell whose an unknown cookie is (RFC 3104 App. G). */
static bool
try_listener(struct fit *f)
{
	ip4_t peer = binding_terms(f->b)->ike_listener;

	return peer == 0 || is_free(f, TUPLE_IKE_PEER, peer, peer) ||
	       fail(f, FIT_LISTENER, RSIP_LOCAL_ADDRPORT_INUSE);
}

bool
fit_request(struct fit *f)
{
	const struct pool_want *want = f->want;

	return try_address(f) &&
	       (want->ports != POOL_NAMED || try_named_ports(f)) &&
	       (want->ports != POOL_ANY || try_any_ports(f)) &&
	       (want->spis != POOL_NAMED || try_named_spis(f)) &&
	       (want->spis != POOL_ANY || try_any_spis(f)) &&
	       (want->cookie == POOL_NONE || try_cookie(f)) &&
	       try_listener(f);
}
