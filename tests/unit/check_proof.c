/* What the gateway makes of a request's authentication: who is served, who is refused and with which error, what a replay
 * gets, whose allowance a forged request uses up. Requests go into request_handle and never over a network. */
#include <check.h>
#include <string.h>

#include "authentication.h"
#include "farewell.h"
#include "gateway_fixture.h"
#include "message.h"
#include "rate.h"
#include "registration.h"
#include "request.h"
#include "run_suite.h"

#define GATEWAY 0x0a000001 /* 10.0.0.1 */
#define HOST 0x0a00000b    /* 10.0.0.11, must authenticate */
#define FREE_HOST 0x0a00010b /* 10.0.1.11, may */
#define PORT 40000
#define RATE 10

static const char conf_text[] =
    "pool \"p\" { addresses = { \"203.0.113.8\" } methods = { \"rsap-ip\" } }\n"
    "policy \"default\" { pools = { \"p\" } rate = 10 }\n"
    "host \"10.0.0.0/24\" { policy = \"default\" authentication = \"required\" }\n"
    "host \"10.0.1.0/24\" { policy = \"default\" }\n"
    "host \"10.0.2.1\" { policy = \"default\" identity = \"laptop\" key-file = \"/key\" }\n"
    "host \"10.0.2.2\" { policy = \"default\" identity = \"phone\" key-file = \"/key\" }\n";

static struct fixture f;
static struct stats stats;
static struct service service;
static uint64_t counter;
static uint32_t message_counter;

/* The latest request, and what it got. */
static uint8_t request[RSIP_MESSAGE_MAX], response[RSIP_MESSAGE_MAX];
static size_t request_len, response_len;
static struct rsip_message got;

static struct authentication_key
key_of(const char *identity)
{
	struct authentication_key key = { .len = 32 };

	memset(key.bytes, identity[0], key.len);
	return key;
}

static void
put_keys(void)
{
	for (size_t i = 0; i < f.conf->n_hosts; i++) {
		if (f.conf->hosts[i].identity != NULL)
			f.conf->hosts[i].key = key_of(f.conf->hosts[i].identity);
	}
}

static void
setup(void)
{
	fixture_start(&f, conf_text);
	put_keys();
	stats = (struct stats){ 0 };
	service = (struct service){ .ledger = &f.ledger, .stats = &stats, .rates = rate_table_new(),
	                            .farewell = farewell_new() };
	counter = 1000;
	message_counter = 0;
}

static void
teardown(void)
{
	rate_table_free(service.rates);
	farewell_free(service.farewell);
	fixture_end(&f);
}

static struct requester
from_host(ip4_t host_addr)
{
	return (struct requester){ .host_addr = host_addr, .gateway_addr = GATEWAY, .port = PORT, .transport = RSIP_UDP };
}

/* Hands request[] in. Returns its error, RSIP_OK for a response that is none, -1 for none at all. */
static int
hand_in(ip4_t host_addr)
{
	const struct requester from = from_host(host_addr);

	response_len = request_handle(&service, &from, request, request_len, response, sizeof(response));
	if (response_len == 0)
		return -1;
	ck_assert_int_eq(message_decode(&got, response, response_len), RSIP_OK);
	return got.type == RSIP_ERROR_RESPONSE ? got.error : RSIP_OK;
}

/* A request that the identity signs at host_addr, or nobody when that is NULL, into request[]. */
static void
make(enum rsip_msg_type type, ip4_t host_addr, const char *identity)
{
	const struct authentication_scope scope = { AUTHENTICATION_REQUEST, host_addr, GATEWAY, NULL };
	const struct session *s = session_find(&f.ledger.sessions, host_addr);
	static struct rsip_message m;

	message_init(&m, type);
	m.has_counter = true;
	m.counter = ++message_counter;
	m.has_client_id = s != NULL && type != RSIP_REGISTER_REQUEST;
	m.client_id = s != NULL ? s->client_id : 0;
	request_len = message_encode(&m, request, sizeof(request));
	ck_assert_uint_gt(request_len, 0);
	if (identity != NULL) {
		struct authentication_key key = key_of(identity);

		request_len = authentication_append(&key, &scope, identity, ++counter, request, request_len, sizeof(request));
		ck_assert_uint_gt(request_len, 0);
	}
}

