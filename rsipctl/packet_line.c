#include "config.h"

#include "packet_line.h"

#include <stdbool.h>
#include <time.h>

#include "explain.h"
#include "names.h"
#include "value.h"

/* ---- what the packet is ---- */

static bool
has_ports(const struct demux_key *key)
{
	return key->local_port != 0 || key->peer_port != 0;
}

static bool
has_spi(const struct demux_key *key)
{
	return key->kind == DEMUX_LOCAL_SPI || key->kind == DEMUX_PEER_SPI;
}

static bool
local_is_source(const struct explained *x)
{
	return x->packet.src == x->fields.local_addr;
}

static uint16_t
src_port(const struct explained *x)
{
	return local_is_source(x) ? x->fields.local_port : x->fields.peer_port;
}

static uint16_t
dst_port(const struct explained *x)
{
	return local_is_source(x) ? x->fields.peer_port : x->fields.local_port;
}

/* ---- text ---- */

static void
print_time(FILE *out, const struct timeval *time)
{
	time_t seconds = time->tv_sec;
	struct tm tm;

	localtime_r(&seconds, &tm);
	fprintf(out, "%02d:%02d:%02d.%06ld", tm.tm_hour, tm.tm_min, tm.tm_sec, (long)time->tv_usec);
}

static void
print_end(FILE *out, ip4_t addr, uint16_t port, bool ports)
{
	char text[IP4_STRLEN];

	fputs(ip4_str(addr, text), out);
	if (ports)
		fprintf(out, ":%u", port);
}

static void
print_fields(FILE *out, const struct demux_key *key)
{
	if (has_spi(key))
		fprintf(out, " spi 0x%08x", key->spi);
	if (key->kind == DEMUX_IKE)
		fprintf(out, " ike 0x%016llx 0x%016llx", (unsigned long long)key->initiator_cookie,
		        (unsigned long long)key->responder_cookie);
	if (key->kind == DEMUX_ICMP_REQUEST || key->kind == DEMUX_ICMP_REPLY)
		fprintf(out, " %s id %u", key->kind == DEMUX_ICMP_REQUEST ? "request" : "reply", key->icmp_id);
	if (key->kind == DEMUX_ICMP_ERROR)
		fputs(" error", out);
}

static void
print_packet(FILE *out, const struct explained *x)
{
	const struct packet *p = &x->packet;
	bool ports = has_ports(&x->fields);
	char name[8];

	if (x->tunnel != 0)
		fprintf(out, "%s ", rsip_tunnel_name(x->tunnel));
	if (!x->readable) {
		fputs("unreadable packet", out);
		return;
	}
	fprintf(out, "%s ", explain_protocol(p->proto, name));
	print_end(out, p->src, src_port(x), ports);
	fputs(" > ", out);
	print_end(out, p->dst, dst_port(x), ports);
	print_fields(out, &x->fields);
	if (packet_is_fragment(p))
		fprintf(out, " fragment %u@%u%s", p->id, p->fragment_offset, p->more_fragments ? "+" : "");
	fprintf(out, " %zu bytes", p->len);
}

static void
print_where(FILE *out, const struct explained *x)
{
	char text[IP4_STRLEN];

	switch (x->seen) {
	case SEEN_FROM_HOST:
		fprintf(out, "from %s: ", ip4_str(x->outer_src, text));
		break;
	case SEEN_TO_HOST:
		fprintf(out, "to %s: ", ip4_str(x->outer_dst, text));
		break;
	case SEEN_FROM_PUBLIC:
		fputs("from outside: ", out);
		break;
	case SEEN_TO_PUBLIC:
		fputs("to outside: ", out);
		break;
	case SEEN_ELSEWHERE:
		break;
	}
}

