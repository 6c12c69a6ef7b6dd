/* AES-CBC (RFC 3602) with HMAC-SHA-256-128 (RFC 4868): encrypted, then authenticated from the ESP header to the end of
 * the text, with an ESN's high half behind it (RFC 4303 2.2.1). */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "esp_transform_impl.h"
#include "wire.h"

#define HMAC_LEN 32
#define IV_KEY_LEN 16

static bool
cipher_init(struct esp_transform *t, const uint8_t *key, bool seals)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, t->algorithm->cipher, NULL);
	bool good;

	t->cipher = EVP_CIPHER_CTX_new();
	good = cipher != NULL && t->cipher != NULL && EVP_CipherInit_ex(t->cipher, cipher, NULL, key, NULL, seals) == 1 &&
	       EVP_CIPHER_CTX_set_padding(t->cipher, 0) == 1;
	EVP_CIPHER_free(cipher);
	return good;
}

/* An IV that nobody can foretell (RFC 3602 3) and that is cheaper than random bytes for each packet: a number that does
 * not come back, encrypted under a random key of its own. */
static bool
iv_init(struct esp_transform *t)
{
	uint8_t key[IV_KEY_LEN];
	bool good;

	t->iv_cipher = EVP_CIPHER_CTX_new();
	good = t->iv_cipher != NULL && RAND_bytes(key, sizeof(key)) == 1 &&
	       EVP_EncryptInit_ex(t->iv_cipher, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(t->iv_cipher, 0) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	return good;
}

static bool
mac_init(struct esp_transform *t, const uint8_t *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool good = mac != NULL && (t->mac = EVP_MAC_CTX_new(mac)) != NULL &&
	            EVP_MAC_init(t->mac, key, t->algorithm->auth_key, params) == 1;

	EVP_MAC_free(mac);
	return good;
}

static bool
cbc_init(struct esp_transform *t, const uint8_t *key, bool seals)
{
	return cipher_init(t, key, seals) && (!seals || iv_init(t)) && mac_init(t, key + t->algorithm->cipher_key);
}

/* The HMAC of the packet up to its ICV. */
static bool
authenticate(struct esp_transform *t, const uint8_t *packet, size_t len, uint64_t sequence, uint8_t mac[HMAC_LEN])
{
	uint8_t high[4];
	size_t n;

	wire_put32(high, (uint32_t)(sequence >> 32));
	return EVP_MAC_init(t->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(t->mac, packet, len) == 1 &&
	       (!t->esn || EVP_MAC_update(t->mac, high, sizeof(high)) == 1) &&
	       EVP_MAC_final(t->mac, mac, &n, HMAC_LEN) == 1;
}

static bool
make_iv(struct esp_transform *t, uint64_t number, uint8_t *iv)
{
	int n;

	memset(iv, 0, t->algorithm->iv);
	wire_put32(iv, (uint32_t)(number >> 32));
	wire_put32(iv + 4, (uint32_t)number);
	return EVP_EncryptUpdate(t->iv_cipher, iv, &n, iv, t->algorithm->iv) == 1;
}

/* Encrypts or decrypts len bytes where they stand, behind their IV. */
static bool
apply(struct esp_transform *t, uint8_t *iv, size_t len)
{
	uint8_t *text = iv + t->algorithm->iv;
	int n;

	return EVP_CipherInit_ex(t->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
	       EVP_CipherUpdate(t->cipher, text, &n, text, (int)len) == 1 && (size_t)n == len;
}

static bool
cbc_seal(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, uint64_t iv)
{
	size_t covered = ESP_HEADER_LEN + t->algorithm->iv + len;
	uint8_t mac[HMAC_LEN];

	if (!make_iv(t, iv, packet + ESP_HEADER_LEN) || !apply(t, packet + ESP_HEADER_LEN, len) ||
	    !authenticate(t, packet, covered, sequence, mac))
		return false;
	memcpy(packet + covered, mac, ESP_ICV_LEN);
	return true;
}

static bool
cbc_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence)
{
	size_t covered = ESP_HEADER_LEN + t->algorithm->iv + len;
	uint8_t mac[HMAC_LEN];

	return authenticate(t, packet, covered, sequence, mac) && CRYPTO_memcmp(mac, packet + covered, ESP_ICV_LEN) == 0 &&
	       apply(t, packet + ESP_HEADER_LEN, len);
}

const struct esp_transform_ops esp_transform_cbc = { cbc_init, cbc_seal, cbc_open };
