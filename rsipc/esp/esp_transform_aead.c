/* AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634): the nonce is the salt, which is part of the key, and the eight
 * bytes of IV in the packet; additional data is the ESP header, with an ESN's high half between SPI and low half. */
#include <string.h>

#include "esp_transform_impl.h"
#include "wire.h"

#define NONCE_LEN 12

static bool
aead_init(struct esp_transform *t, const uint8_t *key, bool seals)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, t->algorithm->cipher, NULL);
	bool good;

	t->cipher = EVP_CIPHER_CTX_new();
	good = cipher != NULL && t->cipher != NULL &&
	       EVP_CipherInit_ex(t->cipher, cipher, NULL, NULL, NULL, seals) == 1 &&
	       EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE_LEN, NULL) == 1 &&
	       EVP_CipherInit_ex(t->cipher, NULL, NULL, key, NULL, seals) == 1;
	memcpy(t->salt, key + t->algorithm->cipher_key, ESP_SALT_LEN);
	EVP_CIPHER_free(cipher);
	return good;
}

/* Starts a packet: nonce and additional data. */
static bool
begin(struct esp_transform *t, const uint8_t *packet, uint64_t sequence)
{
	uint8_t nonce[NONCE_LEN], aad[ESP_AAD_MAX];
	int aad_len = ESP_HEADER_LEN, n;

	memcpy(nonce, t->salt, ESP_SALT_LEN);
	memcpy(nonce + ESP_SALT_LEN, packet + ESP_HEADER_LEN, NONCE_LEN - ESP_SALT_LEN);
	memcpy(aad, packet, ESP_HEADER_LEN);
	if (t->esn) {
		wire_put32(aad + 4, (uint32_t)(sequence >> 32));
		wire_put32(aad + 8, (uint32_t)sequence);
		aad_len = ESP_AAD_MAX;
	}
	return EVP_CipherInit_ex(t->cipher, NULL, NULL, NULL, nonce, -1) == 1 &&
	       EVP_CipherUpdate(t->cipher, NULL, &n, aad, aad_len) == 1;
}

static bool
aead_seal(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, uint64_t iv)
{
	uint8_t *text = packet + ESP_HEADER_LEN + t->algorithm->iv;
	int n;

	wire_put32(packet + ESP_HEADER_LEN, (uint32_t)(iv >> 32));
	wire_put32(packet + ESP_HEADER_LEN + 4, (uint32_t)iv);
	return begin(t, packet, sequence) && EVP_CipherUpdate(t->cipher, text, &n, text, (int)len) == 1 &&
	       EVP_CipherFinal_ex(t->cipher, text + len, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_GET_TAG, ESP_ICV_LEN, text + len) == 1;
}

static bool
aead_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence)
{
	uint8_t *text = packet + ESP_HEADER_LEN + t->algorithm->iv, icv[ESP_ICV_LEN];
	int n;

	memcpy(icv, text + len, ESP_ICV_LEN);
	return begin(t, packet, sequence) &&
	       EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_SET_TAG, ESP_ICV_LEN, icv) == 1 &&
	       EVP_CipherUpdate(t->cipher, text, &n, text, (int)len) == 1 &&
	       EVP_CipherFinal_ex(t->cipher, icv, &n) == 1;
}

const struct esp_transform_ops esp_transform_aead = { aead_init, aead_seal, aead_open };
