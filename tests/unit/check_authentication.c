/* Message authentication: vectors that another implementation has computed, everything that must not pass, and key files. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authentication.h"
#include "clock.h"
#include "key_file.h"
#include "message.h"
#include "run_suite.h"

#define HOST 0x0a00000bu
#define GATEWAY 0x0a000001u
#define COUNTER UINT64_C(0x0102030405060708)

static struct authentication_key key;

static size_t
unhex(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (; text[2 * n] != '\0'; n++) {
		unsigned byte;

		ck_assert_int_eq(sscanf(text + 2 * n, "%2x", &byte), 1);
		out[n] = (uint8_t)byte;
	}
	return n;
}

static void
setup(void)
{
	key.len = 32;
	for (uint8_t i = 0; i < 32; i++)
		key.bytes[i] = i;
}

/* --- the MAC --- */

/* REGISTER_REQUEST with counter 1; ERROR_RESPONSE 304 to it; DE-REGISTER_RESPONSE of the gateway's own accord. */
static const char request[] =
    "010200320b0004000000010c00247ed9000201066c6170746f70010203040506070851ec472f8680c88e777613ce33bbc98f";
static const char response[] =
    "0101003708000201300b0004000000010c00247ed9000201066c6170746f700102030405060708dea1f345286d82739d00d21ab783d78f";
static const char notice[] =
    "01050039040004deadbeef0b0004000000000c00247ed9000201066c6170746f700000000000000009f23900c173566e3a20289da9e5d515b4";
static const struct { enum authentication_kind kind; const char *bytes; uint64_t counter; } vectors[] = {
	{ AUTHENTICATION_REQUEST, request, COUNTER },
	{ AUTHENTICATION_RESPONSE, response, COUNTER },
	{ AUTHENTICATION_NOTICE, notice, 9 },
};

static struct authentication_scope
scope_of(enum authentication_kind kind)
{
	static uint8_t bytes[64];
	size_t len = unhex(request, bytes);

	return (struct authentication_scope){ kind, HOST, GATEWAY,
	                                      kind == AUTHENTICATION_RESPONSE ? bytes + len - RSIP_MAC_LEN : NULL };
}

#define PARAM_LEN (3 + 4 + 2 + 6 + 8 + 16)

START_TEST(vector)
{
	const struct authentication_scope scope = scope_of(vectors[_i].kind);
	uint8_t want[128], made[128];
	size_t len = unhex(vectors[_i].bytes, want), bare = len - PARAM_LEN;
	struct rsip_auth auth;

	memcpy(made, want, bare);
	made[2] = 0;
	made[3] = (uint8_t)bare;
	ck_assert_uint_eq(authentication_append(&key, &scope, "laptop", vectors[_i].counter, made, bare, sizeof(made)), len);
	ck_assert_mem_eq(made, want, len);
	ck_assert(authentication_find(want, len, &auth));
	ck_assert_uint_eq(auth.identity_len, 6);
	ck_assert_mem_eq(auth.identity, "laptop", 6);
	ck_assert_uint_eq(auth.counter, vectors[_i].counter);
	ck_assert(authentication_holds(&key, &scope, want, &auth));
}
END_TEST

static bool
holds(const struct authentication_key *k, const struct authentication_scope *scope, const uint8_t *bytes, size_t len)
{
	struct rsip_auth auth;

	return authentication_find(bytes, len, &auth) && authentication_holds(k, scope, bytes, &auth);
}

/* No bit of the message, of its scope or of the key is without effect. */
START_TEST(no_bit_is_free)
{
	struct authentication_scope scope = scope_of(vectors[_i].kind), other;
	struct authentication_key wrong = key;
	uint8_t bytes[128], mac[RSIP_MAC_LEN];
	size_t len = unhex(vectors[_i].bytes, bytes);

	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(!holds(&key, &scope, bytes, len), "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (int bit = 0; bit < 32; bit++) {
		other = scope;
		other.host_addr ^= 1u << bit;
		ck_assert(!holds(&key, &other, bytes, len));
		other = scope;
		other.gateway_addr ^= 1u << bit;
		ck_assert(!holds(&key, &other, bytes, len));
	}
	for (int bit = 0; scope.request_mac != NULL && bit < 8 * RSIP_MAC_LEN; bit++) {
		memcpy(mac, scope.request_mac, sizeof(mac));
		mac[bit / 8] ^= (uint8_t)(1u << bit % 8);
		other = scope;
		other.request_mac = mac;
		ck_assert(!holds(&key, &other, bytes, len));
	}
	wrong.bytes[31] ^= 1;
	ck_assert(!holds(&wrong, &scope, bytes, len));
	ck_assert(holds(&key, &scope, bytes, len));
}
END_TEST

/* What one side says is never taken for the other's, nor an answer for a notice. */
START_TEST(no_reflection)
{
	uint8_t bytes[128];
	size_t len = unhex(vectors[_i].bytes, bytes);

	for (int kind = AUTHENTICATION_REQUEST; kind <= AUTHENTICATION_NOTICE; kind++) {
		const struct authentication_scope scope = scope_of((enum authentication_kind)kind);

		ck_assert(holds(&key, &scope, bytes, len) == (kind == (int)vectors[_i].kind));
	}
}
END_TEST

START_TEST(only_at_the_end)
{
	static struct rsip_message m;
	uint8_t bytes[128];
	size_t len = unhex(request, bytes);
	struct rsip_auth auth;

	memcpy(bytes + len, (uint8_t[]){ 11, 0, 4, 0, 0, 0, 2 }, 7);
	bytes[3] += 7;
	ck_assert(!authentication_find(bytes, len + 7, &auth));
	ck_assert_int_eq(message_decode(&m, bytes, len + 7), RSIP_EXTRA_PARAM);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!authentication_find(bytes, cut, &auth));
}
END_TEST