static int
ask(enum rsip_msg_type type, ip4_t host_addr, const char *identity)
{
	make(type, host_addr, identity);
	return hand_in(host_addr);
}

/* Whether the response proves that it is the gateway's answer to what request[] begins with. */
static bool
answer_is_proven(const char *identity, ip4_t host_addr, uint64_t *told)
{
	size_t whole = message_whole_len(request, request_len);
	const struct authentication_scope scope = { AUTHENTICATION_RESPONSE, host_addr, GATEWAY,
	                                            request + whole - RSIP_MAC_LEN };
	struct authentication_key key = key_of(identity);
	struct rsip_auth auth;

	if (!authentication_find(response, response_len, &auth))
		return false;
	*told = auth.counter;
	return authentication_holds(&key, &scope, response, &auth);
}

START_TEST(proven_is_served)
{
	uint64_t told;

	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert(answer_is_proven("laptop", HOST, &told));
	ck_assert_uint_eq(told, counter);
	ck_assert_str_eq(session_find(&f.ledger.sessions, HOST)->identity->name, "laptop");
}
END_TEST

/* RFC 3103 has two errors for it: 304 before a registration, 305 in one. */
START_TEST(what_does_not_prove_enough)
{
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, NULL), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(stats.auth_missing, 1);
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "someone"), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(stats.auth_unknown, 1);
	make(RSIP_REGISTER_REQUEST, HOST, "laptop");
	request[request_len - 1] ^= 1;
	ck_assert_int_eq(hand_in(HOST), RSIP_REGISTRATION_DENIED);
	make(RSIP_REGISTER_REQUEST, HOST, "laptop"); /* for another address than it comes from */
	ck_assert_int_eq(hand_in(HOST + 1), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(stats.auth_wrong, 2);
	ck_assert_uint_eq(session_count(&f.ledger.sessions), 0);
	ck_assert(!authentication_find(response, response_len, &got.auth)); /* nobody to prove anything to */

	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, NULL), RSIP_BAD_CLIENT_ID);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, "phone"), RSIP_BAD_CLIENT_ID);
	ck_assert_uint_eq(stats.auth_foreign, 1);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, "laptop"), RSIP_OK);
}
END_TEST

/* A duplicate gets the answer that was kept; all else that was accepted before gets the lowest counter that would do. */
START_TEST(replays)
{
	uint8_t first[RSIP_MESSAGE_MAX], kept[RSIP_MESSAGE_MAX];
	size_t first_len, kept_len;
	uint64_t told;

	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	first_len = request_len;
	memcpy(first, request, first_len);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, "laptop"), RSIP_OK);
	kept_len = response_len;
	memcpy(kept, response, kept_len);
	ck_assert_int_eq(hand_in(HOST), RSIP_OK);
	ck_assert_uint_eq(response_len, kept_len);
	ck_assert_mem_eq(response, kept, kept_len);
	ck_assert_uint_eq(stats.auth_replayed, 0);

	memcpy(request, first, first_len);
	request_len = first_len;
	ck_assert_int_eq(hand_in(HOST), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(stats.auth_replayed, 1);
	ck_assert(answer_is_proven("laptop", HOST, &told));
	ck_assert_uint_eq(told, counter + 1);
}
END_TEST

/* After a restart too: the counter is in the database before the answer is sent. */
START_TEST(replay_after_a_restart)
{
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_DE_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert(store_commit(f.store));
	fixture_restart(&f);
	counter -= 2;
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(stats.auth_replayed, 1);
	counter++;
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
}
END_TEST

