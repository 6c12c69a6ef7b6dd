/* Inside of esp_transform.h: one file for each kind of algorithm. */
#ifndef RSIPC_ESP_TRANSFORM_IMPL_H
#define RSIPC_ESP_TRANSFORM_IMPL_H

#include <openssl/evp.h>

#include "esp_transform.h"

#define ESP_HEADER_LEN 8 /* SPI and sequence number */
#define ESP_AAD_MAX 12   /* with the high half of an ESN between them */

struct esp_transform_ops {
	bool (*init)(struct esp_transform *t, const uint8_t *key, bool seals);
	bool (*seal)(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, uint64_t iv);
	bool (*open)(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence);
};
extern const struct esp_transform_ops esp_transform_aead, esp_transform_cbc;

struct esp_transform {
	const struct esp_algorithm *algorithm;
	const struct esp_transform_ops *ops;
	bool esn;
	EVP_CIPHER_CTX *cipher;
	EVP_CIPHER_CTX *iv_cipher;  /* CBC: what IVs are made with */
	EVP_MAC_CTX *mac;           /* CBC */
	uint8_t salt[ESP_SALT_LEN]; /* AEAD */
};

#endif
