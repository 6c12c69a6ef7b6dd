/* Keys as the kernel tells them, turned into a seal: what it seals is opened by the same keys set by hand. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "adoption/kernel_keys.h"
#include "adoption/kernel_state.h"
#include "esp/esp_packet.h"
#include "log.h"
#include "run_suite.h"

#define SPI 0x10001
#define SEQUENCE 70000
#define IV UINT64_C(0x0102030405060708)

static uint8_t key[ESP_KEY_MAX]; /* cipher key, then salt or authentication key */
static struct nl_msg *msg;
static struct kernel_state state;

static void
setup(void)
{
	struct xfrm_usersa_info info = { .family = AF_INET };

	log_init("check_kernel_keys", LOG_TO_NONE, LOG_LVL_ERROR, false);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(7 * i + 1);
	msg = nlmsg_alloc_simple(XFRM_MSG_NEWSA, 0);
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
}

static void
teardown(void)
{
	nlmsg_free(msg);
}

/* An attribute: a fixed part, then a key. */
static void
put(int type, const void *fixed, size_t len, const uint8_t *from, unsigned key_bits)
{
	uint8_t *at = nla_data(nla_reserve(msg, type, (int)(len + key_bits / 8)));

	memcpy(at, fixed, len);
	memcpy(at + len, from, key_bits / 8);
}

static void
put_aead(const char *name, unsigned key_bits, unsigned icv_bits)
{
	struct xfrm_algo_aead algo = { .alg_key_len = key_bits, .alg_icv_len = icv_bits };

	strcpy(algo.alg_name, name);
	put(XFRMA_ALG_AEAD, &algo, sizeof(algo), key, key_bits);
}

static void
put_crypt(const char *name, unsigned key_bits)
{
	struct xfrm_algo algo = { .alg_key_len = key_bits };

	strcpy(algo.alg_name, name);
	put(XFRMA_ALG_CRYPT, &algo, sizeof(algo), key, key_bits);
}

/* Its key is behind a cipher key of that length. */
static void
put_auth(const char *name, unsigned key_bits, unsigned trunc_bits, unsigned cipher_bits)
{
	struct xfrm_algo_auth algo = { .alg_key_len = key_bits, .alg_trunc_len = trunc_bits };

	strcpy(algo.alg_name, name);
	put(XFRMA_ALG_AUTH_TRUNC, &algo, sizeof(algo), key + cipher_bits / 8, key_bits);
}

static struct esp_transform *
sealer(bool esn)
{
	state = (struct kernel_state){ .spi = SPI, .esn = esn, .raw = nlmsg_hdr(msg) };
	return kernel_keys_sealer(&state);
}

static void
opens(const char *name, bool esn)
{
	const struct esp_algorithm *algorithm = esp_algorithm_find(name);
	struct esp_transform *seal = sealer(esn), *open = esp_transform_new(algorithm, key, esn, false);
	uint8_t packet[ESP_HEAD_MAX + 40 + ESP_TAIL_MAX] = { 0 };
	struct esp_inner inner;
	size_t head = esp_head_len(algorithm), len;

	ck_assert_ptr_nonnull(seal);
	ck_assert_str_eq(esp_transform_algorithm(seal)->name, name);
	memset(packet + head, 0x5a, 40);
	len = esp_seal(seal, packet, 40, ESP_NEXT_IPV4, SPI, SEQUENCE, IV);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(esp_open(open, packet, len, SEQUENCE, &inner), ESP_GOOD);
	ck_assert_uint_eq(inner.len, 40);
	ck_assert_uint_eq(inner.bytes[39], 0x5a);
	esp_transform_free(seal);
	esp_transform_free(open);
}

START_TEST(gcm_128)
{
	put_aead("rfc4106(gcm(aes))", 160, 128);
	opens("aes-128-gcm", false);
}
END_TEST

START_TEST(gcm_256_with_esn)
{
	put_aead("rfc4106(gcm(aes))", 288, 128);
	opens("aes-256-gcm", true);
}
END_TEST

START_TEST(chacha)
{
	put_aead("rfc7539esp(chacha20,poly1305)", 288, 128);
	opens("chacha20-poly1305", false);
}
END_TEST

START_TEST(cbc_256)
{
	put_crypt("cbc(aes)", 256);
	put_auth("hmac(sha256)", 256, 128, 256);
	opens("aes-256-cbc-sha256", false);
}
END_TEST

START_TEST(cbc_128_with_esn)
{
	put_auth("hmac(sha256)", 256, 128, 128);
	put_crypt("cbc(aes)", 128);
	opens("aes-128-cbc-sha256", true);
}
END_TEST

/* ---- what is none of ours ---- */

START_TEST(short_icv)
{
	put_aead("rfc4106(gcm(aes))", 160, 64);
	ck_assert_ptr_null(sealer(false));
}
END_TEST

START_TEST(gcm_192)
{
	put_aead("rfc4106(gcm(aes))", 224, 128);
	ck_assert_ptr_null(sealer(false));
}
END_TEST

/* RFC 2404, and what Linux calls HMAC-SHA-256 with the truncation of a draft. */
START_TEST(other_authentication)
{
	put_crypt("cbc(aes)", 128);
	put_auth("hmac(sha1)", 160, 96, 128);
	ck_assert_ptr_null(sealer(false));
}
END_TEST

START_TEST(truncation_of_the_draft)
{
	put_crypt("cbc(aes)", 128);
	put_auth("hmac(sha256)", 256, 96, 128);
	ck_assert_ptr_null(sealer(false));
}
END_TEST

START_TEST(encryption_without_authentication)
{
	put_crypt("cbc(aes)", 128);
	ck_assert_ptr_null(sealer(false));
}
END_TEST

START_TEST(no_keys)
{
	ck_assert_ptr_null(sealer(false));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kernel keys");
	TCase *tc = tcase_create("keys");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gcm_128);
	tcase_add_test(tc, gcm_256_with_esn);
	tcase_add_test(tc, chacha);
	tcase_add_test(tc, cbc_256);
	tcase_add_test(tc, cbc_128_with_esn);
	tcase_add_test(tc, short_icv);
	tcase_add_test(tc, gcm_192);
	tcase_add_test(tc, other_authentication);
	tcase_add_test(tc, truncation_of_the_draft);
	tcase_add_test(tc, encryption_without_authentication);
	tcase_add_test(tc, no_keys);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
