/* The codec against the annotated vectors, bent vectors, and random messages. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_check.h"
#include "grammar.h"
#include "message.h"
#include "message_print.h"
#include "names.h"
#include "random_message.h"
#include "vectors.h"

#define RANDOM_MESSAGES 3000

static struct vectors vectors;
static struct rsip_message msg;
static uint8_t wire[RSIP_MESSAGE_MAX];

/* ---- each vector says what it is ---- */

static void
check_accepted(const struct vector *vec, enum rsip_error err)
{
	char *text = codec_text(&msg);
	size_t n;

	ck_assert_msg(err == RSIP_OK, "%s %s: refused with %s", vec->where, vec->title, rsip_error_name(err));
	ck_assert_msg(strcmp(text, vec->expect) == 0, "%s %s:\n got  %s\n want %s", vec->where, vec->title, text, vec->expect);
	free(text);
	n = message_encode(&msg, wire, sizeof(wire));
	ck_assert_msg(n > 0, "%s %s: cannot be encoded", vec->where, vec->title);
	if (vec->verdict == VECTOR_DECODES)
		ck_assert_msg(n == vec->len && memcmp(wire, vec->bytes, n) == 0, "%s %s: encoded otherwise", vec->where,
		    vec->title);
	else
		ck_assert_msg(n != vec->len || memcmp(wire, vec->bytes, n) != 0, "%s %s: encoded alike, should be 'decodes'",
		    vec->where, vec->title);
}

static void
check_refused(const struct vector *vec, enum rsip_error err)
{
	char got[128];
	size_t n = (size_t)snprintf(got, sizeof(got), "%s", rsip_error_name(err));

	if (msg.has_client_id)
		n += (size_t)snprintf(got + n, sizeof(got) - n, " client_id=%u", msg.client_id);
	if (msg.has_bind_id)
		n += (size_t)snprintf(got + n, sizeof(got) - n, " bind_id=%u", msg.bind_id);
	if (msg.has_counter)
		snprintf(got + n, sizeof(got) - n, " counter=%u", msg.counter);
	ck_assert_msg(strcmp(got, vec->expect) == 0, "%s %s:\n got  %s\n want %s", vec->where, vec->title, got, vec->expect);
	if (vec->len > 1)
		ck_assert_uint_eq(msg.type, vec->bytes[1]);
}

START_TEST(test_vector)
{
	const struct vector *vec = &vectors.list[_i];
	enum rsip_error err = message_decode(&msg, vec->bytes, vec->len);

	if (vec->verdict == VECTOR_ERROR)
		check_refused(vec, err);
	else
		check_accepted(vec, err);
	printf("PASS: %.*s: %s\n", (int)strcspn(vec->where, ":"), vec->where, vec->title); /* a name for docs/conformance.md */
	fflush(stdout);
}
END_TEST

/* ---- bent vectors: nothing crashes, nothing is misread, no bit goes unread ---- */

static void
check_fault(const struct vector *vec, const char *how, size_t where, const char *fault)
{
	ck_assert_msg(fault == NULL, "%s %s, %s %zu: %s", vec->where, vec->title, how, where, fault);
}

/* A copy in an allocation of its exact size, so that a read past its end is seen. */
static uint8_t *
copy_of(const struct vector *vec, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, vec->bytes, len);
	return copy;
}

static void
set_overall_length(uint8_t *bytes, size_t len)
{
	bytes[2] = (uint8_t)(len >> 8);
	bytes[3] = (uint8_t)len;
}

/* What is left of a message is another message, or none. */
START_TEST(test_truncated)
{
	const struct vector *vec = &vectors.list[_i];
	enum rsip_error err;
	char *text;

	for (size_t len = 0; len < vec->len; len++) {
		uint8_t *cut = copy_of(vec, len);

		check_fault(vec, "cut at", len, codec_fault(cut, len, &err, &text));
		if (vec->verdict == VECTOR_DECODES)
			ck_assert_msg(err == RSIP_BAD_MESSAGE, "%s cut at %zu: %s", vec->where, len, rsip_error_name(err));
		free(text);
		if (len >= RSIP_HEADER_LEN) {
			set_overall_length(cut, len);
			check_fault(vec, "ending at", len, codec_fault(cut, len, &err, &text));
			if (vec->verdict == VECTOR_DECODES)
				ck_assert_msg(err != RSIP_OK || strcmp(text, vec->expect) != 0, "%s ending at %zu: still %s", vec->where,
				    len, vec->expect);
			free(text);
		}
		free(cut);
	}
}
END_TEST

/* In a message that has nothing to be passed over, each bit means something: flipped, the message is refused or means
 * something else. */
