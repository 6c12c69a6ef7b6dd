#include "kernel_keys.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "esp/esp_transform.h"
#include "kernel_state.h"

/* Names of the kernel's crypto interface, whose keys have the same order as ours: key, then salt. */
static const struct { const char *cipher, *auth; unsigned key_bits; const char *name; } names[] = {
	{ "rfc4106(gcm(aes))", NULL, 160, "aes-128-gcm" },
	{ "rfc4106(gcm(aes))", NULL, 288, "aes-256-gcm" },
	{ "rfc7539esp(chacha20,poly1305)", NULL, 288, "chacha20-poly1305" },
	{ "cbc(aes)", "hmac(sha256)", 128, "aes-128-cbc-sha256" },
	{ "cbc(aes)", "hmac(sha256)", 256, "aes-256-cbc-sha256" },
};

static const struct esp_algorithm *
find(const char *cipher, const char *auth, unsigned key_bits)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].cipher, cipher) == 0 && names[i].key_bits == key_bits &&
		    (names[i].auth != NULL) == (auth != NULL) && (auth == NULL || strcmp(names[i].auth, auth) == 0))
			return esp_algorithm_find(names[i].name);
	}
	return NULL;
}

/* NULL when it is not there, or shorter than it says. */
static const void *
attribute(const struct kernel_state *state, int type, size_t fixed)
{
	struct nlattr *attr = nlmsg_find_attr(state->raw, sizeof(struct xfrm_usersa_info), type);

	return attr != NULL && (size_t)nla_len(attr) >= fixed ? nla_data(attr) : NULL;
}

static struct esp_transform *
aead(const struct kernel_state *state, const struct xfrm_algo_aead *algo)
{
	const struct esp_algorithm *found = find(algo->alg_name, NULL, algo->alg_key_len);

	if (found == NULL || algo->alg_icv_len != 8 * ESP_ICV_LEN)
		return NULL;
	return esp_transform_new(found, (const uint8_t *)algo->alg_key, state->esn, true);
}

static struct esp_transform *
cbc(const struct kernel_state *state, const struct xfrm_algo *crypt, const struct xfrm_algo_auth *auth)
{
	const struct esp_algorithm *found = find(crypt->alg_name, auth->alg_name, crypt->alg_key_len);
	struct esp_transform *transform;
	uint8_t key[ESP_KEY_MAX];

	if (found == NULL || auth->alg_trunc_len != 8 * ESP_ICV_LEN || auth->alg_key_len != 8u * found->auth_key)
		return NULL;
	memcpy(key, crypt->alg_key, found->cipher_key);
	memcpy(key + found->cipher_key, auth->alg_key, found->auth_key);
	transform = esp_transform_new(found, key, state->esn, true);
	explicit_bzero(key, sizeof(key));
	return transform;
}

struct esp_transform *
kernel_keys_sealer(const struct kernel_state *state)
{
	const struct xfrm_algo_aead *combined = attribute(state, XFRMA_ALG_AEAD, sizeof(*combined));
	const struct xfrm_algo *crypt = attribute(state, XFRMA_ALG_CRYPT, sizeof(*crypt));
	const struct xfrm_algo_auth *auth = attribute(state, XFRMA_ALG_AUTH_TRUNC, sizeof(*auth));

	if (combined != NULL)
		return aead(state, combined);
	return crypt != NULL && auth != NULL ? cbc(state, crypt, auth) : NULL;
}
