#include "esp_algorithm.h"

#include <stdio.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

/* AES-GCM: RFC 4106 with the ICV of 16 bytes; ChaCha20-Poly1305: RFC 7634; CBC with HMAC-SHA-256-128: RFC 3602, RFC
 * 4868.
 *
 * No nonce is ever used twice, since it is the sequence number. What then bounds the use of an AES key is the birthday
 * of its 128-bit blocks: after 2^44 bytes, which are 2^40 blocks, GCM can be told from random, and a block of CBC has
 * come back, with a chance of 2^80 / 2^129 = 2^-49. ChaCha20 has no such bound. */
static const struct esp_algorithm algorithms[] = {
	{ "aes-128-gcm", ESP_AEAD, "AES-128-GCM", 16, 4, 0, 8, 4, 0, 16384 * GIB },
	{ "aes-256-gcm", ESP_AEAD, "AES-256-GCM", 32, 4, 0, 8, 4, 0, 16384 * GIB },
	{ "chacha20-poly1305", ESP_AEAD, "ChaCha20-Poly1305", 32, 4, 0, 8, 4, 0, 0 },
	{ "aes-128-cbc-sha256", ESP_CBC_HMAC, "AES-128-CBC", 16, 0, 32, 16, 16, 0, 16384 * GIB },
	{ "aes-256-cbc-sha256", ESP_CBC_HMAC, "AES-256-CBC", 32, 0, 32, 16, 16, 0, 16384 * GIB },
};
#define COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

const struct esp_algorithm *
esp_algorithm_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	}
	return NULL;
}

const char *
esp_algorithm_names(void)
{
	static char names[128];
	size_t len = 0;

	for (size_t i = 0; i < COUNT; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "", algorithms[i].name);
	return names;
}

size_t
esp_algorithm_key_len(const struct esp_algorithm *algorithm)
{
	return (size_t)algorithm->cipher_key + algorithm->salt + algorithm->auth_key;
}