START_TEST(test_bit_flips)
{
	const struct vector *vec = &vectors.list[_i];
	uint8_t *bent = copy_of(vec, vec->len);
	enum rsip_error err;
	char *text;

	for (size_t bit = 0; bit < vec->len * 8; bit++) {
		bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_fault(vec, "bit", bit, codec_fault(bent, vec->len, &err, &text));
		if (vec->verdict == VECTOR_DECODES)
			ck_assert_msg(err != RSIP_OK || strcmp(text, vec->expect) != 0, "%s %s: bit %zu is not read", vec->where,
			    vec->title, bit);
		free(text);
		bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bent);
}
END_TEST

START_TEST(test_byte_values)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	const struct vector *vec = &vectors.list[_i];
	uint8_t *bent = copy_of(vec, vec->len);

	for (size_t at = 0; at < vec->len; at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			bent[at] = values[v];
			check_fault(vec, "byte", at, codec_fault(bent, vec->len, NULL, NULL));
		}
		bent[at] = vec->bytes[at];
	}
	free(bent);
}
END_TEST

/* ---- random messages ---- */

START_TEST(test_round_trip)
{
	static struct rsip_message back;
	static uint8_t again[RSIP_MESSAGE_MAX];

	for (unsigned seed = 0; seed < RANDOM_MESSAGES; seed++) {
		char *sent, *received;
		size_t n;

		random_message(&msg, seed);
		n = message_encode(&msg, wire, sizeof(wire));
		ck_assert_msg(n > 0, "seed %u: %s cannot be encoded", seed, rsip_msg_name(msg.type));
		ck_assert_int_eq(message_frame_len(wire, n), (int)n);
		ck_assert_msg(message_decode(&back, wire, n) == RSIP_OK, "seed %u: %s cannot be decoded", seed,
		    rsip_msg_name(msg.type));
		sent = codec_text(&msg);
		received = codec_text(&back);
		ck_assert_msg(strcmp(sent, received) == 0, "seed %u:\n sent     %s\n received %s", seed, sent, received);
		free(sent);
		free(received);
		ck_assert_uint_eq(message_encode(&back, again, sizeof(again)), n);
		ck_assert_mem_eq(wire, again, n);
		ck_assert_uint_eq(msg.auth.mac_offset, back.auth.mac_offset);
	}
}
END_TEST

/* Random bytes behind a good header, mostly of known types and sound lengths, so that they get past the first checks. */
START_TEST(test_random_bytes)
{
	srandom(20260101);
	for (int i = 0; i < 50000; i++) {
		size_t len = RSIP_HEADER_LEN;

		wire[0] = RSIP_VERSION;
		wire[1] = (uint8_t)(1 + random() % 24);
		while (len < 100 && random() % 12 != 0) {
			size_t value_len = (size_t)(random() % 3 == 0 ? random() % 12 : 4);

			wire[len] = (uint8_t)(random() % 24);
			wire[len + 1] = 0;
			wire[len + 2] = (uint8_t)value_len;
			for (size_t k = 0; k < value_len; k++)
				wire[len + 3 + k] = (uint8_t)(random() % 4 == 0 ? random() : random() % 5);
			len += 3 + value_len;
		}
		set_overall_length(wire, len);
		const char *fault = codec_fault(wire, len, NULL, NULL);
		ck_assert_msg(fault == NULL, "message %d: %s", i, fault);
	}
}
END_TEST

/* ---- the encoder says no to what the decoder would refuse ---- */

START_TEST(test_no_room)
{
	random_message(&msg, 7);
	size_t n = message_encode(&msg, wire, sizeof(wire));

	ck_assert_uint_gt(n, 0);
	for (size_t cap = 0; cap < n; cap += n < 2000 ? 1 : 97) {
		uint8_t *space = malloc(cap > 0 ? cap : 1);

		ck_assert_uint_eq(message_encode(&msg, space, cap), 0);
		free(space);
	}
	ck_assert_uint_eq(message_encode(&msg, wire, n), n);
}
END_TEST

START_TEST(test_longer_than_any_message)
{
	static uint8_t space[2 * RSIP_MESSAGE_MAX];

	message_init(&msg, RSIP_QUERY_REQUEST);
	msg.has_client_id = true;
	for (msg.n_tuples = 0; msg.n_tuples < RSIP_TUPLE_MAX; msg.n_tuples++)
		msg.tuples[msg.n_tuples] = (struct rsip_tuple) { .indicator = 1, .addr = { .type = RSIP_ADDR_IPV4, .ip4 = 1 } };
	ck_assert_uint_eq(message_encode(&msg, space, sizeof(space)), 0);
	msg.n_tuples = (RSIP_MESSAGE_MAX - 11) / 13; /* a client ID, and tuples of 5 + 8 bytes */
	ck_assert_uint_eq(message_encode(&msg, space, sizeof(space)), 11 + 13 * msg.n_tuples);
	msg.n_tuples++;
	ck_assert_uint_eq(message_encode(&msg, space, sizeof(space)), 0);
}
END_TEST

