/* The ESP packet (RFC 4303 2): header, IV, inner packet, padding and trailer, ICV. Pure: no SA, no sockets.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |               Security Parameters Index (SPI)                 |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |                      Sequence Number                          |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |                    IV, payload, TFC padding                   |
 *   +               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |               |     Padding (0-255 bytes: 1, 2, 3, ...)       |
 *   +-+-+-+-+-+-+-+-+               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |                               |  Pad Length   | Next Header   |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |                            ICV                                |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
#ifndef RSIPC_ESP_PACKET_H
#define RSIPC_ESP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_transform.h"

#define ESP_HEAD_MAX 24 /* header and IV */
#define ESP_TAIL_MAX 33 /* padding, trailer and ICV */

enum esp_next_header { ESP_NEXT_IPV4 = 4, ESP_NEXT_IPV6 = 41, ESP_NEXT_NONE = 59 }; /* NONE: a dummy packet, 2.6 */

/* Bytes in front of the inner packet, and behind one of this length. */
size_t esp_head_len(const struct esp_algorithm *algorithm);
size_t esp_tail_len(const struct esp_algorithm *algorithm, size_t inner_len);

/* The longest inner packet whose ESP packet is not longer than room; 0 when there is none. */
size_t esp_inner_max(const struct esp_algorithm *algorithm, size_t room);

/* Seals the inner packet that stands at packet + esp_head_len, with esp_tail_len bytes of room behind it. iv: as in
 * esp_transform_seal. Returns the whole length, 0 when OpenSSL failed. */
size_t esp_seal(struct esp_transform *t, uint8_t *packet, size_t inner_len, uint8_t next_header, uint32_t spi,
                uint64_t sequence, uint64_t iv);

/* What an ESP packet says before any key is known. False when it is too short to be one. */
struct esp_header { uint32_t spi, sequence; };
bool esp_header_read(const uint8_t *packet, size_t len, struct esp_header *out);

enum esp_verdict {
	ESP_GOOD,
	ESP_MALFORMED,   /* a length that no packet of this algorithm has */
	ESP_UNAUTHENTIC, /* the ICV is wrong */
	ESP_BAD_PADDING, /* authentic, but its padding is none: RFC 4303 2.4 */
};

/* Opens a packet where it stands. *inner, of one that is good, borrows its bytes; the inner packet may have TFC padding behind it. */
struct esp_inner { uint8_t *bytes; size_t len; uint8_t next_header; };
enum esp_verdict esp_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence,
                          struct esp_inner *inner);

#endif
