/* The file of manual keys. One key a line, for one direction of one tunnel:
 *
 *     # name   direction  key, in hexadecimal
 *     office   in         0x4c80cdefbb5d10da906ac73c3613a634 2e443b68
 *     office   out        0xfeffe9928665731c6d6a8f9467308308 cafebabe
 *
 * The key is the cipher's, then the salt (AES-GCM, ChaCha20-Poly1305) or the HMAC's key; blanks between them are for
 * the eye. A file that others than its owner may read or write, or whose owner is neither root nor we, is refused. No
 * message shows anything of a key, and keys that were read are wiped. */
#ifndef RSIPC_ESP_KEYS_H
#define RSIPC_ESP_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_algorithm.h"

struct esp_conf;
struct esp_sa_keys { uint8_t in[ESP_KEY_MAX], out[ESP_KEY_MAX]; };

typedef void esp_keys_report(const char *line, void *arg); /* "FILE:LINE: what is wrong; what is allowed" */

/* Reads the keys of every tunnel of conf, in its order. Each fault is told; with any, NULL is returned. The caller ends
 * the keys with esp_keys_wipe. */
struct esp_sa_keys *esp_keys_read(const struct esp_conf *conf, esp_keys_report *report, void *arg);
void esp_keys_wipe(const struct esp_conf *conf, struct esp_sa_keys *keys); /* frees too; accepts NULL */

#endif
