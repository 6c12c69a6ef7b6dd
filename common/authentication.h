/* Message authentication: extension 2 of extension.h. Host and gateway share a key for each identity, a name for a host
 * wherever it is, and prove with every message that they hold it.
 *
 * The MAC is the first 16 bytes of HMAC-SHA-256 over a scope of 36 bytes and the whole message behind it:
 *
 *   "RSIP-MAC" (8)  |  kind (1)  |  zero (3)  |  host (4)  |  gateway (4)  |  MAC of the request (16)  |  message
 *
 * - Kind says who speaks and why: 1 a request of the host, 2 the gateway's response to one, 3 what a gateway says unasked
 *   (counter 0 of RFC 3103 10.1). So nothing can be reflected to its sender, nor a notice be taken for an answer.
 * - Host and gateway are the two addresses that the message travels between, as both ends see them. A message is of no use
 *   to who sends it from elsewhere, or to another gateway that knows the identity: a move (extension 5) that was overheard
 *   moves nobody to the eavesdropper. There is no translation between host and gateway, as no tunnel would survive it.
 * - The MAC of the request (zeroes but in kind 2) ties a response to the one request that it answers, as RFC 8945 5.3 does.
 * - The message is all of its bytes, header and Overall Length included, with the 16 bytes of its own MAC as zeroes. The
 *   parameter is the last of the message and the MAC the last of the parameter, so nothing stands behind what is covered.
 *
 * The counter of 8 bytes is of the kind's sender:
 * - In a request it rises strictly with each request of the identity, whatever connection, port or address it is sent from.
 *   The gateway keeps the highest that it has accepted, durable before the answer leaves, and refuses what is not above.
 *   A host begins with microseconds since 1970 and needs no memory. One whose clock was set back learns from the refusal.
 * - In a response it is the request's own. Where it is higher, the request was refused as a replay, and the counter is the
 *   lowest that the gateway would have accepted: the host asks again with that, or more.
 * - In a notice it rises strictly with each notice of the gateway, and begins with microseconds since 1970. A host takes
 *   none that is not above the last; it begins anew with each registration, whose client ID notices name.
 *
 * A datagram that is sent again is the same bytes, counter and MAC, and gets the answer that was kept (RFC 3103 10.1); only
 * what would be carried out once more is a replay. Who has heard a request can still hold it back, or deliver it once in
 * the sender's place from the sender's address. */
#ifndef RSIP_AUTHENTICATION_H
#define RSIP_AUTHENTICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "message.h" /* struct rsip_auth, RSIP_MAC_LEN */

#define AUTHENTICATION_KEY_MIN 16 /* RFC 2104 3: not shorter than the output that is used */
#define AUTHENTICATION_KEY_MAX 64 /* a longer one is hashed first, and no stronger */
#define AUTHENTICATION_IDENTITY_MAX 64

struct authentication_key { uint8_t len, bytes[AUTHENTICATION_KEY_MAX]; };

enum authentication_kind { AUTHENTICATION_REQUEST = 1, AUTHENTICATION_RESPONSE = 2, AUTHENTICATION_NOTICE = 3 };

struct authentication_scope {
	enum authentication_kind kind;
	ip4_t host_addr, gateway_addr;
	const uint8_t *request_mac; /* of RSIP_MAC_LEN bytes; only with AUTHENTICATION_RESPONSE, else NULL */
};

/* Letters, digits and any of . _ - @, at most AUTHENTICATION_IDENTITY_MAX: fit for logs, JSON and files. */
bool authentication_identity_ok(const char *name, size_t len);

/* Appends the parameter to the encoded message in message[0..len), with room for cap bytes, and corrects its Overall
 * Length. Returns the new length; 0 when it does not fit, and then the message is as it was. */
size_t authentication_append(const struct authentication_key *key, const struct authentication_scope *scope,
                             const char *identity, uint64_t counter, void *message, size_t len, size_t cap);

/* What the message at bytes[0..len) ends with; false when it is not authenticated. Says nothing about the MAC. bytes is one
 * whole message: anything behind it belongs to it no more than it does to message_decode. */
bool authentication_find(const void *bytes, size_t len, struct rsip_auth *auth);

/* Whether the message, in which authentication_find found *auth, was made with the key and in this scope. Takes as long
 * for a MAC that is nearly right as for any other. */
bool authentication_holds(const struct authentication_key *key, const struct authentication_scope *scope, const void *bytes,
                          const struct rsip_auth *auth);

/* The counter behind `last`: microseconds since 1970, or one more where that does not rise. */
uint64_t authentication_next_counter(uint64_t last);

void authentication_wipe(struct authentication_key *key);

#endif