static void
print_fate(FILE *out, const struct explained *x)
{
	char text[IP4_STRLEN];

	switch (x->fate) {
	case FATE_PUBLIC:
		fputs("goes out", out);
		break;
	case FATE_HOST:
		fprintf(out, "goes %sto %s", x->hairpin ? "out and in again " : "", ip4_str(x->host, text));
		break;
	case FATE_STACK:
		fputs("stays with the gateway", out);
		break;
	case FATE_ANSWERED:
		fputs("answered", out);
		break;
	case FATE_HELD:
		fputs("waits", out);
		break;
	case FATE_DROPPED:
		fprintf(out, "dropped, %s", dp_drop_name(x->reason));
		break;
	case FATE_SENT:
		fputs("sent", out);
		break;
	case FATE_NONE:
		fputs("passes by", out);
		break;
	}
}

void
packet_line_text(FILE *out, const struct timeval *time, const char *interface, const struct explained *x)
{
	print_time(out, time);
	fprintf(out, " %s%s", interface != NULL ? interface : "", interface != NULL ? " " : "");
	print_where(out, x);
	print_packet(out, x);
	fputs(": ", out);
	print_fate(out, x);
	fprintf(out, ": %s", x->why);
	if (x->released > 0)
		fprintf(out, ", and so %u %s for it", x->released, x->released == 1 ? "fragment that waited" : "fragments that waited");
	fputc('\n', out);
}

/* ---- JSON ---- */

static void
set(json_t *object, const char *member, json_t *value)
{
	json_object_set_new(object, member, value_made(value));
}

static void
set_address(json_t *object, const char *member, ip4_t addr)
{
	set(object, member, addr != 0 ? value_address(addr) : json_null());
}

static void
set_packet(json_t *object, const struct explained *x)
{
	const struct demux_key *key = &x->fields;
	char name[8];

	set(object, "protocol", json_string(explain_protocol(x->packet.proto, name)));
	set(object, "src", value_address(x->packet.src));
	set(object, "dst", value_address(x->packet.dst));
	set(object, "length", value_count(x->packet.len));
	if (has_ports(key)) {
		set(object, "src_port", value_count(src_port(x)));
		set(object, "dst_port", value_count(dst_port(x)));
	}
	if (has_spi(key))
		set(object, "spi", value_hex(key->spi, 8));
	if (key->kind == DEMUX_IKE) {
		set(object, "initiator_cookie", value_hex(key->initiator_cookie, 16));
		set(object, "responder_cookie", value_hex(key->responder_cookie, 16));
	}
	if (key->kind == DEMUX_ICMP_REQUEST || key->kind == DEMUX_ICMP_REPLY)
		set(object, "icmp_id", value_count(key->icmp_id));
	if (packet_is_fragment(&x->packet)) {
		set(object, "ip_id", value_count(x->packet.id));
		set(object, "fragment_offset", value_count(x->packet.fragment_offset));
	}
}

json_t *
packet_line_json(const struct timeval *time, const char *interface, const struct explained *x)
{
	json_t *object = value_made(json_object());

	set(object, "time", json_real((double)time->tv_sec + (double)time->tv_usec / 1e6));
	set(object, "interface", value_text(interface));
	set(object, "seen", json_string(explain_seen_name(x->seen)));
	set(object, "tunnel", x->tunnel != 0 ? json_string(rsip_tunnel_name(x->tunnel)) : json_null());
	set_address(object, "outer_src", x->outer_src);
	set_address(object, "outer_dst", x->outer_dst);
	if (x->readable)
		set_packet(object, x);
	set(object, "fate", json_string(explain_fate_name(x->fate)));
	set(object, "reason", x->fate == FATE_DROPPED ? json_string(dp_drop_name(x->reason)) : json_null());
	set_address(object, "host", x->host);
	set(object, "bind_id", x->bind_id != 0 ? value_count(x->bind_id) : json_null());
	set(object, "client_id", x->client_id != 0 ? value_count(x->client_id) : json_null());
	set(object, "hairpin", json_boolean(x->hairpin));
	set(object, "released", value_count(x->released));
	set(object, "why", value_text(x->why));
	return object;
}
