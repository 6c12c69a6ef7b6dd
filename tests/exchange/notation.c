#include "notation.h"

#include <arpa/inet.h>
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "names.h"

/* --- values --- */

static void
read_address(const char *value, struct rsip_address *out)
{
	*out = (struct rsip_address){ .type = RSIP_ADDR_IPV4 };
	if (strcmp(value, "any") == 0) {
		out->any = true;
	} else if (value[0] == '"') {
		out->type = RSIP_ADDR_FQDN;
		out->fqdn = value + 1;
		out->fqdn_len = (uint16_t)(strlen(value) - 2);
	} else if (strchr(value, ':') != NULL) {
		out->type = RSIP_ADDR_IPV6;
		ck_assert_int_eq(inet_pton(AF_INET6, value, out->ip6), 1);
	} else {
		ck_assert_msg(ip4_parse(value, &out->ip4), "no address: %s", value);
	}
}

/* any, any(4), none, 1000, 1000-1003, 1000,1004: the form, and the numbers into list. Returns how many there are. */
static unsigned
read_list(const char *value, uint8_t *form, uint32_t *list)
{
	uint32_t first, last;
	unsigned n = 0;

	*form = RSIP_LIST_DONT_CARE;
	if (strcmp(value, "any") == 0)
		return 1;
	if (sscanf(value, "any(%u)", &n) == 1)
		return n;
	*form = RSIP_LIST_DONT_NEED;
	if (strcmp(value, "none") == 0)
		return 0;
	*form = RSIP_LIST_RANGE;
	if (sscanf(value, "%" SCNi32 "-%" SCNi32, (int32_t *)&first, (int32_t *)&last) == 2) {
		list[0] = first;
		return last - first + 1;
	}
	for (const char *at = value; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL)
		list[n++] = (uint32_t)strtoul(at, NULL, 0);
	*form = n > 1 ? RSIP_LIST_EACH : RSIP_LIST_RANGE;
	return n;
}

static void
read_ports(const char *value, struct rsip_ports *out)
{
	uint32_t list[255] = { 0 };

	out->number = (uint8_t)read_list(value, &out->form, list);
	for (size_t i = 0; i < out->number; i++)
		out->port[i] = (uint16_t)list[i];
}

static void
read_spis(const char *value, struct rsip_spis *out)
{
	out->number = (uint16_t)read_list(value, &out->form, out->spi);
}

static void
read_tunnels(char *value, struct rsip_message *m)
{
	for (char *save, *word = strtok_r(value, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
		int tunnel = rsip_tunnel_parse(word);
		m->tunnels[m->n_tunnels++] = (uint8_t)(tunnel != 0 ? tunnel : atoi(word));
	}
}

static void
read_tuple(char *value, struct rsip_message *m)
{
	struct rsip_tuple *tuple = &m->tuples[m->n_tuples++];
	char *mask = strchr(value, '/');

	memset(tuple, 0, sizeof(*tuple));
	tuple->indicator = mask != NULL ? RSIP_QUERY_NETWORK : RSIP_QUERY_ADDRESS;
	if (mask != NULL) {
		*mask++ = '\0';
		read_address(mask, &tuple->netmask);
		tuple->netmask.type = RSIP_ADDR_IPV4_NETMASK;
	}
	read_address(value, &tuple->addr);
}

static void
read_pair(const char *key, char *value, struct rsip_message *m)
{
	static const struct {
		const char *key;
		size_t has, number;
	} numbers[] = {
		{ "client_id", offsetof(struct rsip_message, has_client_id), offsetof(struct rsip_message, client_id) },
		{ "bind_id", offsetof(struct rsip_message, has_bind_id), offsetof(struct rsip_message, bind_id) },
		{ "lease_time", offsetof(struct rsip_message, has_lease_time), offsetof(struct rsip_message, lease_time) },
		{ "counter", offsetof(struct rsip_message, has_counter), offsetof(struct rsip_message, counter) },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0) {
			*((bool *)m + numbers[i].has) = true;
			*(uint32_t *)(void *)((char *)m + numbers[i].number) = (uint32_t)strtoul(value, NULL, 0);
			return;
		}
	}
	if (strcmp(key, "local_address") == 0)
		read_address(value, &m->local_addr);
	else if (strcmp(key, "remote_address") == 0)
		read_address(value, &m->remote_addr);
	else if (strcmp(key, "local_ports") == 0)
		read_ports(value, &m->local_ports);
	else if (strcmp(key, "remote_ports") == 0)
		read_ports(value, &m->remote_ports);
	else if (strcmp(key, "spis") == 0)
		read_spis(value, &m->spis);
	else if (strcmp(key, "tunnels") == 0)
		read_tunnels(value, m);
	else if (strcmp(key, "address") == 0 || strcmp(key, "network") == 0)
		read_tuple(value, m);
	else if (strcmp(key, "ike_listener") == 0)
		ck_assert(ip4_parse(value, &m->ike_listener));
	else if (strcmp(key, "gre_key") == 0)
		m->gre_key = (uint32_t)strtoul(value, NULL, 0);
	else if (strcmp(key, "cookie") == 0)
		m->has_cookie = sscanf(value, "%" SCNx64 "/%" SCNx64, &m->cookie_value, &m->cookie_mask) == 2;
	else if (strcmp(key, "hostname") == 0) {
		m->hostname = value + 1;
		m->hostname_len = (uint8_t)(strlen(value) - 2);
	} else {
		ck_abort_msg("unknown key %s", key);
	}
}

