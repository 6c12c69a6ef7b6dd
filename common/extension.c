#include "extension.h"

#include "utf8.h"

#define AUTH_FIXED_LEN (1 + 1 + 8 + RSIP_MAC_LEN) /* algorithm, identity length, counter, MAC */

static uint16_t vendor_id = RSIP_VENDOR_ID_DEFAULT;

void
extension_set_vendor_id(uint16_t id)
{
	vendor_id = id;
}

static bool
is_assignment(int msg_type)
{
	switch (msg_type) {
	case RSIP_ASSIGN_REQUEST_RSA_IP:
	case RSIP_ASSIGN_RESPONSE_RSA_IP:
	case RSIP_ASSIGN_REQUEST_RSAP_IP:
	case RSIP_ASSIGN_RESPONSE_RSAP_IP:
	case RSIP_ASSIGN_REQUEST_RSIPSEC:
	case RSIP_ASSIGN_RESPONSE_RSIPSEC:
	case RSIP_LISTEN_REQUEST:
	case RSIP_LISTEN_RESPONSE:
		return true;
	default:
		return false;
	}
}

static bool
belongs(int subtype, int msg_type)
{
	switch (subtype) {
	case RSIP_EXT_COOKIE_BLOCK:
	case RSIP_EXT_IKE_LISTENER:
		return msg_type == RSIP_ASSIGN_REQUEST_RSIPSEC || msg_type == RSIP_ASSIGN_RESPONSE_RSIPSEC;
	case RSIP_EXT_GRE_KEY:
		return is_assignment(msg_type);
	case RSIP_EXT_AUTHENTICATION:
		return true;
	case RSIP_EXT_HOSTNAME:
		return msg_type == RSIP_REGISTER_REQUEST;
	case RSIP_EXT_MOVE:
		return msg_type == RSIP_EXTEND_REQUEST;
	case RSIP_EXT_ERROR_TEXT:
		return msg_type == RSIP_ERROR_RESPONSE;
	default:
		return false;
	}
}

bool
extension_understood(int msg_type, struct rbuf value)
{
	uint16_t vendor = rbuf_u16(&value), subtype = rbuf_u16(&value);

	return !value.bad && vendor == vendor_id && belongs(subtype, msg_type);
}

static bool
present(const struct rsip_message *m, int subtype)
{
	switch (subtype) {
	case RSIP_EXT_COOKIE_BLOCK:
		return m->has_cookie;
	case RSIP_EXT_AUTHENTICATION:
		return m->auth.algorithm != 0;
	case RSIP_EXT_HOSTNAME:
		return m->hostname_len > 0;
	case RSIP_EXT_IKE_LISTENER:
		return m->ike_listener != 0;
	case RSIP_EXT_MOVE:
		return m->has_move;
	case RSIP_EXT_ERROR_TEXT:
		return m->error_text_len > 0;
	case RSIP_EXT_GRE_KEY:
		return m->gre_key != 0;
	default:
		return false;
	}
}

static bool
cookie_ok(const struct rsip_message *m)
{
	return (m->cookie_value & ~m->cookie_mask) == 0;
}

static bool
text_ok(const char *text, size_t len)
{
	return len > 0 && len <= UINT8_MAX && utf8_printable(text, len);
}

static bool
read_text(struct rbuf *value, const char **text, uint8_t *text_len)
{
	size_t len = rbuf_left(value);
	const char *at = (const char *)rbuf_take(value, len);

	if (!text_ok(at, len))
		return false;
	*text = at;
	*text_len = (uint8_t)len;
	return true;
}

static bool
read_auth(struct rbuf *value, struct rsip_auth *auth, const uint8_t *bytes)
{
	uint8_t algorithm = rbuf_u8(value);

	auth->identity_len = rbuf_u8(value);
	auth->identity = (const char *)rbuf_take(value, auth->identity_len);
	auth->counter = rbuf_u64(value);
	auth->mac_offset = (size_t)(value->pos - bytes);
	rbuf_copy(value, auth->mac, sizeof(auth->mac));
	auth->algorithm = algorithm;
	return algorithm == RSIP_AUTH_HMAC_SHA_256;
}

/* Reads the value of one subtype; false when there is too little of it or it contradicts itself. */
static bool
read_value(struct rsip_message *m, int subtype, struct rbuf *value, const uint8_t *bytes)
{
	switch (subtype) {
	case RSIP_EXT_COOKIE_BLOCK:
		m->has_cookie = true;
		m->cookie_value = rbuf_u64(value);
		m->cookie_mask = rbuf_u64(value);
		return cookie_ok(m);
	case RSIP_EXT_AUTHENTICATION:
		return read_auth(value, &m->auth, bytes);
	case RSIP_EXT_HOSTNAME:
		return read_text(value, &m->hostname, &m->hostname_len);
	case RSIP_EXT_IKE_LISTENER:
		m->ike_listener = rbuf_u32(value);
		return m->ike_listener != 0;
	case RSIP_EXT_MOVE:
		m->has_move = true;
		return true;
	case RSIP_EXT_ERROR_TEXT:
		return read_text(value, &m->error_text, &m->error_text_len);
	case RSIP_EXT_GRE_KEY:
		m->gre_key = rbuf_u32(value);
		return m->gre_key != 0;
	default:
		return false;
	}
}

