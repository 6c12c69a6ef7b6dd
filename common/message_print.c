#include "message_print.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "names.h"

static void
print_quoted(FILE *f, const char *text, size_t len)
{
	fputc('"', f);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void
print_any(FILE *f, const struct rsip_address *a)
{
	static const char *const forms[] = {
		[RSIP_ADDR_IPV4] = "any",
		[RSIP_ADDR_IPV4_NETMASK] = "any(netmask)",
		[RSIP_ADDR_IPV6] = "any(ipv6)",
		[RSIP_ADDR_FQDN] = "any(fqdn)",
	};

	fputs(a->type <= RSIP_ADDR_FQDN ? forms[a->type] : "any(?)", f);
}

static void
print_value(FILE *f, const struct rsip_address *a)
{
	char text[INET6_ADDRSTRLEN];

	switch (a->type) {
	case RSIP_ADDR_IPV4_NETMASK:
	case RSIP_ADDR_IPV4:
		fputs(ip4_str(a->ip4, text), f);
		break;
	case RSIP_ADDR_IPV6:
		fputs(inet_ntop(AF_INET6, a->ip6, text, sizeof(text)), f);
		break;
	case RSIP_ADDR_FQDN:
		print_quoted(f, a->fqdn, a->fqdn_len);
		break;
	}
}

static void
print_address(FILE *f, const char *key, const struct rsip_address *a)
{
	if (a->type == 0)
		return;
	fprintf(f, " %s=", key);
	if (a->any) {
		print_any(f, a);
		return;
	}
	fputs(a->type == RSIP_ADDR_IPV4_NETMASK ? "netmask:" : "", f);
	print_value(f, a);
}

/* The forms without values. Returns false for the others. */
static bool
print_list_form(FILE *f, const char *key, int form, unsigned number)
{
	if (form == RSIP_LIST_ABSENT)
		return true;
	fprintf(f, " %s=", key);
	if (form == RSIP_LIST_DONT_NEED)
		fputs("none", f);
	else if (form == RSIP_LIST_DONT_CARE && number == 1)
		fputs("any", f);
	else if (form == RSIP_LIST_DONT_CARE)
		fprintf(f, "any(%u)", number);
	else
		return false;
	return true;
}

static void
print_ports(FILE *f, const char *key, const struct rsip_ports *ports)
{
	if (print_list_form(f, key, ports->form, ports->number))
		return;
	fprintf(f, "%u", ports->port[0]);
	if (ports->form == RSIP_LIST_RANGE && ports->number > 1)
		fprintf(f, "-%u", ports->port[0] + ports->number - 1u);
	for (unsigned i = 1; ports->form == RSIP_LIST_EACH && i < ports->number; i++)
		fprintf(f, ",%u", ports->port[i]);
}

static void
print_spis(FILE *f, const struct rsip_spis *spis)
{
	if (print_list_form(f, "spis", spis->form, spis->number))
		return;
	fprintf(f, "0x%08" PRIx32, spis->spi[0]);
	if (spis->form == RSIP_LIST_RANGE && spis->number > 1)
		fprintf(f, "-0x%08" PRIx32, spis->spi[0] + spis->number - 1u);
	for (unsigned i = 1; spis->form == RSIP_LIST_EACH && i < spis->number; i++)
		fprintf(f, ",0x%08" PRIx32, spis->spi[i]);
}

static void
print_id(FILE *f, const char *key, bool has, uint32_t id)
{
	if (has)
		fprintf(f, " %s=%" PRIu32, key, id);
}

static void
print_named(FILE *f, const char *name, unsigned number)
{
	if (strcmp(name, "UNKNOWN") != 0)
		fputs(name, f);
	else
		fprintf(f, "%u", number);
}

static void
print_choices(FILE *f, const char *key, const uint8_t *choices, size_t n, const char *(*name)(int))
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			fprintf(f, " %s=", key);
		else
			fputc(',', f);
		print_named(f, name(choices[i]), choices[i]);
	}
}

