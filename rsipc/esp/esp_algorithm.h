/* The algorithms that protect ESP packets, by the names of the config. */
#ifndef RSIPC_ESP_ALGORITHM_H
#define RSIPC_ESP_ALGORITHM_H

#include <stddef.h>
#include <stdint.h>

#define ESP_ICV_LEN 16 /* of all of them */
#define ESP_IV_MAX 16
#define ESP_SALT_LEN 4
#define ESP_KEY_MAX 64 /* cipher key, salt and authentication key together */

enum esp_algorithm_kind { ESP_AEAD, ESP_CBC_HMAC };

struct esp_algorithm {
	const char *name;
	enum esp_algorithm_kind kind;
	const char *cipher;   /* OpenSSL's name for it */
	uint8_t cipher_key;   /* bytes */
	uint8_t salt;         /* bytes behind the key, of AEADs */
	uint8_t auth_key;     /* bytes behind the key, of the others */
	uint8_t iv;           /* bytes in the packet */
	uint8_t align;        /* what the encrypted part is padded to */
	uint64_t max_packets; /* under one key, for its safety; 0 = as many as there are sequence numbers */
	uint64_t max_bytes;   /* the same; 0 = no such bound */
};

/* NULL when there is none of that name. */
const struct esp_algorithm *esp_algorithm_find(const char *name);

/* All names, for messages: "aes-128-gcm, aes-256-gcm, ...". */
const char *esp_algorithm_names(void);

/* Bytes of key material: cipher key, then salt or authentication key. */
size_t esp_algorithm_key_len(const struct esp_algorithm *algorithm);

#endif
