/* ESP packets: published vectors read and written, every bit of a packet guarded, lengths that are none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "esp_packet.h"
#include "run_suite.h"
#include "wire.h"

#define ICMP_PACKET \
	"45000054a6f2000040" "01e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f101112131415161718191a1b" \
	"1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"

struct vector {
	const char *algorithm, *key, *packet, *inner;
	uint64_t sequence, iv;
	bool esn;
	uint8_t next_header;
};

static const struct vector vectors[] = {
	/* RFC 7634 appendix A. */
	{ "chacha20-poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
	  "0102030400000005" "1011121314151617"
	  "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9"
	  "befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0" "76aaa8266b7fb0f7b11b369907e1ad43",
	  ICMP_PACKET, 5, 0x1011121314151617, false, 4 },
	/* draft-mcgrew-gcm-test-01, the first case, with ESN (its next header is 1). */
	{ "aes-128-gcm", "4c80cdefbb5d10da906ac73c3613a6342e443b68",
	  "0000432100000000" "4956ed7e3b244cfe"
	  "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff62"
	  "47aeabb786b93bce61bc17d768fd9732" "459018148f6cbe722fd04796562dfdb4",
	  "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564700373697009637962657263"
	  "69747902646b0000210001", UINT64_C(0x8765432100000000), 0x4956ed7e3b244cfe, true, 1 },
	/* The same, its third case: a key of 256 bits. */
	{ "aes-256-gcm", "abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
	  "4a2cbfe300000002" "0102030405060708"
	  "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99def842d8e"
	  "b335f4eecfdbf831824b4c4915956c96",
	  "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402", 2,
	  0x0102030405060708, false, 1 },
	/* Made with the openssl program and Python's hmac, without ESN and with it (high half 7). */
	{ "aes-128-cbc-sha256",
	  "202122232425262728292a2b2c2d2e2f" "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
	  "0102030400000009" "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
	  "6a1a8676a8765eaac02f05f2e36798c007904c521d75baa54aa5b87645cdb23f256cfa3d9c8ee896145705ec6caf52560dad1af2272f83eb"
	  "8d770b608a597a09c95cd865fe261651870d8c2d3e39a89e5c251811b0fb1d1359a062294a48c51d"
	  "eaac70efed6eb8ac0db035729972a90e",
	  ICMP_PACKET, 9, 0, false, 4 },
	{ "aes-256-cbc-sha256",
	  "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
	  "0102030400000009" "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
	  "6911337e7e90e84379025a57d4060c68c487623c045065aef9b22b98dc607deac0233f4861540d67d4477702c1bc58f1fcbce4a56a4d395e"
	  "8144d1861272a533240d22af712b3ac457f8a4d6662e35ccae09501b0d387f689644a7d382c1af80"
	  "fd2642d7f219fa2eb0c27a49457bf12c",
	  ICMP_PACKET, UINT64_C(0x700000009), 0, true, 4 },
};
#define VECTORS ((int)(sizeof(vectors) / sizeof(vectors[0])))

static uint8_t packet[70000];

static size_t
from_hex(const char *text, uint8_t *out)
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len;
}

static struct esp_transform *
transform_of(const struct vector *v, bool seals)
{
	const struct esp_algorithm *algorithm = esp_algorithm_find(v->algorithm);
	uint8_t key[ESP_KEY_MAX];
	struct esp_transform *t;

	ck_assert_ptr_nonnull(algorithm);
	ck_assert_uint_eq(from_hex(v->key, key), esp_algorithm_key_len(algorithm));
	ck_assert_ptr_nonnull(t = esp_transform_new(algorithm, key, v->esn, seals));
	return t;
}

START_TEST(vector_is_read)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, false);
	size_t len = from_hex(v->packet, packet), inner_len;
	uint8_t inner[256];
	struct esp_inner got;

	inner_len = from_hex(v->inner, inner);
	ck_assert_int_eq(esp_open(t, packet, len, v->sequence, &got), ESP_GOOD);
	ck_assert_uint_eq(got.len, inner_len);
	ck_assert_mem_eq(got.bytes, inner, inner_len);
	ck_assert_uint_eq(got.next_header, v->next_header);
	esp_transform_free(t);
}
END_TEST

/* Byte for byte; CBC's IV is not ours to choose, so there what was written is read. */
START_TEST(vector_is_written)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, true), *reader = transform_of(v, false);
	const struct esp_algorithm *algorithm = esp_algorithm_find(v->algorithm);
	uint8_t want[256], inner[256];
	size_t want_len = from_hex(v->packet, want), inner_len = from_hex(v->inner, inner), len;
	struct esp_inner got;

	memcpy(packet + esp_head_len(algorithm), inner, inner_len);
	len = esp_seal(t, packet, inner_len, v->next_header, wire_get32(want), v->sequence, v->iv);
	ck_assert_uint_eq(len, want_len);
	ck_assert_uint_eq(len, esp_head_len(algorithm) + inner_len + esp_tail_len(algorithm, inner_len));
	if (algorithm->kind == ESP_AEAD)
		ck_assert_mem_eq(packet, want, len);
	ck_assert_int_eq(esp_open(reader, packet, len, v->sequence, &got), ESP_GOOD);
	ck_assert_uint_eq(got.len, inner_len);
	ck_assert_mem_eq(got.bytes, inner, inner_len);
	esp_transform_free(t);
	esp_transform_free(reader);
}
END_TEST