/* The largest SPI list that a decoder can meet, in a place where it does not belong. */
START_TEST(test_longest_spi_list)
{
	size_t values = (RSIP_MESSAGE_MAX - 4 - 3 - 2) / 4, len = 4 + 3 + 2 + 4 * values;

	memset(wire, 0, sizeof(wire));
	wire[0] = RSIP_VERSION;
	wire[1] = RSIP_ASSIGN_REQUEST_RSIPSEC;
	set_overall_length(wire, len);
	wire[4] = RSIP_PARAM_SPI;
	wire[5] = (uint8_t)((2 + 4 * values) >> 8);
	wire[6] = (uint8_t)(2 + 4 * values);
	wire[7] = (uint8_t)(values >> 8);
	wire[8] = (uint8_t)values;
	ck_assert_int_eq(message_decode(&msg, wire, len), RSIP_MISSING_PARAM);
	struct rsip_spis *spis = malloc(sizeof(*spis)); /* by itself, so that a write past its end is seen */
	ck_assert(!param_read_spis((struct rbuf) { .pos = wire + 7, .end = wire + len }, spis));
	free(spis);
}
END_TEST

static void
good_listen_response(void)
{
	message_init(&msg, RSIP_LISTEN_RESPONSE);
	msg.has_client_id = msg.has_bind_id = msg.has_lease_time = true;
	msg.local_addr = (struct rsip_address) { .type = RSIP_ADDR_IPV4, .ip4 = 1 };
	msg.remote_addr = (struct rsip_address) { .type = RSIP_ADDR_IPV4, .any = true };
	msg.local_ports = (struct rsip_ports) { .form = RSIP_LIST_RANGE, .number = 2, .port = { 4096 } };
	msg.remote_ports = (struct rsip_ports) { .form = RSIP_LIST_DONT_CARE, .number = 1 };
	msg.n_tunnels = 1;
	msg.tunnels[0] = RSIP_TUNNEL_GRE;
}

/* Each line makes the good message one that must not be sent. */
START_TEST(test_encoder_refuses)
{
	for (int fault = 0;; fault++) {
		good_listen_response();
		switch (fault) {
		case 0: msg.type = 0; break;
		case 1: msg.type = 18; break;
		case 2: msg.has_client_id = false; break;
		case 3: msg.has_bind_id = false; break;
		case 4: msg.has_lease_time = false; break;
		case 5: msg.local_addr.type = 0; break;
		case 6: msg.local_addr.type = 5; break;
		case 7: msg.remote_addr.type = 0; break;
		case 8: msg.local_ports.form = RSIP_LIST_ABSENT; break;
		case 9: msg.local_ports.form = RSIP_LIST_DONT_NEED; msg.local_ports.number = 0; break;
		case 10: msg.local_ports.form = 9; break;
		case 11: msg.local_ports.number = 0; break;
		case 12: msg.local_ports.port[0] = 0; break;
		case 13: msg.local_ports.port[0] = 65535; break;
		case 14: msg.local_ports.form = RSIP_LIST_EACH; msg.local_ports.port[1] = 0; break;
		case 15: msg.local_ports.form = RSIP_LIST_EACH; msg.local_ports.port[1] = 4096; break;
		case 16: msg.local_ports.form = RSIP_LIST_EACH; msg.local_ports.number = 1; break;
		case 17: msg.remote_ports.number = 0; break;
		case 18: msg.n_tunnels = 0; break;
		case 19: msg.n_tunnels = 2; msg.tunnels[1] = 1; break;
		case 20: msg.tunnels[0] = 0; break;
		case 21: msg.endpoint = (struct rsip_address) { .type = RSIP_ADDR_FQDN, .fqdn = "a..b", .fqdn_len = 4 }; break;
		case 22: msg.auth = (struct rsip_auth) { .algorithm = 2 }; break;
		case 23: msg.remote_ports = (struct rsip_ports) { .form = RSIP_LIST_DONT_NEED }; break;
		default:
			ck_assert_int_eq(fault, 24);
			ck_assert_uint_gt(message_encode(&msg, wire, sizeof(wire)), 0);
			return;
		}
		ck_assert_msg(message_encode(&msg, wire, sizeof(wire)) == 0, "fault %d was encoded", fault);
	}
}
END_TEST

