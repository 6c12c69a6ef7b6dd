/* Our extensions, carried in the vendor-specific parameter (RFC 3103 8.12):
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 12   |            Length             |    Vendor ID  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Vendor ID  |            Subtype            |    Value...
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *   subtype            value                                                          belongs into
 *   1 cookie block     value (8), mask (8); the value has no bit outside of the mask  ASSIGN_*_RSIPSEC
 *   2 authentication   algorithm (1), identity length (1), identity, counter (8),     any message, as its last
 *                      MAC (16)                                                       parameter
 *   3 hostname         1 to 255 bytes of text                                         REGISTER_REQUEST
 *   4 IKE listener     peer address (4), not 0                                        ASSIGN_*_RSIPSEC
 *   5 move             none                                                           EXTEND_REQUEST
 *   6 error text       1 to 255 bytes of text                                         ERROR_RESPONSE
 *   7 GRE key          key (4), not 0                                                 ASSIGN_*, LISTEN_*
 *
 * A host that can put keys into GRE packets (RFC 2890) names the one that it wants in both directions; a gateway that
 * agrees, and chooses GRE, says the same key in its response. Without one in the response the tunnel has no key.
 *
 * Text is UTF-8 without control characters, so that it can be stored, put into JSON and shown as it is. A parameter of
 * another vendor, of another subtype, too short for a vendor ID and a subtype, or in a message where the subtype does
 * not belong is not understood, and passed over in silence as RFC 3103 8.12 asks. */
#ifndef RSIP_EXTENSION_H
#define RSIP_EXTENSION_H

#include "buf.h"
#include "message.h"

void extension_set_vendor_id(uint16_t vendor_id);

/* Is this vendor-specific value, in a message of that type, one of ours? */
bool extension_understood(int msg_type, struct rbuf value);

/* Reads an understood value into *m; bytes is where the message starts. DUPLICATE_PARAM or BAD_PARAM on a fault. */
enum rsip_error extension_read(struct rsip_message *m, struct rbuf value, const void *bytes);

/* Writes those extensions of *m that belong into its type, authentication last, and sets auth.mac_offset. Returns false
 * for a value that extension_read would refuse. */
bool extension_write_all(struct rsip_message *m, struct wbuf *w);

/* For authentication.c, which looks at messages as bytes, well formed or not. Finds the authentication that the message
 * bytes[0..len) ends with; false when it has none that can be read. Borrows like message_decode. */
bool extension_find_auth(const void *bytes, size_t len, struct rsip_auth *auth);
/* Appends the parameter and sets auth->mac_offset. False for another algorithm than HMAC-SHA-256. */
bool extension_write_auth(struct wbuf *w, struct rsip_auth *auth);

#endif
