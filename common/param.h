/* The values of parameters, RFC 3103 section 8 and RFC 3104 section 6.2: bytes to struct and back, one parameter at a
 * time. Which parameter may stand where is the business of grammar.c and message.c.
 *
 * A reader gets the value alone (param_next has cut it out) and returns false when it is malformed, which the caller
 * reports as BAD_PARAM: a wrong length, a reserved number, or a content that contradicts itself. A writer appends the
 * whole parameter and returns false, having written nothing of use, for what a reader would refuse: both ask the same
 * check. What is malformed:
 *
 *   Address          type 0 or above 4; a length other than 1, 5 (IPv4, netmask), 17 (IPv6); an FQDN that is not one
 *   Ports            number 0; as many values as neither 1 nor number; a range past 65535; port 0 beside others; a twin
 *   SPI              number 0; as many values as neither 1 nor number; a range past 2^32 - 1; a twin
 *   all others       a length other than the RFC's; tunnel type, RSIP method, error 0; a flow policy without meaning
 *
 * A number that is merely unassigned (tunnel type 9) is well-formed: the receiver says whether it supports it. */
#ifndef RSIP_PARAM_H
#define RSIP_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"

/* RFC 3103 8.1. type 0 means the parameter was not there. A don't care address has any set: it came with no value, or
 * with all zeroes (9.8.3); type then still says what was on the wire, and the value is not looked at. */
struct rsip_address {
	uint8_t type; /* enum rsip_addr_type, 0 = absent */
	bool any;
	uint16_t fqdn_len;
	union {
		ip4_t ip4; /* IPv4 or netmask, host byte order */
		uint8_t ip6[16];
		const char *fqdn; /* not terminated; borrowed from the bytes decoded, or from the caller when encoding */
	};
};

enum rsip_list_form {
	RSIP_LIST_ABSENT = 0,
	RSIP_LIST_DONT_NEED, /* ports only, RFC 3104 6.2: length 0 */
	RSIP_LIST_DONT_CARE, /* number given, no values; or, for ports, nothing but port 0 (RFC 3103 9.8.3) */
	RSIP_LIST_RANGE,     /* number values, contiguous from the first; also one single value */
	RSIP_LIST_EACH,      /* number values, each written out; number > 1 */
};

/* RFC 3103 8.2. */
struct rsip_ports {
	uint8_t form; /* enum rsip_list_form */
	uint8_t number;
	uint16_t port[255]; /* one value when form is RANGE, number values when it is EACH */
};

/* RFC 3104 6.2. */
#define RSIP_SPI_LIST_MAX 16380 /* what fits into the largest message */
struct rsip_spis {
	uint8_t form; /* enum rsip_list_form, never DONT_NEED */
	uint16_t number;
	uint32_t spi[RSIP_SPI_LIST_MAX];
};

/* One parameter, cut out of a message. */
struct param {
	uint8_t type;
	struct rbuf value;
};

/* Cuts the next parameter off r. Returns false when r ends inside of it: the message has no sound shape. */
bool param_next(struct rbuf *r, struct param *out);

/* True for the types of RFC 3103 8 and RFC 3104 6.2, vendor-specific included. */
bool param_type_known(uint8_t type);

bool param_read_u8(struct rbuf value, uint8_t *out); /* tunnel type, RSIP method: never 0 */
bool param_read_u16(struct rbuf value, uint16_t *out);
bool param_read_u32(struct rbuf value, uint32_t *out);
bool param_read_flow_policy(struct rbuf value, uint8_t *local, uint8_t *remote);
bool param_read_address(struct rbuf value, struct rsip_address *out);
/* As param_read_address where a don't care has no meaning: refuses the empty form, takes all zeroes as a value. */
bool param_read_exact_address(struct rbuf value, struct rsip_address *out);
bool param_read_ports(struct rbuf value, struct rsip_ports *out);
bool param_read_spis(struct rbuf value, struct rsip_spis *out);

/* The type and the length of the value that follows; the others below write a whole parameter. */
void param_write_header(struct wbuf *w, uint8_t type, size_t len);

bool param_write_u8(struct wbuf *w, uint8_t type, uint8_t v);
bool param_write_u16(struct wbuf *w, uint8_t type, uint16_t v);
bool param_write_u32(struct wbuf *w, uint8_t type, uint32_t v);
bool param_write_flow_policy(struct wbuf *w, uint8_t local, uint8_t remote);
bool param_write_address(struct wbuf *w, const struct rsip_address *address);
bool param_write_ports(struct wbuf *w, const struct rsip_ports *ports);
bool param_write_spis(struct wbuf *w, const struct rsip_spis *spis);

#endif
