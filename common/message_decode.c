#include <string.h>

#include "extension.h"
#include "grammar.h"
#include "message.h"
#include "tuple.h"

/* Which error a faulty message gets.
 *
 * First the message as a whole, in this order: fewer bytes than a header are BAD_MESSAGE; a version other than ours is
 * UNSUPPORTED_RSIP_VERSION; an unknown type ILLEGAL_MESSAGE; an Overall Length that does not hold the header or is more
 * than there are bytes, and parameters that do not end exactly where the message ends, BAD_MESSAGE.
 *
 * Then the first fault in the order of the parameters. For one parameter: an unknown type is ILLEGAL_PARAM; a type that
 * this message has no use for EXTRA_PARAM, and so is whatever stands behind our authentication; one that was there
 * before as often as allowed DUPLICATE_PARAM; one that stands where a required one must be MISSING_PARAM; a malformed
 * value BAD_PARAM. At the end, a required parameter that did not come is MISSING_PARAM.
 *
 * So that the error can be answered, client ID, bind ID and counter are looked up before all this wherever they stand,
 * as far as the message can be cut into parameters. Nothing is read from a message of another version. */

struct decoder {
	struct rsip_message *m;
	const struct grammar *g;
	const uint8_t *bytes;
	struct rbuf rest;       /* the parameters that have not been read */
	bool seen[FIELD_COUNT]; /* the fields that have */
	uint8_t in_tuple;       /* the type of the parameter inside of a tuple that is at fault, 0 = none */
};

static enum rsip_error
bad_unless(bool good)
{
	return good ? RSIP_OK : RSIP_BAD_PARAM;
}

static bool
read_id(struct rbuf value, bool *has, uint32_t *id)
{
	*has = param_read_u32(value, id);
	return *has;
}

/* Adds one more tunnel type or method; the same one twice says nothing and is a duplicate. */
static enum rsip_error
read_choice(struct rbuf value, uint8_t *n, uint8_t choices[255])
{
	uint8_t choice;

	if (!param_read_u8(value, &choice))
		return RSIP_BAD_PARAM;
	if (memchr(choices, choice, *n) != NULL)
		return RSIP_DUPLICATE_PARAM;
	choices[(*n)++] = choice; /* there are no more than 255 different ones, 0 being malformed */
	return RSIP_OK;
}

static bool
read_ports(const struct decoder *d, struct rbuf value, struct rsip_ports *ports)
{
	return param_read_ports(value, ports) && grammar_ports_ok(d->g, ports);
}

/* Cuts the next parameter that means anything to us. Returns false when there is none. */
static bool
next_param(struct decoder *d, struct param *p)
{
	while (rbuf_left(&d->rest) > 0 && param_next(&d->rest, p)) {
		if (p->type != RSIP_PARAM_VENDOR || extension_understood(d->m->type, p->value) || d->m->auth.algorithm != 0)
			return true;
	}
	return false;
}

/* The first required field that has not been read; FIELD_NONE ends the list. */
static const enum field *
next_required(const struct decoder *d)
{
	const enum field *f = d->g->required;

	while (*f != FIELD_NONE && d->seen[*f])
		f++;
	return f;
}

static bool
can_take(const struct decoder *d, enum field field, uint8_t type)
{
	return field_param_type(field) == type && (!d->seen[field] || field_repeats(field));
}

/* The field that a parameter of that type is, by what has been read before it; FIELD_NONE when it cannot stand here. */
static enum field
place(const struct decoder *d, uint8_t type)
{
	const enum field *f = next_required(d);

	if (*f != FIELD_NONE) {
		if (can_take(d, *f, type))
			return *f;
		if (d->g->last_two_swap && f[1] != FIELD_NONE && f[2] == FIELD_NONE && can_take(d, f[1], type))
			return f[1];
		return FIELD_NONE;
	}
	for (f = d->g->optional; *f != FIELD_NONE; f++) {
		if (can_take(d, *f, type))
			break;
	}
	return *f;
}

