/* What a key does to a packet: encryption and the ICV of one SA, by OpenSSL. Contexts are made once; a packet costs no
 * allocation and no key schedule. */
#ifndef RSIPC_ESP_TRANSFORM_H
#define RSIPC_ESP_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_algorithm.h"

struct esp_transform;

/* key: esp_algorithm_key_len bytes, copied into OpenSSL's contexts; the caller wipes its own. One direction only:
 * `seals` tells which. NULL after a line in the log, when OpenSSL refuses the algorithm. */
struct esp_transform *esp_transform_new(const struct esp_algorithm *algorithm, const uint8_t *key, bool esn,
                                        bool seals);
void esp_transform_free(struct esp_transform *t); /* accepts NULL; wipes all keys */

const struct esp_algorithm *esp_transform_algorithm(const struct esp_transform *t);

/* packet: the ESP header (SPI, low half of the sequence number), room for the IV, len bytes of text, room for the ICV.
 * sequence: the whole number, of which ESN authenticates the high half. iv: a number that is never used twice under a
 * key; for CBC the IV itself is made unpredictable from it. False when OpenSSL failed. */
bool esp_transform_seal(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, uint64_t iv);

/* The same packet read: len bytes of text between IV and ICV, decrypted where they stand. False when it is not
 * authentic; the text is then not to be used. */
bool esp_transform_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence);

#endif