START_TEST(no_room)
{
	const struct authentication_scope scope = scope_of(AUTHENTICATION_REQUEST);
	uint8_t bytes[128] = { 1, 2, 0, 4 };

	ck_assert_uint_eq(authentication_append(&key, &scope, "laptop", 1, bytes, 4, 4 + PARAM_LEN - 1), 0);
	ck_assert_mem_eq(bytes, ((uint8_t[]){ 1, 2, 0, 4 }), 4);
	ck_assert_uint_eq(authentication_append(&key, &scope, "laptop", 1, bytes, 4, 4 + PARAM_LEN), 4 + PARAM_LEN);
}
END_TEST

START_TEST(counters_rise)
{
	clock_set(0, 1800000000);
	ck_assert_uint_eq(authentication_next_counter(0), UINT64_C(1800000000000000));
	ck_assert_uint_eq(authentication_next_counter(UINT64_C(1800000000000000)), UINT64_C(1800000000000001));
	clock_set(0, 1700000000);
	ck_assert_uint_eq(authentication_next_counter(UINT64_C(1800000000000001)), UINT64_C(1800000000000002));
}
END_TEST

START_TEST(identities)
{
	char long_one[AUTHENTICATION_IDENTITY_MAX + 1];

	memset(long_one, 'x', sizeof(long_one));
	ck_assert(authentication_identity_ok("x-1.y_2@Z", 9));
	ck_assert(authentication_identity_ok(long_one, AUTHENTICATION_IDENTITY_MAX));
	ck_assert(!authentication_identity_ok(long_one, sizeof(long_one)));
	ck_assert(!authentication_identity_ok("", 0));
	ck_assert(!authentication_identity_ok("a b", 3));
	ck_assert(!authentication_identity_ok("a\"b", 3));
	ck_assert(!authentication_identity_ok("a\0b", 3));
	ck_assert(!authentication_identity_ok("\xc3\xa9", 2));
}
END_TEST

/* --- key files --- */

static char path[64], why[512];

static bool
read_file(const char *text, mode_t mode)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/rsip-key-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	bool ok = key_file_read(path, &key, why, sizeof(why));
	unlink(path);
	return ok;
}

#define HEX_16 "000102030405060708090A0b0c0d0e0f"

START_TEST(key_files)
{
	ck_assert(read_file("# the laptop's\n\n" HEX_16 "  \n", 0600));
	ck_assert_uint_eq(key.len, 16);
	ck_assert_mem_eq(key.bytes, ((uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }), 16);
	ck_assert(read_file(HEX_16 HEX_16 HEX_16 HEX_16, 0400));
	ck_assert_uint_eq(key.len, 64);
}
END_TEST

static const struct { const char *text; mode_t mode; const char *told; } faults[] = {
	{ HEX_16, 0640, "%s: has mode 0640, others than its owner could get at the key; chmod 600 it" },
	{ HEX_16, 0604, "%s: has mode 0604, others than its owner could get at the key; chmod 600 it" },
	{ "\n# nothing\n", 0600, "%s: there is no key in it; make one by openssl rand -hex 32" },
	{ "\n00010203\n", 0600, "%s:2: a key of 8 digits; an even number from 32 to 128 is allowed, make one by openssl rand -hex 32" },
	{ HEX_16 "0\n", 0600, "%s:1: a key of 33 digits; an even number from 32 to 128 is allowed, make one by openssl rand -hex 32" },
	{ HEX_16 HEX_16 HEX_16 HEX_16 "00", 0600,
	  "%s:1: a key of 130 digits; an even number from 32 to 128 is allowed, make one by openssl rand -hex 32" },
	{ "#\nsecret=" HEX_16 "\n", 0600, "%s:2: the character at column 1 is no hexadecimal digit; a key is nothing else" },
	{ HEX_16 "\n" HEX_16 "\n", 0600, "%s:2: a second key; one file holds one" },
};

START_TEST(key_file_faults)
{
	char told[512];

	ck_assert(!read_file(faults[_i].text, faults[_i].mode));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(told, sizeof(told), faults[_i].told, path);
#pragma GCC diagnostic pop
	ck_assert_str_eq(why, told);
	ck_assert_ptr_null(strstr(why, HEX_16));
	ck_assert_uint_eq(key.len, 0);
}
END_TEST

START_TEST(no_key_files)
{
	ck_assert(!key_file_read("/nonexistent", &key, why, sizeof(why)));
	ck_assert_str_eq(why, "/nonexistent: cannot be read: No such file or directory");
	ck_assert(!key_file_read("/tmp", &key, why, sizeof(why)));
	ck_assert_str_eq(why, "/tmp: is no regular file");
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	Suite *suite = suite_create("authentication");
	TCase *mac = tcase_create("mac"), *files = tcase_create("files");

	tcase_add_checked_fixture(mac, setup, NULL);
	tcase_add_loop_test(mac, vector, 0, COUNT(vectors));
	tcase_add_loop_test(mac, no_bit_is_free, 0, COUNT(vectors));
	tcase_add_loop_test(mac, no_reflection, 0, COUNT(vectors));
	tcase_add_test(mac, only_at_the_end);
	tcase_add_test(mac, no_room);
	tcase_add_test(mac, counters_rise);
	tcase_add_test(mac, identities);
	tcase_add_test(files, key_files);
	tcase_add_loop_test(files, key_file_faults, 0, COUNT(faults));
	tcase_add_test(files, no_key_files);
	suite_add_tcase(suite, mac);
	suite_add_tcase(suite, files);
	return run_suite(suite);
}
