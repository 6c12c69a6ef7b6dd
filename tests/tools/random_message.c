#include "random_message.h"

#include <stdlib.h>
#include <string.h>

#include "grammar.h"

#define NAMES_MAX (RSIP_TUPLE_MAX + 8)

static char names[NAMES_MAX][32];
static size_t n_names;
static char texts[3][256];

static unsigned
below(unsigned n)
{
	return (unsigned)random() % n;
}

static bool
coin(void)
{
	return below(2) == 1;
}

/* 32 bits, with the ends of the range more often than chance has them. */
static uint32_t
number(void)
{
	switch (below(8)) {
	case 0:
		return below(4);
	case 1:
		return UINT32_MAX - below(4);
	default:
		return (uint32_t)random() << 16 ^ (uint32_t)random();
	}
}

static void
fill(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)random();
}

static void
make_name(struct rsip_address *a)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char *name = names[n_names++ % NAMES_MAX];
	unsigned len = 1 + below(31);

	for (unsigned i = 0; i < len; i++)
		name[i] = i % 4 == 3 && coin() ? '.' : letters[below(sizeof(letters) - 1)];
	a->fqdn = name;
	a->fqdn_len = (uint16_t)len;
}

static struct rsip_address
make_value(enum rsip_addr_type type)
{
	struct rsip_address a = { .type = (uint8_t)type };

	if (type == RSIP_ADDR_FQDN) {
		make_name(&a);
	} else if (type == RSIP_ADDR_IPV6) {
		fill(a.ip6, sizeof(a.ip6));
		a.ip6[0] |= 0x20; /* all zeroes would be a don't care */
	} else {
		a.ip4 = number() | 1;
	}
	return a;
}

static struct rsip_address
make_address(void)
{
	enum rsip_addr_type type = below(4) > 0 ? RSIP_ADDR_IPV4 : RSIP_ADDR_IPV4 + below(4);

	if (below(4) == 0)
		return (struct rsip_address) { .type = (uint8_t)type, .any = true };
	return make_value(type);
}

static void
make_ports(struct rsip_ports *ports, bool unneeded)
{
	ports->form = (uint8_t)(unneeded && coin() ? RSIP_LIST_DONT_NEED : RSIP_LIST_DONT_CARE + below(3));
	ports->number = (uint8_t)(coin() ? 1 + below(4) : 1 + below(255));
	if (ports->form == RSIP_LIST_DONT_NEED) {
		ports->number = 0;
	} else if (ports->form == RSIP_LIST_RANGE) {
		ports->port[0] = (uint16_t)(1 + below(65536u - ports->number));
	} else if (ports->form == RSIP_LIST_EACH) {
		ports->number = (uint8_t)(ports->number < 2 ? 2 : ports->number);
		for (unsigned i = 0, step = 1 + below(257); i < ports->number; i++)
			ports->port[i] = (uint16_t)((i + 1) * step); /* at most 255 * 257 = 65535, and no twins */
	}
}

static void
make_spis(struct rsip_spis *spis)
{
	spis->form = (uint8_t)(RSIP_LIST_DONT_CARE + below(3));
	spis->number = (uint16_t)(coin() ? 1 + below(16) : 1 + below(65535));
	if (spis->form == RSIP_LIST_RANGE) {
		spis->spi[0] = number();
		if (spis->spi[0] > UINT32_MAX - (spis->number - 1u))
			spis->spi[0] = UINT32_MAX - (spis->number - 1u);
	} else if (spis->form == RSIP_LIST_EACH) {
		spis->number = (uint16_t)(2 + below(coin() ? 30 : 16000));
		for (uint32_t i = 0, start = number(), step = 1 + below(200000); i < spis->number; i++)
			spis->spi[i] = start + i * step;
	}
}

/* Several different numbers, none of them 0. */
static void
make_choices(uint8_t *n, uint8_t choices[255], unsigned most)
{
	unsigned first = below(255), step = 1 + below(2); /* steps of 1 and 2 do not repeat within 127 of 255 */

	*n = (uint8_t)(1 + below(most));
	for (unsigned i = 0; i < *n; i++)
		choices[i] = (uint8_t)(1 + (first + i * step) % 255);
}

static void
make_tuples(struct rsip_message *m, enum field field)
{
	m->n_tuples = (uint16_t)(coin() ? 1 + below(4) : 1 + below(1200));
	for (unsigned i = 0; i < m->n_tuples; i++) {
		struct rsip_tuple *t = &m->tuples[i];
		bool network;

		t->indicator = (uint16_t)(1 + below(field == QUESTIONS ? 2 : 4));
		network = t->indicator % 2 == 0;
		t->netmask = (struct rsip_address) { 0 };
		if (network) {
			t->addr = (struct rsip_address) { .type = RSIP_ADDR_IPV4, .ip4 = number() };
			t->netmask = (struct rsip_address) { .type = RSIP_ADDR_IPV4_NETMASK, .ip4 = ip4_mask((uint8_t)below(33)) };
		} else {
			t->addr = make_value(coin() ? RSIP_ADDR_IPV4 : coin() ? RSIP_ADDR_IPV6 : RSIP_ADDR_FQDN);
		}
	}
}