static enum rsip_msg_type
type_of(const char *name)
{
	for (int type = 1; type < 256; type++) {
		if (strcmp(rsip_msg_name(type), name) == 0)
			return (enum rsip_msg_type)type;
	}
	ck_abort_msg("no message: %s", name);
	return 0;
}

size_t
notation_encode(const char *text, uint8_t *buf, size_t cap)
{
	static struct rsip_message m;
	char copy[600], *save, *word, *value;
	size_t len;

	ck_assert_uint_lt(strlen(text), sizeof(copy));
	strcpy(copy, text);
	word = strtok_r(copy, " ", &save);
	message_init(&m, type_of(word));
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		value = strchr(word, '=');
		ck_assert_msg(value != NULL, "no key=value: %s", word);
		*value++ = '\0';
		read_pair(word, value, &m);
	}
	len = message_encode(&m, buf, cap);
	ck_assert_msg(len > 0, "cannot be encoded: %s", text);
	return len;
}

/* --- variables --- */

static const char *
find(const struct notation_vars *vars, const char *name, size_t len)
{
	for (size_t i = 0; i < vars->n; i++) {
		if (strlen(vars->var[i].name) == len && strncmp(vars->var[i].name, name, len) == 0)
			return vars->var[i].value;
	}
	return NULL;
}

static size_t
name_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
}

void
notation_fill(const struct notation_vars *vars, const char *text, char *out, size_t out_size)
{
	size_t n = 0;

	while (*text != '\0') {
		if (*text != '$') {
			ck_assert_uint_lt(n + 1, out_size);
			out[n++] = *text++;
			continue;
		}
		const char *value = find(vars, text + 1, name_len(text + 1));
		ck_assert_msg(value != NULL, "no such variable: %s", text);
		ck_assert_uint_lt(n + strlen(value), out_size);
		n += (size_t)sprintf(out + n, "%s", value);
		text += 1 + name_len(text + 1);
	}
	out[n] = '\0';
}

static int
match_word(struct notation_vars *vars, const char *printed, const char *expected)
{
	const char *value = strchr(expected, '='), *got = strchr(printed, '=');

	if (value == NULL || got == NULL || (value[1] != '*' && value[1] != '$'))
		return strcmp(printed, expected) == 0;
	if (value - expected != got - printed || strncmp(printed, expected, (size_t)(value - expected)) != 0)
		return 0;
	if (value[1] == '*')
		return 1;
	const char *known = find(vars, value + 2, strlen(value + 2));
	if (known != NULL)
		return strcmp(known, got + 1) == 0;
	struct notation_var *var = &vars->var[vars->n++];
	snprintf(var->name, sizeof(var->name), "%s", value + 2);
	snprintf(var->value, sizeof(var->value), "%s", got + 1);
	return 1;
}

int
notation_match(struct notation_vars *vars, const char *printed, const char *expected)
{
	char got[2000], want[600], *save_got, *save_want, *text;

	snprintf(got, sizeof(got), "%s", printed);
	snprintf(want, sizeof(want), "%s", expected);
	text = strstr(got, " error_text=");
	if (text != NULL && strstr(want, " error_text=") == NULL)
		*text = '\0';
	char *a = strtok_r(got, " ", &save_got), *b = strtok_r(want, " ", &save_want);
	while (a != NULL && b != NULL && match_word(vars, a, b)) {
		a = strtok_r(NULL, " ", &save_got);
		b = strtok_r(NULL, " ", &save_want);
	}
	return a == NULL && b == NULL;
}
