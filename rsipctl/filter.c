#include "config.h"

#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

bool
filter_read_port(struct filter *f, const char *text)
{
	return port_range_parse(text, &f->port);
}

/* A number that ends at the character end. */
static bool
read_number(const char *text, const char end, uint64_t max, uint64_t *out, const char **rest)
{
	char *behind;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &behind, 0);
	*rest = behind + (*behind != '\0');
	return errno == 0 && *behind == end && *out <= max;
}

bool
filter_read_spi(struct filter *f, const char *text)
{
	bool is_range = strchr(text, '-') != NULL;
	const char *rest;
	uint64_t first, last;

	if (!read_number(text, is_range ? '-' : '\0', UINT32_MAX, &first, &rest))
		return false;
	last = first;
	if (is_range && !read_number(rest, '\0', UINT32_MAX, &last, &rest))
		return false;
	if (first > last)
		return false;
	f->spi = (struct spi_range){ (uint32_t)first, (uint32_t)last };
	f->has_spi = true;
	return true;
}

bool
filter_read_cookie(struct filter *f, const char *text)
{
	bool is_block = strchr(text, '/') != NULL;
	uint64_t cookie, bits = 64;
	const char *rest;

	if (!read_number(text, is_block ? '/' : '\0', UINT64_MAX, &cookie, &rest))
		return false;
	if (is_block && !read_number(rest, '\0', 64, &bits, &rest))
		return false;
	if (bits == 0)
		return false;
	f->cookie = cookie;
	f->cookie_mask = UINT64_MAX << (64 - bits);
	return true;
}

static bool
in_ports(const struct port_range *range, uint16_t port)
{
	return port >= range->first && port <= range->last;
}

/* A key without ports has zeroes there, which are in no range. */
static bool
key_matches(const struct filter *f, const struct demux_key *key)
{
	bool has_spi = key->kind == DEMUX_LOCAL_SPI || key->kind == DEMUX_PEER_SPI;

	if (f->address != 0 && key->local_addr != f->address)
		return false;
	if (f->peer != 0 && key->peer_addr != f->peer)
		return false;
	if (f->port.first != 0 && !in_ports(&f->port, key->local_port) && !in_ports(&f->port, key->peer_port))
		return false;
	if (f->has_spi && (!has_spi || key->spi < f->spi.first || key->spi > f->spi.last))
		return false;
	if (f->cookie_mask == 0)
		return true;
	return key->kind == DEMUX_IKE && (((key->initiator_cookie ^ f->cookie) & f->cookie_mask) == 0 ||
	                                  ((key->responder_cookie ^ f->cookie) & f->cookie_mask) == 0);
}

bool
filter_matches(const struct filter *f, const struct explained *x)
{
	if (f->dropped && x->fate != FATE_DROPPED)
		return false;
	if (f->host != 0 && x->host != f->host && x->outer_src != f->host && x->outer_dst != f->host)
		return false;
	/* An ICMP error is found by what it is about, and by who sent it. */
	return key_matches(f, &x->flow) || key_matches(f, &x->fields);
}