static void
make_number(bool *has, uint32_t *value)
{
	*has = true;
	*value = number();
}

static void
make_field(struct rsip_message *m, const struct grammar *g, enum field field)
{
	switch (field) {
	case CLIENT_ID:
		make_number(&m->has_client_id, &m->client_id);
		break;
	case BIND_ID:
		make_number(&m->has_bind_id, &m->bind_id);
		break;
	case LEASE_TIME:
		make_number(&m->has_lease_time, &m->lease_time);
		break;
	case MESSAGE_COUNTER:
		make_number(&m->has_counter, &m->counter);
		break;
	case FLOW_POLICY:
		m->has_flow_policy = true;
		m->local_flow = (uint8_t)(1 + below(2));
		m->remote_flow = (uint8_t)(1 + below(3));
		break;
	case ERROR_NUMBER:
		m->error = (uint16_t)(1 + below(65535));
		break;
	case LOCAL_ADDRESS:
		m->local_addr = make_address();
		break;
	case REMOTE_ADDRESS:
		m->remote_addr = make_address();
		break;
	case TUNNEL_ENDPOINT:
		m->endpoint = make_address();
		break;
	case LOCAL_PORTS:
		make_ports(&m->local_ports, g->ports_unneeded);
		break;
	case REMOTE_PORTS:
		make_ports(&m->remote_ports, g->ports_unneeded);
		break;
	case SPIS:
		make_spis(&m->spis);
		break;
	case TUNNEL_TYPE:
		make_choices(&m->n_tunnels, m->tunnels, 1);
		break;
	case TUNNEL_TYPES:
		make_choices(&m->n_tunnels, m->tunnels, 100);
		break;
	case METHODS:
		make_choices(&m->n_methods, m->methods, 100);
		break;
	case QUESTIONS:
	case ANSWERS:
		make_tuples(m, field);
		break;
	case FIELD_NONE:
	case FIELD_COUNT:
		abort();
	}
}

static const char *
make_text(char text[256], uint8_t *len)
{
	static const char *const characters[] = { "a", "Z", "0", " ", "\"", "\\", "=", "ü", "€", "🚀" };
	size_t n = 0, most = 1 + below(252);

	while (n < most) {
		const char *c = characters[below(10)];

		memcpy(text + n, c, strlen(c));
		n += strlen(c);
	}
	*len = (uint8_t)n;
	return text;
}

static bool
assigns(uint8_t type)
{
	return (type >= RSIP_ASSIGN_REQUEST_RSA_IP && type <= RSIP_ASSIGN_RESPONSE_RSAP_IP) || type == RSIP_LISTEN_REQUEST ||
	       type == RSIP_LISTEN_RESPONSE || type >= RSIP_ASSIGN_REQUEST_RSIPSEC;
}

/* All extensions in any message; the encoder picks those that belong. */
static void
make_extensions(struct rsip_message *m)
{
	m->has_cookie = m->type >= RSIP_ASSIGN_REQUEST_RSIPSEC && coin();
	m->cookie_mask = (uint64_t)number() << 32 | number();
	m->cookie_value = ((uint64_t)number() << 32 | number()) & m->cookie_mask;
	if (m->type >= RSIP_ASSIGN_REQUEST_RSIPSEC && coin())
		m->ike_listener = number() | 1;
	if (m->type == RSIP_REGISTER_REQUEST && coin())
		m->hostname = make_text(texts[0], &m->hostname_len);
	if (m->type == RSIP_ERROR_RESPONSE && coin())
		m->error_text = make_text(texts[1], &m->error_text_len);
	if (assigns(m->type) && coin())
		m->gre_key = number() | 1;
	m->has_move = m->type == RSIP_EXTEND_REQUEST && coin();
	if (coin()) {
		m->auth.algorithm = 1;
		m->auth.identity_len = (uint8_t)below(256);
		fill((uint8_t *)texts[2], m->auth.identity_len);
		m->auth.identity = texts[2];
		m->auth.counter = (uint64_t)number() << 32 | number();
		fill(m->auth.mac, sizeof(m->auth.mac));
	}
}

void
random_message(struct rsip_message *m, unsigned seed)
{
#define TYPE(name, number, text) number,
	static const uint8_t types[] = { RSIP_MSG_TYPES(TYPE) };
#undef TYPE
	const struct grammar *g;

	srandom(seed);
	message_init(m, types[below(sizeof(types))]);
	g = grammar_of(m->type);
	for (const enum field *f = g->required; *f != FIELD_NONE; f++)
		make_field(m, g, *f);
	for (const enum field *f = g->optional; *f != FIELD_NONE; f++) {
		if (coin())
			make_field(m, g, *f);
	}
	if (coin())
		make_extensions(m);
}
