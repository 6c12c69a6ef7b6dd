#include "authentication.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "clock.h"
#include "extension.h"

#define LABEL "RSIP-MAC"
#define LABEL_LEN 8
#define SCOPE_LEN (LABEL_LEN + 1 + 3 + 4 + 4 + RSIP_MAC_LEN)
#define US_A_SECOND UINT64_C(1000000)

#define IDENTITY_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

bool
authentication_identity_ok(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '\0' || strchr(IDENTITY_CHARS, name[i]) == NULL)
			return false;
	}
	return len > 0 && len <= AUTHENTICATION_IDENTITY_MAX;
}

static void
write_scope(struct wbuf *w, const struct authentication_scope *scope)
{
	static const uint8_t none[RSIP_MAC_LEN];

	wbuf_bytes(w, LABEL, LABEL_LEN);
	wbuf_u32(w, (uint32_t)scope->kind << 24);
	wbuf_u32(w, scope->host_addr);
	wbuf_u32(w, scope->gateway_addr);
	wbuf_bytes(w, scope->kind == AUTHENTICATION_RESPONSE ? scope->request_mac : none, RSIP_MAC_LEN);
}

/* The MAC of a message whose last RSIP_MAC_LEN bytes are its MAC, whatever they are now. */
static bool
compute(const struct authentication_key *key, const struct authentication_scope *scope, const uint8_t *message,
        size_t len, uint8_t mac[RSIP_MAC_LEN])
{
	static const uint8_t zeroes[RSIP_MAC_LEN];
	static uint8_t covered[SCOPE_LEN + RSIP_MESSAGE_MAX];
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct wbuf w;

	wbuf_init(&w, covered, sizeof(covered));
	write_scope(&w, scope);
	wbuf_bytes(&w, message, len - RSIP_MAC_LEN);
	wbuf_bytes(&w, zeroes, RSIP_MAC_LEN);
	if (w.full || HMAC(EVP_sha256(), key->bytes, key->len, covered, w.len, digest, NULL) == NULL)
		return false;
	memcpy(mac, digest, RSIP_MAC_LEN);
	return true;
}

size_t
authentication_append(const struct authentication_key *key, const struct authentication_scope *scope,
                      const char *identity, uint64_t counter, void *message, size_t len, size_t cap)
{
	struct rsip_auth auth = { .algorithm = RSIP_AUTH_HMAC_SHA_256, .identity = identity, .counter = counter,
	                          .identity_len = (uint8_t)strlen(identity) };
	uint8_t *bytes = message;
	struct wbuf w;

	wbuf_init(&w, message, cap < RSIP_MESSAGE_MAX ? cap : RSIP_MESSAGE_MAX);
	w.len = len;
	if (!extension_write_auth(&w, &auth) || w.full)
		return 0;
	wbuf_patch_u16(&w, 2, (uint16_t)w.len);
	if (compute(key, scope, message, w.len, bytes + auth.mac_offset))
		return w.len;
	wbuf_patch_u16(&w, 2, (uint16_t)len);
	return 0;
}

bool
authentication_find(const void *bytes, size_t len, struct rsip_auth *auth)
{
	return extension_find_auth(bytes, len, auth);
}

bool
authentication_holds(const struct authentication_key *key, const struct authentication_scope *scope, const void *bytes,
                     const struct rsip_auth *auth)
{
	uint8_t mac[RSIP_MAC_LEN];

	return compute(key, scope, bytes, auth->mac_offset + RSIP_MAC_LEN, mac) &&
	       CRYPTO_memcmp(mac, auth->mac, RSIP_MAC_LEN) == 0;
}

uint64_t
authentication_next_counter(uint64_t last)
{
	uint64_t now = (uint64_t)clock_wall() * US_A_SECOND;

	return now > last ? now : last + 1;
}

void
authentication_wipe(struct authentication_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}