START_TEST(test_encoder_refuses_other_messages)
{
	message_init(&msg, RSIP_ERROR_RESPONSE);
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);

	message_init(&msg, RSIP_REGISTER_RESPONSE);
	msg.has_client_id = msg.has_lease_time = msg.has_flow_policy = true;
	msg.local_flow = 1;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.remote_flow = 3;
	ck_assert_uint_gt(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.n_methods = 2;
	msg.methods[0] = msg.methods[1] = 2;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);

	message_init(&msg, RSIP_REGISTER_REQUEST);
	msg.hostname = "a\nb";
	msg.hostname_len = 3;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);

	message_init(&msg, RSIP_QUERY_REQUEST);
	msg.has_client_id = true;
	msg.n_tuples = 1;
	msg.tuples[0] = (struct rsip_tuple) { .indicator = 2, .addr = { .type = RSIP_ADDR_IPV4 } };
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.tuples[0].netmask.type = RSIP_ADDR_IPV4_NETMASK;
	ck_assert_uint_gt(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.tuples[0].netmask.ip4 = 0xff00ff00;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.tuples[0].netmask.ip4 = 0xff000000;
	msg.tuples[0].addr.any = true;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);
	msg.tuples[0].addr.any = false;
	msg.tuples[0].indicator = 3;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 0);
}
END_TEST

START_TEST(test_encoder_refuses_rsipsec)
{
	for (int fault = 0; fault < 7; fault++) {
		good_listen_response();
		msg.type = RSIP_ASSIGN_RESPONSE_RSIPSEC;
		msg.local_ports = (struct rsip_ports) { .form = RSIP_LIST_DONT_NEED };
		msg.spis.form = RSIP_LIST_EACH;
		msg.spis.number = 2;
		msg.spis.spi[0] = 256;
		msg.spis.spi[1] = 257;
		msg.has_cookie = true;
		ck_assert_uint_gt(message_encode(&msg, wire, sizeof(wire)), 0);
		switch (fault) {
		case 0: msg.spis.form = RSIP_LIST_ABSENT; break;
		case 1: msg.spis.number = 0; break;
		case 2: msg.spis.spi[1] = 256; break;
		case 3: msg.spis.form = RSIP_LIST_RANGE; msg.spis.spi[0] = UINT32_MAX; break;
		case 4: msg.spis.number = RSIP_SPI_LIST_MAX + 1; break;
		case 5: msg.cookie_value = 1; break;
		case 6: msg.local_ports.number = 1; break;
		}
		ck_assert_msg(message_encode(&msg, wire, sizeof(wire)) == 0, "fault %d was encoded", fault);
	}
}
END_TEST

/* A message has room for some fields; what else is set does not get into it. */
START_TEST(test_encoder_passes_over)
{
	message_init(&msg, RSIP_DE_REGISTER_REQUEST);
	msg.has_client_id = msg.has_bind_id = msg.has_lease_time = true;
	msg.n_tunnels = msg.n_methods = 1;
	msg.hostname = msg.error_text = "alpha";
	msg.hostname_len = msg.error_text_len = 5;
	msg.has_cookie = msg.has_move = true;
	msg.ike_listener = 1;
	ck_assert_uint_eq(message_encode(&msg, wire, sizeof(wire)), 4 + 7);
}
END_TEST

/* ---- the rest of message.h ---- */

START_TEST(test_frame_len)
{
	const uint8_t bytes[] = { 1, 2, 0x12, 0x34, 0xff };

	for (size_t len = 0; len < RSIP_HEADER_LEN; len++)
		ck_assert_int_eq(message_frame_len(bytes, len), 0);
	ck_assert_int_eq(message_frame_len(bytes, 4), 0x1234);
	ck_assert_int_eq(message_frame_len(bytes, 5), 0x1234);
	ck_assert_int_eq(message_frame_len("\1\2\0\4", 4), 4);
	ck_assert_int_eq(message_frame_len("\1\2\0\3", 4), -1);
	ck_assert_int_eq(message_frame_len("\1\2\0\0", 4), -1);
	ck_assert_int_eq(message_frame_len("\1\2\377\377", 4), 65535);
}
END_TEST

START_TEST(test_requests_and_responses)
{
	for (int type = -1; type <= 256; type++) {
		const char *name = rsip_msg_name(type), *dash = strstr(name, "_REQUEST");
		char response[64];

		ck_assert_int_eq(grammar_of(type) != NULL, strcmp(name, "UNKNOWN") != 0);
		ck_assert_int_eq(rsip_msg_is_request(type), dash != NULL);
		if (dash == NULL) {
			ck_assert_int_eq(rsip_msg_response_to(type), 0);
			continue;
		}
		snprintf(response, sizeof(response), "%.*s_RESPONSE%s", (int)(dash - name), name, dash + strlen("_REQUEST"));
		ck_assert_str_eq(rsip_msg_name(rsip_msg_response_to(type)), response);
	}
}
END_TEST

