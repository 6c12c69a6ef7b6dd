#include "tshark_view.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The numbered errors are those that tshark.sh lists. */

static const char *const fields[] = {
	"rsip.message_type",
	"rsip.message_length",
	"rsip.parameter.client_id",
	"rsip.parameter.bind_id",
	"rsip.parameter.lease_time",
	"rsip.parameter.message_counter",
	"rsip.parameter.error",
	"rsip.parameter.local_flow_policy",
	"rsip.parameter.remote_flow_policy",
	"rsip.method_param.method",
	"rsip.parameter.tunnel_type",
	"rsip.parameter.address_type",
	"rsip.parameter.address",
	"rsip.parameter.netmask",
	"rsip.parameter.address.ipv6",
	"rsip.parameter.fqdn",
	"rsip.parameter.ports.number",
	"rsip.parameter.ports.port_number",
	"rsip.parameter.spi_number",
	"rsip.parameter.spi",
	"rsip.parameter.indicator",
	"rsip.parameter.vendor_specific.vendor_id",
	"rsip.parameter.vendor_specific.subtype",
	"_ws.malformed",
};

void
tshark_view_arguments(FILE *f)
{
	fputs("-T fields -E separator=; -E aggregator=, -E occurrence=a", f);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		fprintf(f, " -e %s", fields[i]);
	fputc('\n', f);
}

/* One field of the line being written: values with commas between them. */
struct list {
	FILE *f;
	size_t n;
};

static struct list
begin(FILE *f)
{
	fputc(';', f);
	return (struct list) { f, 0 };
}

static void
add(struct list *list, const char *text, size_t len)
{
	if (list->n++ > 0)
		fputc(',', list->f);
	fwrite(text, 1, len, list->f);
}

static void
add_number(struct list *list, uint32_t number)
{
	char text[16];

	add(list, text, (size_t)snprintf(text, sizeof(text), "%" PRIu32, number));
}

static void
add_hex(struct list *list, int digits, uint32_t number)
{
	char text[16];

	add(list, text, (size_t)snprintf(text, sizeof(text), "0x%0*" PRIx32, digits, number));
}

static void
print_number(FILE *f, bool has, uint32_t number)
{
	struct list list = begin(f);

	if (has)
		add_number(&list, number);
}

static void
print_bytes(FILE *f, const uint8_t *bytes, size_t n)
{
	struct list list = begin(f);

	for (size_t i = 0; i < n; i++)
		add_number(&list, bytes[i]);
}

/* Calls each for all addresses of the message in their order. */
static void
for_addresses(const struct rsip_message *m, struct list *list, void each(struct list *, const struct rsip_address *))
{
	each(list, &m->local_addr);
	each(list, &m->remote_addr);
	each(list, &m->endpoint);
	for (size_t i = 0; i < m->n_tuples; i++) {
		each(list, &m->tuples[i].addr);
		each(list, &m->tuples[i].netmask);
	}
}

static void
add_type(struct list *list, const struct rsip_address *a)
{
	if (a->type != 0)
		add_number(list, a->type);
}

static void
add_ip4(struct list *list, const struct rsip_address *a)
{
	char text[IP4_STRLEN];

	if (a->type == RSIP_ADDR_IPV4 && !a->any)
		add(list, text, strlen(ip4_str(a->ip4, text)));
}

static void
add_netmask(struct list *list, const struct rsip_address *a)
{
	char text[IP4_STRLEN];

	if (a->type == RSIP_ADDR_IPV4_NETMASK && !a->any)
		add(list, text, strlen(ip4_str(a->ip4, text)));
}

static void
add_ip6(struct list *list, const struct rsip_address *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->type == RSIP_ADDR_IPV6 && !a->any)
		add(list, text, strlen(inet_ntop(AF_INET6, a->ip6, text, sizeof(text))));
}

static void
add_fqdn(struct list *list, const struct rsip_address *a)
{
	if (a->type == RSIP_ADDR_FQDN && !a->any)
		add(list, a->fqdn, a->fqdn_len);
}

static void
print_addresses(FILE *f, const struct rsip_message *m)
{
	static void (*const columns[])(struct list *, const struct rsip_address *) = { add_type, add_ip4, add_netmask, add_ip6,
		add_fqdn };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		struct list list = begin(f);

		for_addresses(m, &list, columns[i]);
	}
}