/* Whoever forges the address of a host that authenticates does not use up what that host may ask for. */
START_TEST(forged_requests_are_not_the_hosts)
{
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	for (unsigned i = 0; i < 3 * RATE; i++) {
		ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, NULL), RSIP_BAD_CLIENT_ID);
		make(RSIP_QUERY_REQUEST, HOST, "laptop");
		request[request_len - 1] ^= 1;
		ck_assert_int_eq(hand_in(HOST), RSIP_BAD_CLIENT_ID);
	}
	for (unsigned i = 1; i < RATE; i++)
		ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, HOST, "laptop"), RSIP_UNKNOWN_ERROR); /* its own are still counted */
}
END_TEST

/* Together, those that forge addresses have one small allowance. */
START_TEST(forged_requests_are_limited)
{
	unsigned served = 0;

	for (unsigned i = 0; i < 1000; i++)
		served += ask(RSIP_REGISTER_REQUEST, HOST + i % 100, NULL) == RSIP_REGISTRATION_DENIED;
	ck_assert_uint_gt(served, 0);
	ck_assert_uint_lt(served, 500);
}
END_TEST

/* A host that need not authenticate has its registration for itself from its first proof on; but not while that cannot be
 * written down. */
START_TEST(claimed_by_the_first_proof)
{
	struct session *s;

	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, FREE_HOST, NULL), RSIP_OK);
	ck_assert(store_commit(f.store));
	s = session_find(&f.ledger.sessions, FREE_HOST);
	service.read_only = true;
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, FREE_HOST, "laptop"), RSIP_OK);
	ck_assert_ptr_null(s->identity);
	ck_assert_uint_eq(s->unwritten, 0);
	service.read_only = false;
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, FREE_HOST, NULL), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, FREE_HOST, "laptop"), RSIP_OK);
	ck_assert_str_eq(s->identity->name, "laptop");
	ck_assert_int_eq(ask(RSIP_QUERY_REQUEST, FREE_HOST, NULL), RSIP_BAD_CLIENT_ID);
}
END_TEST

/* An identity has one registration. From elsewhere it can only end it, or move. */
START_TEST(one_registration_for_an_identity)
{
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST, "laptop"), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST + 1, "laptop"), RSIP_ALREADY_REGISTERED);
	ck_assert_uint_eq(got.client_id, session_find(&f.ledger.sessions, HOST)->client_id);
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST + 1, "phone"), RSIP_OK);
	ck_assert_int_eq(ask(RSIP_REGISTER_REQUEST, HOST + 1, "laptop"), RSIP_REGISTRATION_DENIED);
	ck_assert_uint_eq(session_count(&f.ledger.sessions), 2);
}
END_TEST

/* What is sent in the place of a response that could not be committed proves itself as that would have: to the request,
 * and not to what may stand behind that in the datagram. */
START_TEST(regret)
{
	const struct requester from = from_host(HOST);
	uint64_t told;

	make(RSIP_REGISTER_REQUEST, HOST, "laptop");
	memset(request + request_len, 0x55, 20);
	request_len += 20;
	ck_assert_int_eq(hand_in(HOST), RSIP_OK);
	response_len = request_failed(&service, &from, request_mac(request, request_len), response, response_len, sizeof(response));
	ck_assert_int_eq(message_decode(&got, response, response_len), RSIP_OK);
	ck_assert_int_eq(got.error, RSIP_INTERNAL_SERVER_ERROR);
	ck_assert(answer_is_proven("laptop", HOST, &told));
	ck_assert_uint_eq(told, counter);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("proof");
	TCase *all = tcase_create("proof");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, proven_is_served);
	tcase_add_test(all, what_does_not_prove_enough);
	tcase_add_test(all, replays);
	tcase_add_test(all, replay_after_a_restart);
	tcase_add_test(all, forged_requests_are_not_the_hosts);
	tcase_add_test(all, forged_requests_are_limited);
	tcase_add_test(all, claimed_by_the_first_proof);
	tcase_add_test(all, one_registration_for_an_identity);
	tcase_add_test(all, regret);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