START_TEST(test_vendor_id)
{
	message_init(&msg, RSIP_REGISTER_REQUEST);
	msg.hostname = "alpha";
	msg.hostname_len = 5;
	message_set_vendor_id(0x1234);
	size_t n = message_encode(&msg, wire, sizeof(wire));
	ck_assert_uint_eq(n, 4 + 3 + 4 + 5);
	ck_assert_uint_eq(wire[7], 0x12);
	ck_assert_uint_eq(wire[8], 0x34);
	ck_assert_int_eq(message_decode(&msg, wire, n), RSIP_OK);
	ck_assert_uint_eq(msg.hostname_len, 5);
	message_set_vendor_id(RSIP_VENDOR_ID_DEFAULT);
	ck_assert_int_eq(message_decode(&msg, wire, n), RSIP_OK);
	ck_assert_uint_eq(msg.hostname_len, 0);
}
END_TEST

START_TEST(test_mac_offset)
{
	message_init(&msg, RSIP_DE_REGISTER_REQUEST);
	msg.has_client_id = true;
	msg.auth = (struct rsip_auth) { .algorithm = 1, .identity = "bob", .identity_len = 3, .counter = 5 };
	size_t n = message_encode(&msg, wire, sizeof(wire));
	ck_assert_uint_eq(msg.auth.mac_offset, n - 16);
	memset(wire + n - 16, 0xab, 16);
	ck_assert_int_eq(message_decode(&msg, wire, n), RSIP_OK);
	ck_assert_uint_eq(msg.auth.mac_offset, n - 16);
	ck_assert_uint_eq(msg.auth.mac[0], 0xab);
	ck_assert_uint_eq(msg.auth.mac[15], 0xab);
}
END_TEST

START_TEST(test_str)
{
	char text[256];
	char small[8];

	good_listen_response();
	ck_assert_str_eq(message_str(&msg, text, sizeof(text)),
	    "LISTEN_RESPONSE client_id=0 bind_id=0 local_address=0.0.0.1 local_ports=4096-4097 remote_address=any "
	    "remote_ports=any lease_time=0 tunnels=gre");
	ck_assert_str_eq(message_str(&msg, small, sizeof(small)), "LISTEN_");
	message_init(&msg, 0);
	msg.type = 77;
	ck_assert_str_eq(message_str(&msg, text, sizeof(text)), "UNKNOWN");
}
END_TEST

static Suite *
message_suite(void)
{
	Suite *s = suite_create("message");
	TCase *good = tcase_create("vectors"), *bent = tcase_create("bent"), *other = tcase_create("other");
	int n = (int)vectors.n;

	tcase_add_loop_test(good, test_vector, 0, n);
	tcase_add_loop_test(bent, test_truncated, 0, n);
	tcase_add_loop_test(bent, test_bit_flips, 0, n);
	tcase_add_loop_test(bent, test_byte_values, 0, n);
	tcase_add_test(other, test_round_trip);
	tcase_add_test(other, test_random_bytes);
	tcase_add_test(other, test_no_room);
	tcase_add_test(other, test_longer_than_any_message);
	tcase_add_test(other, test_longest_spi_list);
	tcase_add_test(other, test_encoder_refuses);
	tcase_add_test(other, test_encoder_refuses_other_messages);
	tcase_add_test(other, test_encoder_refuses_rsipsec);
	tcase_add_test(other, test_encoder_passes_over);
	tcase_add_test(other, test_frame_len);
	tcase_add_test(other, test_requests_and_responses);
	tcase_add_test(other, test_vendor_id);
	tcase_add_test(other, test_mac_offset);
	tcase_add_test(other, test_str);
	suite_add_tcase(s, good);
	suite_add_tcase(s, bent);
	suite_add_tcase(s, other);
	return s;
}

int
main(void)
{
	const char *srcdir = getenv("srcdir");
	char dir[1024];
	SRunner *runner;
	int failed;

	snprintf(dir, sizeof(dir), "%s/vectors", srcdir != NULL ? srcdir : ".");
	vectors_load(&vectors, dir);
	runner = srunner_create(message_suite());
	srunner_set_fork_status(runner, CK_NOFORK); /* two thousand forks would take a minute */
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(&vectors);
	return failed == 0 ? 0 : 1;
}