static void
add_ports_number(struct list *list, const struct rsip_ports *ports)
{
	if (ports->form > RSIP_LIST_DONT_NEED)
		add_number(list, ports->number);
}

static void
add_ports(struct list *list, const struct rsip_ports *ports)
{
	size_t n = ports->form == RSIP_LIST_EACH ? ports->number : ports->form == RSIP_LIST_RANGE ? 1 : 0;

	for (size_t i = 0; i < n; i++)
		add_number(list, ports->port[i]);
}

static void
print_ports(FILE *f, const struct rsip_message *m)
{
	struct list list = begin(f);

	add_ports_number(&list, &m->local_ports);
	add_ports_number(&list, &m->remote_ports);
	list = begin(f);
	add_ports(&list, &m->local_ports);
	add_ports(&list, &m->remote_ports);
}

static void
print_spis(FILE *f, const struct rsip_spis *spis)
{
	print_number(f, spis->form != RSIP_LIST_ABSENT, spis->number);
	if (spis->form == RSIP_LIST_DONT_CARE) {
		fputs(";*", f); /* error 2 */
	} else {
		struct list list = begin(f);

		if (spis->form != RSIP_LIST_ABSENT)
			add_hex(&list, 8, spis->spi[0]);
	}
}

static void
print_indicators(FILE *f, const struct rsip_message *m)
{
	struct list list = begin(f);

	for (size_t i = 0; i < m->n_tuples; i++)
		add_hex(&list, 4, m->tuples[i].indicator);
}

/* The subtypes in the order in which the encoder writes them. Returns how many there are. */
static size_t
subtypes(const struct rsip_message *m, uint8_t list[6])
{
	size_t n = 0;

	if (m->has_cookie)
		list[n++] = RSIP_EXT_COOKIE_BLOCK;
	if (m->hostname_len > 0)
		list[n++] = RSIP_EXT_HOSTNAME;
	if (m->ike_listener != 0)
		list[n++] = RSIP_EXT_IKE_LISTENER;
	if (m->has_move)
		list[n++] = RSIP_EXT_MOVE;
	if (m->error_text_len > 0)
		list[n++] = RSIP_EXT_ERROR_TEXT;
	if (m->gre_key != 0)
		list[n++] = RSIP_EXT_GRE_KEY;
	if (m->auth.algorithm != 0)
		list[n++] = RSIP_EXT_AUTHENTICATION;
	return n;
}

static void
print_extensions(FILE *f, const struct rsip_message *m)
{
	uint8_t list[7];
	size_t n = subtypes(m, list);
	struct list ids = begin(f);

	for (size_t i = 0; i < n; i++)
		add_number(&ids, RSIP_VENDOR_ID_DEFAULT);
	print_bytes(f, list, n);
}

/* Does the message end with a parameter that the dissector reads too far? */
static bool
ends_with_an_error(const struct rsip_message *m)
{
	uint8_t list[7];
	size_t n = subtypes(m, list);

	if (n > 0)
		return list[n - 1] == RSIP_EXT_MOVE; /* error 1 */
	return m->spis.form == RSIP_LIST_DONT_CARE && !m->has_counter && !m->has_lease_time && m->n_tunnels == 0; /* error 2 */
}

void
tshark_view_print(FILE *f, const struct rsip_message *m, size_t len)
{
	fprintf(f, "%u;%zu", m->type, len);
	print_number(f, m->has_client_id, m->client_id);
	print_number(f, m->has_bind_id, m->bind_id);
	print_number(f, m->has_lease_time, m->lease_time);
	print_number(f, m->has_counter, m->counter);
	print_number(f, m->error != 0, m->error);
	print_number(f, m->has_flow_policy, m->local_flow);
	print_number(f, m->has_flow_policy, m->remote_flow);
	print_bytes(f, m->methods, m->n_methods);
	print_bytes(f, m->tunnels, m->n_tunnels);
	print_addresses(f, m);
	print_ports(f, m);
	print_spis(f, &m->spis);
	print_indicators(f, m);
	print_extensions(f, m);
	fputs(ends_with_an_error(m) ? ";*" : ";", f);
	fputc('\n', f);
}
