#include "grant.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "message.h"

#define SPI_MIN 256 /* RFC 4303 2.1: 1-255 are reserved */

static bool
is_ip4(const struct rsip_address *addr)
{
	return addr->type == RSIP_ADDR_IPV4 && !addr->any;
}

static int
compare_ports(const void *a, const void *b)
{
	return (int)((const struct port_range *)a)->first - (int)((const struct port_range *)b)->first;
}

/* Sorts the ranges and joins those that touch. */
static void
ports_normalise(struct grant *grant)
{
	unsigned n = 0;

	qsort(grant->ports, grant->n_ports, sizeof(grant->ports[0]), compare_ports);
	for (unsigned i = 1; i < grant->n_ports; i++) {
		if (grant->ports[i].first == grant->ports[n].last + 1)
			grant->ports[n].last = grant->ports[i].last;
		else
			grant->ports[++n] = grant->ports[i];
	}
	grant->n_ports = (uint8_t)(n + 1);
}

/* Both forms of RFC 3103 8.2: one value that begins a contiguous range, or every port by itself. */
static bool
read_ports(struct grant *grant, const struct rsip_ports *ports)
{
	unsigned n = ports->form == RSIP_LIST_EACH ? ports->number : 1;
	unsigned span = ports->form == RSIP_LIST_EACH ? 1 : ports->number;

	if ((ports->form != RSIP_LIST_EACH && ports->form != RSIP_LIST_RANGE) || ports->number == 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned last = ports->port[i] + span - 1;

		if (ports->port[i] == 0 || last > UINT16_MAX)
			return false;
		grant->ports[i] = (struct port_range){ .first = ports->port[i], .last = (uint16_t)last };
	}
	grant->n_ports = (uint8_t)n;
	ports_normalise(grant);
	return true;
}

/* Appends one SPI or a run of them; a run that continues the last range lengthens it. */
static bool
add_spis(struct grant *grant, uint32_t first, uint32_t last)
{
	struct spi_range *prev = grant->n_spis > 0 ? &grant->spis[grant->n_spis - 1] : NULL;

	if (first < SPI_MIN || last < first)
		return false;
	if (prev != NULL && prev->last + 1 == first) {
		prev->last = last;
		return true;
	}
	if (grant->n_spis == GRANT_SPI_RANGES)
		return false;
	grant->spis[grant->n_spis++] = (struct spi_range){ .first = first, .last = last };
	return true;
}

/* The same two forms, RFC 3104 6.2. */
static bool
read_spis(struct grant *grant, const struct rsip_spis *spis)
{
	if (spis->number == 0)
		return false;
	if (spis->form == RSIP_LIST_RANGE)
		return add_spis(grant, spis->spi[0], spis->spi[0] + (spis->number - 1));
	if (spis->form != RSIP_LIST_EACH)
		return false;
	for (unsigned i = 0; i < spis->number; i++) {
		if (!add_spis(grant, spis->spi[i], spis->spi[i]))
			return false;
	}
	return true;
}

/* What remote flow policy binds the lease to; nothing readable here is an error, the gateway enforces it anyway. */
static void
read_remote(struct grant *grant, const struct rsip_message *m)
{
	if (is_ip4(&m->remote_addr))
		grant->remote = m->remote_addr.ip4;
	if (m->remote_ports.form == RSIP_LIST_RANGE && m->remote_ports.port[0] != 0) {
		grant->remote_ports.first = m->remote_ports.port[0];
		grant->remote_ports.last = (uint16_t)(m->remote_ports.port[0] + m->remote_ports.number - 1);
	}
}

static uint8_t
method_of(int type)
{
	switch (type) {
	case RSIP_ASSIGN_RESPONSE_RSA_IP:
		return RSIP_METHOD_RSA_IP;
	case RSIP_ASSIGN_RESPONSE_RSIPSEC:
		return RSIP_METHOD_RSIPSEC;
	default:
		return RSIP_METHOD_RSAP_IP;
	}
}

/* The parts that every response has. */
static const char *
read_common(struct grant *grant, const struct rsip_message *m, const struct grant_asked *asked)
{
	if (!is_ip4(&m->local_addr) || m->local_addr.ip4 == 0)
		return "it names no IPv4 address";
	grant->address = m->local_addr.ip4;
	if (m->n_tunnels != 1 || m->tunnels[0] != asked->tunnel.type)
		return "its tunnel type is another than the one asked for";
	grant->tunnel = m->tunnels[0];
	grant->gre_key = m->gre_key;
	if (m->gre_key != asked->tunnel.gre_key && (m->gre_key != 0 || asked->key_settled))
		return "its GRE key is another than the one asked for";
	if (m->lease_time == 0)
		return "its lease time is 0";
	if (m->endpoint.type != 0 && !is_ip4(&m->endpoint))
		return "its tunnel endpoint is no IPv4 address";
	grant->endpoint = m->endpoint.type != 0 ? m->endpoint.ip4 : 0;
	read_remote(grant, m);
	return NULL;
}

const char *
grant_read(struct grant *grant, const struct rsip_message *m, const struct grant_asked *asked)
{
	const char *fault;

	memset(grant, 0, sizeof(*grant));
	grant->bind_id = m->bind_id;
	grant->method = method_of(m->type);
	grant->listen = m->type == RSIP_LISTEN_RESPONSE;
	if (asked->lease == NULL)
		return "nobody wants it any more";
	if (grant->method != asked->lease->method || grant->listen != asked->lease->listen)
		return "it is of another kind than the one asked for";
	if ((fault = read_common(grant, m, asked)) != NULL)
		return fault;
	if (asked->n_ports > 0 && (!read_ports(grant, &m->local_ports) || grant_port_count(grant) != asked->n_ports))
		return "its ports are not as many as asked for";
	if (grant->method != RSIP_METHOD_RSIPSEC)
		return NULL;
	if (!read_spis(grant, &m->spis))
		return "its SPIs cannot be used";
	if (m->has_cookie) {
		grant->cookie_value = m->cookie_value;
		grant->cookie_mask = m->cookie_mask;
	}
	return NULL;
}

unsigned
grant_port_count(const struct grant *grant)
{
	unsigned count = 0;

	for (unsigned i = 0; i < grant->n_ports; i++)
		count += grant->ports[i].last - grant->ports[i].first + 1u;
	return count;
}
