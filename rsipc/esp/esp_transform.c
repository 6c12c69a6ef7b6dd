#include "esp_transform.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "esp_transform_impl.h"
#include "log.h"
#include "mem.h"

struct esp_transform *
esp_transform_new(const struct esp_algorithm *algorithm, const uint8_t *key, bool esn, bool seals)
{
	struct esp_transform *t = mem_zero(1, sizeof(*t));

	t->algorithm = algorithm;
	t->ops = algorithm->kind == ESP_AEAD ? &esp_transform_aead : &esp_transform_cbc;
	t->esn = esn;
	if (t->ops->init(t, key, seals))
		return t;
	log_error("esp", "OpenSSL does not do this algorithm algorithm=%s error=\"%s\"", algorithm->name,
	    ERR_reason_error_string(ERR_get_error()));
	esp_transform_free(t);
	return NULL;
}

/* OpenSSL wipes the keys in its contexts. */
void
esp_transform_free(struct esp_transform *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_CTX_free(t->cipher);
	EVP_CIPHER_CTX_free(t->iv_cipher);
	EVP_MAC_CTX_free(t->mac);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

const struct esp_algorithm *
esp_transform_algorithm(const struct esp_transform *t)
{
	return t->algorithm;
}

bool
esp_transform_seal(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence, uint64_t iv)
{
	return t->ops->seal(t, packet, len, sequence, iv);
}

bool
esp_transform_open(struct esp_transform *t, uint8_t *packet, size_t len, uint64_t sequence)
{
	return t->ops->open(t, packet, len, sequence);
}
