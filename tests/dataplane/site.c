#include "site.h"

#include <stdlib.h>
#include <string.h>

#include "dp_apply.h"
#include "engine.h"

static void
host_new_cb(struct demux_host *host, void *arg)
{
	(void)arg;
	host->path_mtu = 1500;
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

static void
tell(struct demux *d, const void *message, size_t len)
{
	if (dp_apply(d, message, len, 0) == DP_REFUSED)
		abort();
}

/* As control would send it: the struct, then the ranges. */
static void
tell_bind(struct demux *d, const struct site_binding *b)
{
	uint8_t message[sizeof(struct dp_bind) + sizeof(*b)], *end = message + sizeof(b->lease);

	memcpy(message, &b->lease, sizeof(b->lease));
	if (b->lease.n_ports > 0)
		end = (uint8_t *)memcpy(end, b->ports, sizeof(b->ports)) + sizeof(b->ports);
	if (b->lease.n_spis > 0)
		end = (uint8_t *)memcpy(end, b->spis, sizeof(b->spis)) + sizeof(b->spis);
	if (b->lease.n_remote_ports > 0)
		end = (uint8_t *)memcpy(end, b->remote_ports, sizeof(b->remote_ports)) + sizeof(b->remote_ports);
	if (b->lease.n_remote_addrs > 0)
		end = (uint8_t *)memcpy(end, b->remote_addrs, sizeof(b->remote_addrs)) + sizeof(b->remote_addrs);
	tell(d, message, (size_t)(end - message));
}

void
site_begin(struct engine *e)
{
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };

	memset(e, 0, sizeof(*e));
	e->demux = demux_new(&events);
	e->now = 1000000;
	e->gateway_addr = GW;
	e->public_addr = OWN;
}

void
site_tell(struct engine *e)
{
	const struct dp_sync begin = { DP_SYNC_BEGIN }, end = { DP_SYNC_END };

	tell(e->demux, &begin, sizeof(begin));
	for (size_t i = 0; i < COUNT(site_pools); i++)
		tell(e->demux, &site_pools[i], sizeof(site_pools[i]));
	for (size_t i = 0; i < COUNT(site_bindings); i++)
		tell_bind(e->demux, &site_bindings[i]);
	tell(e->demux, &end, sizeof(end));
}

void
site_up(struct engine *e)
{
	site_begin(e);
	site_tell(e);
}
