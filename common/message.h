/* RSIP messages, RFC 3103 section 9 and RFC 3104 section 6.2: bytes to struct and back, by one grammar table.
 *
 * Decoding is about syntax only: whether the sender may ask for what it asks is the business of request.c. */
#ifndef RSIP_MESSAGE_H
#define RSIP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "rsip_proto.h"

/* RFC 3103 8.1. type 0 means the parameter was not there. A don't care address has any set: it came with no value, or
 * with all zeroes (9.8.3); type then still says what was on the wire. */
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
	RSIP_LIST_DONT_CARE, /* number given, no values; or, for ports, the value 0 alone (RFC 3103 9.8.3) */
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

/* RFC 3103 9.14.2 and 9.15.2: an indicator and its one or two addresses. */
#define RSIP_TUPLE_MAX 7300
struct rsip_tuple {
	uint16_t indicator; /* enum rsip_query_indicator in a request, enum rsip_locality in a response */
	struct rsip_address addr, netmask; /* netmask only for the network kinds */
};

/* Vendor extensions that this suite understands (design: wire protocol). */
struct rsip_auth {
	uint8_t algorithm; /* 0 = parameter absent, 1 = HMAC-SHA-256 */
	uint8_t identity_len;
	const char *identity; /* borrowed like fqdn */
	uint64_t counter;
	uint8_t mac[16];
	size_t mac_offset; /* set by decode and encode: where in the message the MAC's bytes are */
};

/* One message, either direction. About 600 KiB: keep it static, reset it with message_init (which does not touch the
 * large arrays), and do not copy it. What a field's has_ flag or 0 value says is absent is not encoded. */
struct rsip_message {
	uint8_t type; /* enum rsip_msg_type */
	bool has_client_id, has_bind_id, has_lease_time, has_counter, has_flow_policy;
	uint32_t client_id, bind_id, lease_time, counter;
	uint8_t local_flow, remote_flow; /* enum rsip_local_flow, enum rsip_remote_flow */
	uint16_t error;                  /* enum rsip_error, 0 = absent */
	struct rsip_address local_addr, remote_addr, endpoint;
	struct rsip_ports local_ports, remote_ports;
	uint8_t n_methods, n_tunnels; /* in the order of the message */
	uint8_t methods[8], tunnels[8];

	bool has_cookie, has_move;
	uint64_t cookie_value, cookie_mask; /* subtype 1 */
	ip4_t ike_listener;                 /* subtype 4, 0 = absent */
	uint8_t hostname_len, error_text_len;
	const char *hostname, *error_text; /* subtypes 3 and 6; borrowed, not terminated */
	struct rsip_auth auth;             /* subtype 2 */

	uint16_t n_tuples;
	struct rsip_spis spis;
	struct rsip_tuple tuples[RSIP_TUPLE_MAX];
};

/* The vendor ID that carries our extensions, default RSIP_VENDOR_ID_DEFAULT. Call once at start. */
void message_set_vendor_id(uint16_t vendor_id);

/* Makes *m an empty message of that type. */
void message_init(struct rsip_message *m, enum rsip_msg_type type);

/* Decodes the one message in bytes[0..len). Bytes behind the Overall Length are ignored (one message a datagram).
 * Returns RSIP_OK, or the error number that RFC 3103 Appendix A gives to the fault:
 *   UNSUPPORTED_RSIP_VERSION, ILLEGAL_MESSAGE (unknown type), BAD_MESSAGE (cannot be cut into parameters; lengths),
 *   MISSING_PARAM, DUPLICATE_PARAM, EXTRA_PARAM, ILLEGAL_PARAM (unknown parameter type), BAD_PARAM (malformed value).
 * After an error, what was read before the fault stays in *m (type, client_id, bind_id, counter), so that the
 * ERROR_RESPONSE can carry it (RFC 3103 9.1.1). Borrowed pointers in *m are valid as long as bytes are. */
enum rsip_error message_decode(struct rsip_message *m, const void *bytes, size_t len);

/* Encodes *m into buf. Returns the length, or 0 when it does not fit into cap or RSIP_MESSAGE_MAX or lacks a required
 * parameter (a defect of the caller). Parameters come in the order of RFC 3103 9; our extensions last. */
size_t message_encode(struct rsip_message *m, void *buf, size_t cap);

/* For TCP framing: the Overall Length of the message that starts at bytes. Returns 0 when fewer than 4 bytes are
 * there, -1 when the length is below RSIP_HEADER_LEN (the stream cannot be followed any more). */
int message_frame_len(const void *bytes, size_t len);

bool rsip_msg_is_request(int type);    /* sent by hosts */
int rsip_msg_response_to(int request); /* the *_RESPONSE that answers it, 0 for none */

#endif