/* Why a parameter of a known type cannot stand where it stands. */
static enum rsip_error
misplaced(const struct decoder *d, uint8_t type)
{
	const enum field *lists[] = { d->g->required, d->g->optional };

	if (!grammar_has(d->g, type))
		return RSIP_EXTRA_PARAM;
	for (size_t i = 0; i < 2; i++) {
		for (const enum field *f = lists[i]; *f != FIELD_NONE; f++) {
			if (can_take(d, *f, type))
				return RSIP_MISSING_PARAM; /* it would be welcome, but something else must come first */
		}
	}
	return RSIP_DUPLICATE_PARAM;
}

static enum rsip_error
read_tuple_address(struct decoder *d, enum tuple_part part, struct rsip_address *out)
{
	enum rsip_error err;
	struct param p;

	d->in_tuple = RSIP_PARAM_ADDRESS;
	if (!next_param(d, &p))
		return RSIP_MISSING_PARAM;
	if (p.type != RSIP_PARAM_ADDRESS) {
		err = param_type_known(p.type) ? misplaced(d, p.type) : RSIP_ILLEGAL_PARAM;
		if (err != RSIP_MISSING_PARAM)
			d->in_tuple = p.type;
		return err;
	}
	return bad_unless(param_read_exact_address(p.value, out) && tuple_part_ok(out, part));
}

/* A tuple is an indicator and the address or two that follow it at once. */
static enum rsip_error
read_tuple(struct decoder *d, enum field field, struct rbuf indicator)
{
	struct rsip_message *m = d->m;
	struct rsip_tuple *t = &m->tuples[m->n_tuples];
	enum rsip_error err;

	if (m->n_tuples == RSIP_TUPLE_MAX || !param_read_u16(indicator, &t->indicator) ||
	    !tuple_indicator_ok(field, t->indicator))
		return RSIP_BAD_PARAM;
	t->netmask.type = 0;
	if (tuple_is_network(field, t->indicator)) {
		err = read_tuple_address(d, TUPLE_NETWORK, &t->addr);
		if (err == RSIP_OK)
			err = read_tuple_address(d, TUPLE_NETMASK, &t->netmask);
	} else {
		err = read_tuple_address(d, TUPLE_ADDRESS, &t->addr);
	}
	if (err == RSIP_OK) {
		m->n_tuples++;
		d->in_tuple = 0;
	}
	return err;
}

static enum rsip_error
read_field(struct decoder *d, enum field field, struct rbuf value)
{
	struct rsip_message *m = d->m;

	switch (field) {
	case CLIENT_ID:
		return bad_unless(read_id(value, &m->has_client_id, &m->client_id));
	case BIND_ID:
		return bad_unless(read_id(value, &m->has_bind_id, &m->bind_id));
	case LEASE_TIME:
		return bad_unless(read_id(value, &m->has_lease_time, &m->lease_time));
	case MESSAGE_COUNTER:
		return bad_unless(read_id(value, &m->has_counter, &m->counter));
	case FLOW_POLICY:
		m->has_flow_policy = true;
		return bad_unless(param_read_flow_policy(value, &m->local_flow, &m->remote_flow));
	case ERROR_NUMBER:
		return bad_unless(param_read_u16(value, &m->error) && m->error != RSIP_OK);
	case LOCAL_ADDRESS:
		return bad_unless(param_read_address(value, &m->local_addr));
	case REMOTE_ADDRESS:
		return bad_unless(param_read_address(value, &m->remote_addr));
	case TUNNEL_ENDPOINT:
		return bad_unless(param_read_address(value, &m->endpoint));
	case LOCAL_PORTS:
		return bad_unless(read_ports(d, value, &m->local_ports));
	case REMOTE_PORTS:
		return bad_unless(read_ports(d, value, &m->remote_ports));
	case SPIS:
		return bad_unless(param_read_spis(value, &m->spis));
	case TUNNEL_TYPE:
	case TUNNEL_TYPES:
		return read_choice(value, &m->n_tunnels, m->tunnels);
	case METHODS:
		return read_choice(value, &m->n_methods, m->methods);
	case QUESTIONS:
	case ANSWERS:
		return read_tuple(d, field, value);
	case FIELD_NONE:
	case FIELD_COUNT:
		break;
	}
	return RSIP_INTERNAL_SERVER_ERROR;
}