static void
print_flow_policy(FILE *f, const struct rsip_message *m)
{
	static const char *const names[] = { "?", "macro", "micro", "none" }; /* RFC 3103 8.9, both columns */

	if (m->has_flow_policy)
		fprintf(f, " local_flow=%s remote_flow=%s", names[m->local_flow & 3], names[m->remote_flow & 3]);
}

static void
print_error(FILE *f, uint16_t error)
{
	if (error == RSIP_OK)
		return;
	fputs(" error=", f);
	print_named(f, rsip_error_name(error), error);
}

static void
print_tuple(FILE *f, int msg_type, const struct rsip_tuple *t)
{
	static const char *const questions[] = { "?", "address", "network", "?", "?" };
	static const char *const answers[] = { "?", "local_address", "local_network", "remote_address", "remote_network" };
	const char *const *keys = msg_type == RSIP_QUERY_REQUEST ? questions : answers;

	print_address(f, keys[t->indicator <= RSIP_REMOTE_NETWORK ? t->indicator : 0], &t->addr);
	if (t->netmask.type != 0) {
		fputc('/', f);
		print_value(f, &t->netmask);
	}
}

static void
print_text(FILE *f, const char *key, const char *text, size_t len)
{
	if (len == 0)
		return;
	fprintf(f, " %s=", key);
	print_quoted(f, text, len);
}

static void
print_auth(FILE *f, const struct rsip_auth *auth)
{
	if (auth->algorithm == 0)
		return;
	print_text(f, "identity", auth->identity, auth->identity_len);
	fprintf(f, " auth_counter=%" PRIu64 " mac=", auth->counter);
	for (size_t i = 0; i < sizeof(auth->mac); i++)
		fprintf(f, "%02x", auth->mac[i]);
}

static void
print_extensions(FILE *f, const struct rsip_message *m)
{
	char text[IP4_STRLEN];

	if (m->has_cookie)
		fprintf(f, " cookie=0x%016" PRIx64 "/0x%016" PRIx64, m->cookie_value, m->cookie_mask);
	print_text(f, "hostname", m->hostname, m->hostname_len);
	if (m->ike_listener != 0)
		fprintf(f, " ike_listener=%s", ip4_str(m->ike_listener, text));
	if (m->has_move)
		fputs(" move=yes", f);
	if (m->gre_key != 0)
		fprintf(f, " gre_key=%" PRIu32, m->gre_key);
	print_text(f, "error_text", m->error_text, m->error_text_len);
	print_auth(f, &m->auth);
}

void
message_print(FILE *f, const struct rsip_message *m)
{
	fputs(rsip_msg_name(m->type), f);
	print_error(f, m->error);
	print_id(f, "client_id", m->has_client_id, m->client_id);
	print_id(f, "bind_id", m->has_bind_id, m->bind_id);
	print_address(f, "local_address", &m->local_addr);
	print_ports(f, "local_ports", &m->local_ports);
	print_address(f, "remote_address", &m->remote_addr);
	print_ports(f, "remote_ports", &m->remote_ports);
	print_spis(f, &m->spis);
	print_id(f, "lease_time", m->has_lease_time, m->lease_time);
	print_flow_policy(f, m);
	print_choices(f, "methods", m->methods, m->n_methods, rsip_method_name);
	print_choices(f, "tunnels", m->tunnels, m->n_tunnels, rsip_tunnel_name);
	print_address(f, "tunnel_endpoint", &m->endpoint);
	print_id(f, "counter", m->has_counter, m->counter);
	for (size_t i = 0; i < m->n_tuples; i++)
		print_tuple(f, m->type, &m->tuples[i]);
	print_extensions(f, m);
}

const char *
message_str(const struct rsip_message *m, char *buf, size_t cap)
{
	FILE *f = fmemopen(buf, cap, "w");

	buf[0] = '\0';
	if (f != NULL) {
		message_print(f, m);
		fclose(f); /* ends the text with NUL; when it was cut, the next line does */
		buf[cap - 1] = '\0';
	}
	return buf;
}
