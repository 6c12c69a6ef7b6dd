#include "param.h"

#include <ctype.h>
#include <string.h>

#include "rsip_proto.h"

#define FQDN_MAX 254 /* RFC 1035 2.3.4: 255 bytes on the wire of DNS are 253 characters, and a closing dot */
#define LABEL_MAX 63

/*  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Type      |            Length             |     Value ...        RFC 3103 8; Length counts the value alone
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ */
bool
param_next(struct rbuf *r, struct param *out)
{
	out->type = rbuf_u8(r);
	out->value = rbuf_sub(r, rbuf_u16(r));
	return !r->bad;
}

void
param_write_header(struct wbuf *w, uint8_t type, size_t len)
{
	wbuf_u8(w, type);
	wbuf_u16(w, (uint16_t)len);
}

bool
param_type_known(uint8_t type)
{
	switch (type) {
#define KNOWN(name, number, text) case number:
	RSIP_PARAM_TYPES(KNOWN)
#undef KNOWN
		return true;
	default:
		return false;
	}
}

/* A fixed-size value is right at exactly its size. */
static bool
exhausted(const struct rbuf *value)
{
	return !value->bad && rbuf_left(value) == 0;
}

bool
param_read_u8(struct rbuf value, uint8_t *out)
{
	*out = rbuf_u8(&value);
	return exhausted(&value) && *out != 0; /* 0 is reserved, RFC 3103 8.6 and 8.7 */
}

bool
param_read_u16(struct rbuf value, uint16_t *out)
{
	*out = rbuf_u16(&value);
	return exhausted(&value);
}

bool
param_read_u32(struct rbuf value, uint32_t *out)
{
	*out = rbuf_u32(&value);
	return exhausted(&value);
}

bool
param_write_u8(struct wbuf *w, uint8_t type, uint8_t v)
{
	param_write_header(w, type, 1);
	wbuf_u8(w, v);
	return v != 0;
}

bool
param_write_u16(struct wbuf *w, uint8_t type, uint16_t v)
{
	param_write_header(w, type, 2);
	wbuf_u16(w, v);
	return true;
}

bool
param_write_u32(struct wbuf *w, uint8_t type, uint32_t v)
{
	param_write_header(w, type, 4);
	wbuf_u32(w, v);
	return true;
}

/* Flow policy, RFC 3103 8.9 */

static bool
flow_policy_ok(uint8_t local, uint8_t remote)
{
	return local >= RSIP_LOCAL_MACRO && local <= RSIP_LOCAL_MICRO && remote >= RSIP_REMOTE_MACRO &&
	    remote <= RSIP_REMOTE_NONE;
}

bool
param_read_flow_policy(struct rbuf value, uint8_t *local, uint8_t *remote)
{
	*local = rbuf_u8(&value);
	*remote = rbuf_u8(&value);
	return exhausted(&value) && flow_policy_ok(*local, *remote);
}

bool
param_write_flow_policy(struct wbuf *w, uint8_t local, uint8_t remote)
{
	param_write_header(w, RSIP_PARAM_FLOW_POLICY, 2);
	wbuf_u8(w, local);
	wbuf_u8(w, remote);
	return flow_policy_ok(local, remote);
}

/* Address, RFC 3103 8.1: Addrtype (1 byte), Address; without the latter it is a don't care */

/* Letters, digits, hyphens (and the underscore that real names have) in labels of 1 to 63; a closing dot may stand. */
static bool
fqdn_ok(const char *name, size_t len)
{
	size_t label = 0;

	if (len == 0 || len > FQDN_MAX || (len == FQDN_MAX && name[len - 1] != '.'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '.' ? label == 0 : !(isascii(c) && (isalnum(c) || c == '-' || c == '_')))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return true;
}

static bool
read_address_value(struct rbuf *value, struct rsip_address *out)
{
	switch (out->type) {
	case RSIP_ADDR_IPV4:
	case RSIP_ADDR_IPV4_NETMASK:
		out->ip4 = rbuf_u32(value);
		return exhausted(value);
	case RSIP_ADDR_IPV6:
		rbuf_copy(value, out->ip6, sizeof(out->ip6));
		return exhausted(value);
	case RSIP_ADDR_FQDN:
		out->fqdn_len = (uint16_t)rbuf_left(value);
		out->fqdn = (const char *)rbuf_take(value, out->fqdn_len);
		return fqdn_ok(out->fqdn, out->fqdn_len);
	default:
		return false;
	}
}

static bool
address_type_ok(uint8_t type)
{
	return type >= RSIP_ADDR_IPV4 && type <= RSIP_ADDR_FQDN; /* 0 is reserved */
}

static bool
all_zero(const struct rsip_address *address)
{
	static const uint8_t unspecified[16];

	switch (address->type) {
	case RSIP_ADDR_IPV4:
	case RSIP_ADDR_IPV4_NETMASK:
		return address->ip4 == 0;
	case RSIP_ADDR_IPV6:
		return memcmp(address->ip6, unspecified, sizeof(unspecified)) == 0;
	default:
		return false;
	}
}

bool
param_read_exact_address(struct rbuf value, struct rsip_address *out)
{
	*out = (struct rsip_address) { .type = rbuf_u8(&value) };
	return !value.bad && read_address_value(&value, out);
}

bool
param_read_address(struct rbuf value, struct rsip_address *out)
{
	if (rbuf_left(&value) == 1) {
		*out = (struct rsip_address) { .type = rbuf_u8(&value), .any = true };
		return address_type_ok(out->type);
	}
	if (!param_read_exact_address(value, out))
		return false;
	out->any = all_zero(out);
	return true;
}

bool
param_write_address(struct wbuf *w, const struct rsip_address *address)
{
	size_t len = address->any ? 0 : address->type == RSIP_ADDR_FQDN ? address->fqdn_len
	    : address->type == RSIP_ADDR_IPV6 ? sizeof(address->ip6) : sizeof(address->ip4);

	if (!address_type_ok(address->type))
		return false;
	param_write_header(w, RSIP_PARAM_ADDRESS, 1 + len);
	wbuf_u8(w, address->type);
	if (address->any)
		return true;
	if (address->type == RSIP_ADDR_FQDN) {
		wbuf_bytes(w, address->fqdn, len);
		return fqdn_ok(address->fqdn, len);
	}
	if (address->type == RSIP_ADDR_IPV6)
		wbuf_bytes(w, address->ip6, len);
	else
		wbuf_u32(w, address->ip4);
	return true;
}
