#include <string.h>

#include "extension.h"
#include "grammar.h"
#include "message.h"
#include "tuple.h"

static bool
field_present(const struct rsip_message *m, enum field field)
{
	switch (field) {
	case CLIENT_ID:
		return m->has_client_id;
	case BIND_ID:
		return m->has_bind_id;
	case LEASE_TIME:
		return m->has_lease_time;
	case MESSAGE_COUNTER:
		return m->has_counter;
	case FLOW_POLICY:
		return m->has_flow_policy;
	case ERROR_NUMBER:
		return m->error != RSIP_OK;
	case LOCAL_ADDRESS:
		return m->local_addr.type != 0;
	case REMOTE_ADDRESS:
		return m->remote_addr.type != 0;
	case TUNNEL_ENDPOINT:
		return m->endpoint.type != 0;
	case LOCAL_PORTS:
		return m->local_ports.form != RSIP_LIST_ABSENT;
	case REMOTE_PORTS:
		return m->remote_ports.form != RSIP_LIST_ABSENT;
	case SPIS:
		return m->spis.form != RSIP_LIST_ABSENT;
	case TUNNEL_TYPE:
	case TUNNEL_TYPES:
		return m->n_tunnels > 0;
	case METHODS:
		return m->n_methods > 0;
	case QUESTIONS:
	case ANSWERS:
		return m->n_tuples > 0;
	case FIELD_NONE:
	case FIELD_COUNT:
		break;
	}
	return false;
}

static bool
write_choices(struct wbuf *w, uint8_t param_type, const uint8_t *choices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (memchr(choices, choices[i], i) != NULL || !param_write_u8(w, param_type, choices[i]))
			return false;
	}
	return true;
}

static bool
write_tuple(enum field field, const struct rsip_tuple *t, struct wbuf *w)
{
	bool network = tuple_is_network(field, t->indicator);

	if (!tuple_indicator_ok(field, t->indicator) || !tuple_part_ok(&t->addr, network ? TUPLE_NETWORK : TUPLE_ADDRESS))
		return false;
	if (!param_write_u16(w, RSIP_PARAM_INDICATOR, t->indicator) || !param_write_address(w, &t->addr))
		return false;
	return !network || (tuple_part_ok(&t->netmask, TUPLE_NETMASK) && param_write_address(w, &t->netmask));
}

static bool
write_tuples(enum field field, const struct rsip_message *m, struct wbuf *w)
{
	for (size_t i = 0; i < m->n_tuples; i++) {
		if (!write_tuple(field, &m->tuples[i], w))
			return false;
	}
	return true;
}

/* Writes a field that is present. Returns false for what the decoder would refuse. */
static bool
write_field(const struct rsip_message *m, enum field field, struct wbuf *w)
{
	switch (field) {
	case CLIENT_ID:
		return param_write_u32(w, RSIP_PARAM_CLIENT_ID, m->client_id);
	case BIND_ID:
		return param_write_u32(w, RSIP_PARAM_BIND_ID, m->bind_id);
	case LEASE_TIME:
		return param_write_u32(w, RSIP_PARAM_LEASE_TIME, m->lease_time);
	case MESSAGE_COUNTER:
		return param_write_u32(w, RSIP_PARAM_MESSAGE_COUNTER, m->counter);
	case FLOW_POLICY:
		return param_write_flow_policy(w, m->local_flow, m->remote_flow);
	case ERROR_NUMBER:
		return param_write_u16(w, RSIP_PARAM_ERROR, m->error);
	case LOCAL_ADDRESS:
		return param_write_address(w, &m->local_addr);
	case REMOTE_ADDRESS:
		return param_write_address(w, &m->remote_addr);
	case TUNNEL_ENDPOINT:
		return param_write_address(w, &m->endpoint);
	case LOCAL_PORTS:
		return param_write_ports(w, &m->local_ports);
	case REMOTE_PORTS:
		return param_write_ports(w, &m->remote_ports);
	case SPIS:
		return param_write_spis(w, &m->spis);
	case TUNNEL_TYPE:
		return m->n_tunnels == 1 && write_choices(w, RSIP_PARAM_TUNNEL_TYPE, m->tunnels, 1);
	case TUNNEL_TYPES:
		return write_choices(w, RSIP_PARAM_TUNNEL_TYPE, m->tunnels, m->n_tunnels);
	case METHODS:
		return write_choices(w, RSIP_PARAM_RSIP_METHOD, m->methods, m->n_methods);
	case QUESTIONS:
	case ANSWERS:
		return write_tuples(field, m, w);
	case FIELD_NONE:
	case FIELD_COUNT:
		break;
	}
	return false;
}

static bool
write_fields(const struct rsip_message *m, const struct grammar *g, struct wbuf *w)
{
	for (const enum field *f = g->required; *f != FIELD_NONE; f++) {
		if (!field_present(m, *f) || !write_field(m, *f, w))
			return false;
	}
	for (const enum field *f = g->optional; *f != FIELD_NONE; f++) {
		if (field_present(m, *f) && !write_field(m, *f, w))
			return false;
	}
	return true;
}

size_t
message_encode(struct rsip_message *m, void *buf, size_t cap)
{
	const struct grammar *g = grammar_of(m->type);
	struct wbuf w;

	if (g == NULL)
		return 0;
	wbuf_init(&w, buf, cap < RSIP_MESSAGE_MAX ? cap : RSIP_MESSAGE_MAX);
	wbuf_u8(&w, RSIP_VERSION);
	wbuf_u8(&w, m->type);
	wbuf_u16(&w, 0); /* Overall Length, known at the end */
	if (!grammar_ports_ok(g, &m->local_ports) || !grammar_ports_ok(g, &m->remote_ports))
		return 0;
	if (!write_fields(m, g, &w) || !extension_write_all(m, &w) || w.full)
		return 0;
	wbuf_patch_u16(&w, 2, (uint16_t)w.len);
	return w.len;
}