/* No bit of the packet may change, nor the half of an ESN that is not in it. */
START_TEST(every_bit_counts)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, false);
	uint8_t whole[256];
	size_t len = from_hex(v->packet, whole);
	struct esp_inner got;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		memcpy(packet, whole, len);
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(esp_open(t, packet, len, (v->sequence & ~(uint64_t)0xffffffff) | wire_get32(packet + 4), &got),
		    ESP_UNAUTHENTIC);
	}
	memcpy(packet, whole, len);
	ck_assert_int_eq(esp_open(t, packet, len, v->sequence ^ UINT64_C(1) << 32, &got), v->esn ? ESP_UNAUTHENTIC : ESP_GOOD);
	esp_transform_free(t);
}
END_TEST

START_TEST(cut_packets)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, false);
	size_t len = from_hex(v->packet, packet);
	struct esp_inner got;

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1); /* so that a sanitizer sees what is read behind it */

		memcpy(exact, packet, cut);
		ck_assert_int_ne(esp_open(t, exact, cut, v->sequence, &got), ESP_GOOD);
		free(exact);
	}
	esp_transform_free(t);
}
END_TEST

/* All lengths: what was sealed is opened, is as long as announced, and no longer inner packet would have fitted. */
START_TEST(lengths)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, true), *reader = transform_of(v, false);
	const struct esp_algorithm *algorithm = esp_algorithm_find(v->algorithm);
	struct esp_inner got;

	for (size_t inner_len = 0; inner_len < 300; inner_len++) {
		size_t len = esp_seal(t, packet, inner_len, ESP_NEXT_IPV6, 256, inner_len + 1, inner_len + 1), longest;

		ck_assert_uint_eq(len, esp_head_len(algorithm) + inner_len + esp_tail_len(algorithm, inner_len));
		longest = esp_inner_max(algorithm, len);
		ck_assert_uint_ge(longest, inner_len);
		ck_assert_uint_eq(esp_head_len(algorithm) + longest + esp_tail_len(algorithm, longest), len);
		ck_assert_uint_gt(esp_tail_len(algorithm, longest + 1) + longest + 1, esp_tail_len(algorithm, inner_len) + inner_len);
		ck_assert_int_eq(esp_open(reader, packet, len, inner_len + 1, &got), ESP_GOOD);
		ck_assert_uint_eq(got.len, inner_len);
		ck_assert_uint_eq(got.next_header, ESP_NEXT_IPV6);
	}
	ck_assert_uint_eq(esp_inner_max(algorithm, 20), 0);
	esp_transform_free(t);
	esp_transform_free(reader);
}
END_TEST

/* Padding that is authentic but is not 1, 2, 3, ..., or that says it is longer than the packet. */
START_TEST(bad_padding)
{
	const struct vector *v = &vectors[_i];
	struct esp_transform *t = transform_of(v, true), *reader = transform_of(v, false);
	const struct esp_algorithm *algorithm = esp_algorithm_find(v->algorithm);
	size_t head = esp_head_len(algorithm), text = 48;
	struct esp_inner got;

	for (int fault = 0; fault < 3; fault++) {
		memset(packet + head, 7, text);
		for (uint8_t i = 0; i < 10; i++)
			packet[head + text - 12 + i] = (uint8_t)(i + 1 + (fault == 1 && i == 4));
		packet[head + text - 2] = fault == 2 ? 47 : 10;
		packet[head + text - 1] = ESP_NEXT_IPV4;
		wire_put32(packet, 256);
		wire_put32(packet + 4, 1);
		ck_assert(esp_transform_seal(t, packet, text, 1, 1));
		ck_assert_int_eq(esp_open(reader, packet, head + text + ESP_ICV_LEN, 1, &got), fault == 0 ? ESP_GOOD : ESP_BAD_PADDING);
	}
	esp_transform_free(t);
	esp_transform_free(reader);
}
END_TEST

START_TEST(algorithm_names)
{
	ck_assert_ptr_null(esp_algorithm_find("null"));
	ck_assert_str_eq(esp_algorithm_names(),
	    "aes-128-gcm, aes-256-gcm, chacha20-poly1305, aes-128-cbc-sha256, aes-256-cbc-sha256");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("esp_packet");
	TCase *tc = tcase_create("packet");

	tcase_add_loop_test(tc, vector_is_read, 0, VECTORS);
	tcase_add_loop_test(tc, vector_is_written, 0, VECTORS);
	tcase_add_loop_test(tc, every_bit_counts, 0, VECTORS);
	tcase_add_loop_test(tc, cut_packets, 0, VECTORS);
	tcase_add_loop_test(tc, lengths, 0, VECTORS);
	tcase_add_loop_test(tc, bad_padding, 0, VECTORS);
	tcase_add_test(tc, algorithm_names);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
