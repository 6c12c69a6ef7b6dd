#include "config.h"

#include "document.h"

#include "agent.h"
#include "clock.h"
#include "conf.h"
#include "guest.h"
#include "host.h"
#include "ipsec.h"
#include "lease.h"
#include "names.h"
#include "station.h"
#include "tun_relay.h"
#include "tunnel.h"
#include "value.h"

/* Rounded up: a lease that is there has time left. */
static uint64_t
seconds_left(int64_t expires)
{
	int64_t left = expires - clock_now();

	return left > 0 ? (uint64_t)(left + 999) / 1000 : 0;
}

/* ---- status ---- */

static const char *
driver_of(const struct host *host)
{
	return host->tunnel != NULL ? tunnel_driver(host->tunnel) : "none";
}

/* Each lease of the config that is not held, with the reason. */
static json_t *
of_missing(const struct host *host)
{
	json_t *array = value_made(json_array());

	for (const struct lease *l = agent_leases(host->agent); l != NULL; l = l->next) {
		if (l->state == LEASE_WANTED && l->want != NULL && l->owner == NULL)
			json_array_append_new(array, json_pack("{s:o, s:o}", "lease", value_text(l->want->name), "reason",
			    l->error != RSIP_OK ? value_text(l->error_text) : json_null()));
	}
	return array;
}

static unsigned
held(const struct host *host)
{
	unsigned n = 0;

	for (const struct lease *l = agent_leases(host->agent); l != NULL; l = l->next)
		n += l->state == LEASE_HELD;
	return n;
}

json_t *
document_status(const struct host *host)
{
	const struct agent_registration *reg = agent_registration(host->agent);

	return value_made(json_pack("{s:s, s:o, s:s, s:i, s:o, s:[], s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "version",
	    PACKAGE_VERSION, "uptime_s", value_count((uint64_t)(clock_now() - host->started) / 1000), "data_plane",
	    driver_of(host), "hosts", reg != NULL, "bindings", value_count(held(host)), "pools", "state",
	    agent_state_name(host->agent), "gateway", value_address(host->conf->gateway), "online",
	    agent_online(host->agent), "client_id", reg != NULL ? value_count(reg->client_id) : json_null(),
	    "expires_in_s", reg != NULL ? value_count(seconds_left(reg->expires)) : json_null(), "missing",
	    of_missing(host), "commands", value_count(guests_count(host->guests))));
}

json_t *
document_station(const struct station *station)
{
	return value_made(json_pack("{s:s, s:o, s:i}", "version", PACKAGE_VERSION, "uptime_s",
	    value_count((uint64_t)(clock_now() - station->started) / 1000), "tunnels",
	    (int)ipsec_tunnels(station->ipsec)));
}

/* ---- bindings ---- */

static json_t *
of_cookie(const struct grant *g)
{
	if (g->cookie_mask == 0)
		return json_null();
	return value_made(json_pack("{s:o, s:o}", "value", value_hex(g->cookie_value, 16), "mask",
	    value_hex(g->cookie_mask, 16)));
}

static json_t *
of_remote(const struct grant *g)
{
	if (g->remote == 0)
		return json_null();
	return value_made(json_pack("{s:o, s:o}", "address", value_address(g->remote), "ports",
	    value_ports(&g->remote_ports, g->remote_ports.first != 0)));
}

static json_t *
of_binding(const struct host *host, const struct lease *lease)
{
	const struct agent_registration *reg = agent_registration(host->agent);
	const struct grant *g = &lease->grant;

	return value_made(json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:o}", "bind_id",
	    value_count(g->bind_id), "client_id", reg != NULL ? value_count(reg->client_id) : json_null(), "host",
	    value_address(agent_host_addr(host->agent)), "method", rsip_method_name(g->method), "address",
	    value_address(g->address), "ports", value_ports(g->ports, g->n_ports), "spis", value_spis(g->spis, g->n_spis),
	    "cookie", of_cookie(g), "remote", of_remote(g), "tunnel", rsip_tunnel_name(g->tunnel), "gre_key",
	    g->gre_key != 0 ? value_count(g->gre_key) : json_null(), "expires_in_s",
	    value_count(seconds_left(lease->expires)), "listen", g->listen, "lease",
	    lease->owner == NULL && lease->want != NULL ? value_text(lease->want->name) : json_null()));
}

json_t *
document_bindings(const struct host *host)
{
	json_t *array = value_made(json_array());

	for (const struct lease *l = agent_leases(host->agent); l != NULL; l = l->next) {
		if (l->state == LEASE_HELD)
			json_array_append_new(array, of_binding(host, l));
	}
	return array;
}

/* ---- stats: what the relay carried; the kernel's own tunnel counts at its device ---- */

static json_t *
of_drops(const struct tun_relay_counters *c)
{
	return value_made(json_pack("{s:o, s:o, s:o, s:o, s:o}", "malformed", value_count(c->malformed), "no_lease",
	    value_count(c->no_lease), "too_big", value_count(c->too_big), "send_failed", value_count(c->send_failed),
	    "device_failed", value_count(c->device_failed)));
}

json_t *
document_stats(const struct host *host)
{
	static const struct tun_relay_counters none;
	const struct tun_relay_counters *c = host->tunnel != NULL ? tunnel_counters(host->tunnel) : NULL;

	if (c == NULL)
		c = &none;
	return value_made(json_pack("{s:{s:o}, s:{s:o, s:o, s:o, s:o, s:o, s:{}, s:{}}}", "control", "not_the_gateways",
	    value_count(agent_refused(host->agent)), "data", "in_packets",
	    value_count(c->in_packets), "in_bytes", value_count(c->in_bytes), "out_packets", value_count(c->out_packets),
	    "out_bytes", value_count(c->out_bytes), "drops", of_drops(c), "xdp", "relay"));
}