static enum rsip_error
read_param(struct decoder *d, const struct param *p)
{
	enum field field;

	if (!param_type_known(p->type))
		return RSIP_ILLEGAL_PARAM;
	if (d->m->auth.algorithm != 0)
		return RSIP_EXTRA_PARAM; /* the MAC does not cover it */
	if (p->type == RSIP_PARAM_VENDOR)
		return *next_required(d) != FIELD_NONE ? RSIP_MISSING_PARAM : extension_read(d->m, p->value, d->bytes);
	field = place(d, p->type);
	if (field == FIELD_NONE)
		return misplaced(d, p->type);
	d->seen[field] = true;
	return read_field(d, field, p->value);
}

/* Looks up what an ERROR_RESPONSE repeats. Returns false when the bytes cannot be cut into parameters. */
static bool
find_ids(struct rsip_message *m, struct rbuf r)
{
	struct param p;

	while (rbuf_left(&r) > 0 && param_next(&r, &p)) {
		if (p.type == RSIP_PARAM_CLIENT_ID && !m->has_client_id)
			read_id(p.value, &m->has_client_id, &m->client_id);
		else if (p.type == RSIP_PARAM_BIND_ID && !m->has_bind_id)
			read_id(p.value, &m->has_bind_id, &m->bind_id);
		else if (p.type == RSIP_PARAM_MESSAGE_COUNTER && !m->has_counter)
			read_id(p.value, &m->has_counter, &m->counter);
	}
	return !r.bad;
}

/* Reads the header and sets d->g and d->rest. */
static enum rsip_error
read_header(struct decoder *d, size_t len)
{
	struct rbuf r;
	uint8_t version;
	uint16_t overall;
	bool sound;

	rbuf_init(&r, d->bytes, len);
	version = rbuf_u8(&r);
	d->m->type = rbuf_u8(&r);
	overall = rbuf_u16(&r);
	if (r.bad)
		return RSIP_BAD_MESSAGE;
	if (version != RSIP_VERSION)
		return RSIP_UNSUPPORTED_RSIP_VERSION;
	sound = overall >= RSIP_HEADER_LEN && overall <= len;
	d->rest = sound ? rbuf_sub(&r, overall - RSIP_HEADER_LEN) : r;
	sound &= find_ids(d->m, d->rest);
	d->g = grammar_of(d->m->type);
	if (d->g == NULL)
		return RSIP_ILLEGAL_MESSAGE;
	return sound ? RSIP_OK : RSIP_BAD_MESSAGE;
}

/* The parameter that a person should look at: the one that is missed, or the last one that was read. */
static uint8_t
fault_of(const struct decoder *d, const struct param *last, enum rsip_error err)
{
	if (err == RSIP_OK)
		return 0;
	if (d->in_tuple != 0)
		return d->in_tuple;
	return err == RSIP_MISSING_PARAM && *next_required(d) != FIELD_NONE ? field_param_type(*next_required(d)) : last->type;
}

enum rsip_error
message_decode(struct rsip_message *m, const void *bytes, size_t len)
{
	struct decoder d = { .m = m, .bytes = bytes };
	enum rsip_error err;
	struct param p = { 0 };

	message_init(m, 0);
	if ((err = read_header(&d, len)) != RSIP_OK)
		return err;
	while (err == RSIP_OK && next_param(&d, &p))
		err = read_param(&d, &p);
	if (err == RSIP_OK && *next_required(&d) != FIELD_NONE)
		err = RSIP_MISSING_PARAM;
	m->fault_param = fault_of(&d, &p, err);
	return err;
}
