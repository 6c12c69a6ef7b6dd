#include "config.h"

#include "metrics_text.h"

#include <inttypes.h>

#include "binding.h"
#include "clock.h"
#include "conf.h"
#include "carried.h"
#include "dataplane.h"
#include "gateway.h"
#include "ledger.h"
#include "message.h"
#include "pool.h"
#include "session.h"
#include "stats.h"
#include "xdp_tables.h"

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP rsipd_%s %s\n# TYPE rsipd_%s %s\n", name, help, name, type);
}

static void
single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	family(out, name, type, help);
	fprintf(out, "rsipd_%s %" PRIu64 "\n", name, value);
}

static void
labelled(FILE *out, const char *name, const char *label, const char *label_value, uint64_t value)
{
	fprintf(out, "rsipd_%s{%s=\"", name, label);
	for (const char *c = label_value; *c != '\0'; c++) {
		if (*c == '\\' || *c == '"')
			putc('\\', out);
		if (*c == '\n')
			fputs("\\n", out);
		else
			putc(*c, out);
	}
	fprintf(out, "\"} %" PRIu64 "\n", value);
}

/* ---- the process ---- */

static void
write_process(FILE *out, const struct gateway *gw)
{
	family(out, "build_info", "gauge", "Always 1; the version is in the label.");
	fprintf(out, "rsipd_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	single(out, "start_time_seconds", "gauge", "When the control process started, in seconds since 1970.",
	    (uint64_t)(clock_wall() - (clock_now() - gw->started) / 1000));
	single(out, "hosts", "gauge", "Hosts now registered.", session_count(&gw->ledger->sessions));
	single(out, "bindings", "gauge", "Bindings now live.", binding_count(&gw->ledger->bindings));
}

/* ---- pools ---- */

static const struct pool_gauge {
	const char *name, *help;
	size_t offset; /* of the uint64_t in struct pool_totals */
} pool_gauges[] = {
	{ "pool_addresses", "Public addresses of the pool.", offsetof(struct pool_totals, addresses) },
	{ "pool_addresses_leased", "Addresses leased whole.", offsetof(struct pool_totals, addresses_leased) },
	{ "pool_ports", "Ports that can be leased, over all addresses.", offsetof(struct pool_totals, ports_total) },
	{ "pool_ports_leased", "Ports now leased.", offsetof(struct pool_totals, ports_leased) },
	{ "pool_ports_held", "Ports freed and on hold-down.", offsetof(struct pool_totals, ports_held) },
	{ "pool_spis_leased", "SPIs now leased.", offsetof(struct pool_totals, spis_leased) },
	{ "pool_cookies_leased", "IKE cookie blocks now leased.", offsetof(struct pool_totals, cookies_leased) },
	{ "pool_hosts", "Hosts with a binding in the pool.", offsetof(struct pool_totals, hosts) },
	{ "pool_bindings", "Bindings in the pool.", offsetof(struct pool_totals, bindings) },
};

static void
write_pools(FILE *out, const struct gateway *gw)
{
	const struct conf *conf = gw->ledger->conf;

	for (size_t g = 0; g < sizeof(pool_gauges) / sizeof(pool_gauges[0]); g++) {
		family(out, pool_gauges[g].name, "gauge", pool_gauges[g].help);
		for (size_t i = 0; i < conf->n_pools; i++) {
			struct pool_totals totals = pool_totals(gw->ledger->pool, &conf->pools[i]);
			const void *value = (const char *)&totals + pool_gauges[g].offset;

			labelled(out, pool_gauges[g].name, "pool", conf->pools[i].name, *(const uint64_t *)value);
		}
	}
}

/* ---- control messages ---- */

static void
write_messages(FILE *out, const char *name, const char *help, const uint64_t counts[STATS_MESSAGES], bool requests)
{
	family(out, name, "counter", help);
#define X(id, number, text)                \
	if (rsip_msg_is_request(id) == requests) \
		labelled(out, name, "type", text, counts[id]);
	RSIP_MSG_TYPES(X)
#undef X
	if (requests)
		labelled(out, name, "type", "UNKNOWN", counts[0]);
}

static void
write_control(FILE *out, const struct stats *stats)
{
	write_messages(out, "requests_total", "Messages received from hosts.", stats->requests, true);
	write_messages(out, "responses_total", "Messages sent to hosts.", stats->responses, false);
	family(out, "errors_total", "counter", "ERROR_RESPONSE messages sent.");
#define X(id, number, text) \
	if (id != RSIP_OK)        \
		labelled(out, "errors_total", "error", text, stats->errors[id]);
	RSIP_ERRORS(X)
#undef X
#define X(name, help) single(out, #name "_total", "counter", help, stats->name);
	STATS_COUNTERS(X)
#undef X
	single(out, "open_connections", "gauge", "TCP connections of hosts now open.", stats->open_connections);
}

/* ---- packets ---- */

static void
write_data(FILE *out, const struct gateway *gw)
{
	const struct dp_counters sum = carried_in_all(gw), *data = &sum;

	family(out, "packets_total", "counter", "Packets forwarded; in is from the public side to hosts.");
	labelled(out, "packets_total", "direction", "in", data->in_packets);
	labelled(out, "packets_total", "direction", "out", data->out_packets);
	family(out, "bytes_total", "counter", "Bytes forwarded, tunnel headers not counted.");
	labelled(out, "bytes_total", "direction", "in", data->in_bytes);
	labelled(out, "bytes_total", "direction", "out", data->out_bytes);
	family(out, "dropped_packets_total", "counter", "Packets dropped.");
	for (int i = 0; i < DP_DROP_COUNT; i++)
		labelled(out, "dropped_packets_total", "reason", dp_drop_name((enum dp_drop)i), data->drops[i]);
	single(out, "to_stack_packets_total", "counter", "Packets left to the gateway's own stack (own-address mode).",
	    data->to_stack);
	single(out, "answered_packets_total", "counter", "Packets that the gateway answered itself: echo, too big.",
	    data->answered);
	single(out, "cookie_claims_total", "counter", "IKE cookies learned from hosts' packets.", data->claims);
	single(out, "held_fragments_total", "counter", "Fragments that had to wait for their packet's first one.", data->held);
	single(out, "tunnel_icmp_errors_total", "counter", "ICMP errors about packets in tunnels to hosts.", data->tunnel_errors);
}

static void
write_xdp(FILE *out, const struct xdp_tables *tables)
{
	struct xdp_totals t;

	if (tables == NULL)
		return;
	xdp_tables_totals(tables, &t);
	family(out, "xdp_packets_total", "counter", "Packets of packets_total that XDP forwarded; the relay did the rest.");
	labelled(out, "xdp_packets_total", "direction", "in", t.in_packets);
	labelled(out, "xdp_packets_total", "direction", "out", t.out_packets);
	family(out, "xdp_passed_up_packets_total", "counter", "Packets that XDP left to the relay.");
	for (int i = 0; i < XDP_PASS_COUNT; i++)
		labelled(out, "xdp_passed_up_packets_total", "reason", xdp_pass_name((enum xdp_pass)i), t.passed[i]);
}

void
metrics_write(FILE *out, const struct gateway *gw)
{
	write_process(out, gw);
	write_pools(out, gw);
	write_control(out, gw->stats);
	write_data(out, gw);
	write_xdp(out, gw->xdp);
}