enum rsip_error
extension_read(struct rsip_message *m, struct rbuf value, const void *bytes)
{
	int subtype;

	rbuf_u16(&value); /* vendor ID: ours */
	subtype = rbuf_u16(&value);
	if (present(m, subtype))
		return RSIP_DUPLICATE_PARAM;
	if (!read_value(m, subtype, &value, bytes) || value.bad || rbuf_left(&value) > 0)
		return RSIP_BAD_PARAM;
	return RSIP_OK;
}

static void
write_header(struct wbuf *w, int subtype, size_t len)
{
	param_write_header(w, RSIP_PARAM_VENDOR, 4 + len);
	wbuf_u16(w, vendor_id);
	wbuf_u16(w, (uint16_t)subtype);
}

static bool
write_text(struct wbuf *w, int subtype, const char *text, size_t len)
{
	write_header(w, subtype, len);
	wbuf_bytes(w, text, len);
	return text_ok(text, len);
}

static bool
write_auth(struct wbuf *w, struct rsip_auth *auth)
{
	write_header(w, RSIP_EXT_AUTHENTICATION, AUTH_FIXED_LEN + auth->identity_len);
	wbuf_u8(w, auth->algorithm);
	wbuf_u8(w, auth->identity_len);
	wbuf_bytes(w, auth->identity, auth->identity_len);
	wbuf_u64(w, auth->counter);
	auth->mac_offset = w->len;
	wbuf_bytes(w, auth->mac, sizeof(auth->mac));
	return auth->algorithm == RSIP_AUTH_HMAC_SHA_256;
}

static bool
write_one(struct rsip_message *m, int subtype, struct wbuf *w)
{
	switch (subtype) {
	case RSIP_EXT_COOKIE_BLOCK:
		write_header(w, subtype, 16);
		wbuf_u64(w, m->cookie_value);
		wbuf_u64(w, m->cookie_mask);
		return cookie_ok(m);
	case RSIP_EXT_AUTHENTICATION:
		return write_auth(w, &m->auth);
	case RSIP_EXT_HOSTNAME:
		return write_text(w, subtype, m->hostname, m->hostname_len);
	case RSIP_EXT_IKE_LISTENER:
		write_header(w, subtype, 4);
		wbuf_u32(w, m->ike_listener);
		return true;
	case RSIP_EXT_MOVE:
		write_header(w, subtype, 0);
		return true;
	case RSIP_EXT_ERROR_TEXT:
		return write_text(w, subtype, m->error_text, m->error_text_len);
	case RSIP_EXT_GRE_KEY:
		write_header(w, subtype, 4);
		wbuf_u32(w, m->gre_key);
		return true;
	default:
		return false;
	}
}

bool
extension_write_all(struct rsip_message *m, struct wbuf *w)
{
	static const uint8_t order[] = { RSIP_EXT_COOKIE_BLOCK, RSIP_EXT_HOSTNAME, RSIP_EXT_IKE_LISTENER, RSIP_EXT_MOVE,
		RSIP_EXT_ERROR_TEXT, RSIP_EXT_GRE_KEY, RSIP_EXT_AUTHENTICATION };

	for (size_t i = 0; i < sizeof(order); i++) {
		if (present(m, order[i]) && belongs(order[i], m->type) && !write_one(m, order[i], w))
			return false;
	}
	return true;
}

/* The last of the message's parameters. False when they cannot be told apart. */
static bool
last_param(const uint8_t *bytes, size_t len, struct param *p)
{
	struct rbuf r;
	uint16_t overall;

	rbuf_init(&r, bytes, len);
	rbuf_u16(&r); /* version, type */
	overall = rbuf_u16(&r);
	if (r.bad || overall != len)
		return false;
	*p = (struct param){ 0 };
	while (rbuf_left(&r) > 0 && param_next(&r, p))
		;
	return !r.bad && p->type == RSIP_PARAM_VENDOR;
}

bool
extension_find_auth(const void *bytes, size_t len, struct rsip_auth *auth)
{
	struct param p;

	*auth = (struct rsip_auth){ 0 };
	if (!last_param(bytes, len, &p) || rbuf_u16(&p.value) != vendor_id ||
	    rbuf_u16(&p.value) != RSIP_EXT_AUTHENTICATION)
		return false;
	return read_auth(&p.value, auth, bytes) && !p.value.bad && rbuf_left(&p.value) == 0;
}

bool
extension_write_auth(struct wbuf *w, struct rsip_auth *auth)
{
	return write_auth(w, auth);
}
