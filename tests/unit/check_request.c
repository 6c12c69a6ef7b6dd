/* Requests of the longest kind: what is granted can also be told. */
#include <check.h>

#include "farewell.h"
#include "gateway_fixture.h"
#include "message.h"
#include "rate.h"
#include "request.h"
#include "run_suite.h"

#define HOST 0x0a00000b /* 10.0.0.11 */
#define FIRST_SPI 0x20000000

static const char conf_text[] = "pool \"p\" { addresses = { \"203.0.113.8\" } methods = { \"rsipsec\" } }\n"
                                "policy \"p\" { pools = { \"p\" } max-spis = 65535 }\n"
                                "host \"10.0.0.0/24\" { policy = \"p\" }\n";

static struct fixture f;
static struct stats stats;
static struct service service;
static struct rsip_message request, got;

static void
setup(void)
{
	fixture_start(&f, conf_text);
	service = (struct service){ .ledger = &f.ledger, .stats = &stats, .rates = rate_table_new(),
	                            .farewell = farewell_new() };
}

static void
teardown(void)
{
	rate_table_free(service.rates);
	farewell_free(service.farewell);
	fixture_end(&f);
}

/* Hands the request in; the answer goes into got. */
static void
ask(void)
{
	static const struct requester from = { .host_addr = HOST, .gateway_addr = 0x0a000001, .transport = RSIP_TCP };
	static uint8_t bytes[RSIP_MESSAGE_MAX], answer[RSIP_MESSAGE_MAX];
	size_t len = message_encode(&request, bytes, sizeof(bytes));

	ck_assert_uint_gt(len, 0);
	len = request_handle(&service, &from, bytes, len, answer, sizeof(answer));
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(message_decode(&got, answer, len), RSIP_OK);
}

/* So many SPIs, one by one, the last of them apart from the others. */
static void
ask_for_spis(uint16_t n)
{
	uint32_t client_id;

	message_init(&request, RSIP_REGISTER_REQUEST);
	ask();
	ck_assert_int_eq(got.type, RSIP_REGISTER_RESPONSE);
	client_id = got.client_id;
	message_init(&request, RSIP_ASSIGN_REQUEST_RSIPSEC);
	request.has_client_id = true;
	request.client_id = client_id;
	request.local_addr = request.remote_addr = (struct rsip_address){ .type = RSIP_ADDR_IPV4, .any = true };
	request.local_ports.form = request.remote_ports.form = RSIP_LIST_DONT_NEED;
	request.spis.form = RSIP_LIST_EACH;
	request.spis.number = n;
	for (uint32_t i = 0; i < n; i++)
		request.spis.spi[i] = FIRST_SPI + i + (i + 1 == n);
	ask();
}

START_TEST(many_spis)
{
	ask_for_spis(16000);
	ck_assert_msg(got.type == RSIP_ASSIGN_RESPONSE_RSIPSEC, "%.*s", got.error_text_len, got.error_text);
	ck_assert_uint_eq(got.spis.number, 16000);
	ck_assert_uint_eq(got.spis.spi[15999], FIRST_SPI + 16000);
	fixture_check(&f);
}
END_TEST

/* The request fits into a message; the answer would not. */
START_TEST(more_spis_than_an_answer_holds)
{
	ask_for_spis(16373);
	ck_assert_int_eq(got.type, RSIP_ERROR_RESPONSE);
	ck_assert_int_eq(got.error, RSIP_IPSEC_SPI_UNAVAILABLE);
	ck_assert_uint_eq(binding_count(&f.ledger.bindings), 0);
	fixture_check(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many_spis);
	tcase_add_test(tc, more_spis_than_an_answer_holds);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
