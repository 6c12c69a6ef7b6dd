/* RSIP messages, RFC 3103 section 9 and RFC 3104 section 6.2: bytes to struct and back, by one grammar table.
 *
 * Decoding is about syntax only: whether the sender may ask for what it asks is the business of request.c. */
#ifndef RSIP_MESSAGE_H
#define RSIP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "param.h" /* struct rsip_address, rsip_ports, rsip_spis */
#include "rsip_proto.h"

/* RFC 3103 9.14.2 and 9.15.2: an indicator and its one or two addresses. A don't care has no meaning here: any is never
 * set, and an address or netmask of zeroes is a value. A netmask is contiguous. */
#define RSIP_TUPLE_MAX 7300 /* more than fit into the largest message */
struct rsip_tuple {
	uint16_t indicator; /* enum rsip_query_indicator in a request, enum rsip_locality in a response */
	struct rsip_address addr, netmask; /* netmask only for the network kinds */
};

/* The authentication extension. This and the other extensions are specified in extension.h, what the MAC covers in
 * authentication.h, which is also what appends it: message_encode does where auth is set, with the MAC as it is. */
#define RSIP_MAC_LEN 16
struct rsip_auth {
	uint8_t algorithm; /* 0 = parameter absent, 1 = HMAC-SHA-256 */
	uint8_t identity_len;
	const char *identity; /* borrowed like fqdn */
	uint64_t counter;
	uint8_t mac[RSIP_MAC_LEN];
	size_t mac_offset; /* set by decode and encode: where in the message the MAC's bytes are */
};

/* One message, either direction. About 600 KiB: keep it static, reset it with message_init (which does not touch the
 * large arrays), and do not copy it. What a field's has_ flag or 0 value says is absent is not encoded. */
struct rsip_message {
	uint8_t type; /* enum rsip_msg_type */
	uint8_t fault_param; /* after a failed message_decode: the type of the parameter that the error is about, 0 = none */
	bool has_client_id, has_bind_id, has_lease_time, has_counter, has_flow_policy;
	uint32_t client_id, bind_id, lease_time, counter;
	uint8_t local_flow, remote_flow; /* enum rsip_local_flow, enum rsip_remote_flow */
	uint16_t error;                  /* enum rsip_error, 0 = absent */
	struct rsip_address local_addr, remote_addr, endpoint;
	struct rsip_ports local_ports, remote_ports;
	uint8_t n_methods, n_tunnels; /* in the order of the message; none twice */
	uint8_t methods[255], tunnels[255];

	bool has_cookie, has_move;
	uint64_t cookie_value, cookie_mask; /* subtype 1 */
	ip4_t ike_listener;                 /* subtype 4, 0 = absent */
	uint32_t gre_key;                   /* subtype 7, 0 = absent */
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
 *   MISSING_PARAM, DUPLICATE_PARAM, EXTRA_PARAM, ILLEGAL_PARAM (unknown parameter type), BAD_PARAM (malformed value);
 * message_decode.c says which of two faults is told.
 * After an error *m has the type, and client_id, bind_id and counter when they can be found anywhere in the message, so
 * that the ERROR_RESPONSE can carry them (RFC 3103 9.1.1); the rest of it means nothing. Borrowed pointers in *m are
 * valid as long as bytes are. */
enum rsip_error message_decode(struct rsip_message *m, const void *bytes, size_t len);

/* Encodes *m into buf. Returns the length, or 0 when it does not fit into cap or RSIP_MESSAGE_MAX, lacks a required
 * parameter, or has a value that message_decode would refuse (a defect of the caller). Parameters come in the order of
 * RFC 3103 9, our extensions last; fields for which this type of message has no place are not looked at. Only
 * auth.mac_offset is changed in *m. */
size_t message_encode(struct rsip_message *m, void *buf, size_t cap);

/* For TCP framing: the Overall Length of the message that starts at bytes. Returns 0 when fewer than 4 bytes are
 * there, -1 when the length is below RSIP_HEADER_LEN (the stream cannot be followed any more). */
int message_frame_len(const void *bytes, size_t len);

/* The length of the message alone in a datagram of len bytes, which may go on behind it; len where it is none, or cut. */
size_t message_whole_len(const void *bytes, size_t len);

bool rsip_msg_is_request(int type);    /* sent by hosts */
int rsip_msg_response_to(int request); /* the *_RESPONSE that answers it, 0 for none */

#endif
