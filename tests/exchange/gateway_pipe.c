/* The gateway of check_network: all of rsipd's control process but its sockets, at two pipes. See gateway_pipe.h. An
 * assertion that fails in here is told on stderr and ends the process, which the test at the other end sees. */
#include "gateway_pipe.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/gateway_fixture.h"
#include "clock.h"
#include "expire.h"
#include "farewell.h"
#include "lease.h"
#include "message.h"
#include "notices.h"
#include "proof.h"
#include "rate.h"
#include "request.h"

static const char conf_text[] =
    "pool \"p\" { addresses = { \"203.0.113.8-203.0.113.9\" } methods = { \"rsap-ip\" } ports = \"1024-2047\" }\n"
    "policy \"default\" { pools = { \"p\" } rate = 1000 registration = \"5m\" lease = \"2m\" max-ports = 400 }\n"
    "host \"10.0.0.0/24\" { policy = \"default\" }\n"
    "host \"10.0.0.11\" { policy = \"default\" identity = \"host-0\" key-file = \"/key\" }\n"
    "host \"10.0.0.12\" { policy = \"default\" identity = \"host-1\" key-file = \"/key\" }\n"
    "host \"10.0.1.0/24\" { policy = \"default\" authentication = \"required\" }\n"
    "local-networks = { \"10.0.0.0/8\" }\n";

static struct fixture f;
static struct service service;
static struct stats stats;

static void
put(const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, stdout) != len)
		exit(1);
}

static void
put_datagram(ip4_t host_addr, uint16_t port, const uint8_t *bytes, size_t len)
{
	struct gateway_pipe_frame frame = { .kind = GP_DATAGRAM, .host_addr = host_addr, .port = port,
	                                    .len = (uint32_t)len };

	put(&frame, sizeof(frame));
	put(bytes, len);
}

static void
notify(const struct session *s, uint8_t bytes[NOTICE_MAX], size_t len)
{
	len = proof_notice(&f.ledger, s, bytes, len, NOTICE_MAX);
	put_datagram(s->host_addr, replay_port(&s->replay), bytes, len);
}

static void
start(void)
{
	notices_begin(&f.ledger, notify);
	service = (struct service){ .ledger = &f.ledger, .stats = &stats, .rates = rate_table_new(),
	                            .farewell = farewell_new() };
}

static void
stop(void)
{
	rate_table_free(service.rates);
	farewell_free(service.farewell);
}

static void
serve(const struct gateway_pipe_frame *frame)
{
	static uint8_t request[RSIP_MESSAGE_MAX], response[RSIP_MESSAGE_MAX];
	const struct requester from = { .host_addr = frame->host_addr, .gateway_addr = 0x0a000001,
	                                .port = (uint16_t)frame->port, .transport = RSIP_UDP };

	if (frame->len > sizeof(request) || fread(request, 1, frame->len, stdin) != frame->len)
		exit(1);
	size_t len = request_handle(&service, &from, request, frame->len, response, sizeof(response));
	if (len > 0)
		put_datagram(frame->host_addr, (uint16_t)frame->port, response, len);
}

/* In the place of key files. */
static void
put_keys(void)
{
	char identity[8];

	for (unsigned n = 0; n < 2; n++) {
		struct authentication_key key = { .len = GATEWAY_PIPE_KEY_LEN };

		gateway_pipe_identity(n, identity, key.bytes);
		for (size_t i = 0; i < f.conf->n_hosts; i++) {
			if (f.conf->hosts[i].identity != NULL && strcmp(f.conf->hosts[i].identity, identity) == 0)
				f.conf->hosts[i].key = key;
		}
	}
}

static void
restart(bool forget)
{
	stop();
	if (forget) {
		fixture_end(&f);
		fixture_start(&f, conf_text);
		put_keys();
	} else {
		fixture_restart(&f);
	}
	start();
}

static void
free_binding(uint32_t bind_id)
{
	struct binding *b = binding_find(&f.ledger.bindings, bind_id);

	if (b == NULL)
		return;
	f.ledger.events.binding_ended(f.ledger.events.arg, b->session, b);
	lease_end(&f.ledger, b, LEASE_BY_OPERATOR);
}

static void
list(void)
{
	struct binding_cursor cursor;
	const struct binding *b;

	binding_cursor_start(&cursor, &f.ledger.bindings);
	while ((b = binding_cursor_next(&cursor)) != NULL) {
		struct gateway_pipe_frame frame = { .kind = GP_BINDING, .host_addr = b->session->host_addr,
		                                    .bind_id = b->bind_id, .port = binding_ports(b)[0].first,
		                                    .len = binding_port_count(b) };
		put(&frame, sizeof(frame));
	}
}

static void
obey(const struct gateway_pipe_frame *frame)
{
	switch (frame->kind) {
	case GP_DATAGRAM: serve(frame); break;
	case GP_RESTART:
	case GP_FORGET: restart(frame->kind == GP_FORGET); break;
	case GP_FREE: free_binding(frame->bind_id); break;
	case GP_LIST: list(); break;
	default: break;
	}
}

START_TEST(gateway)
{
	const struct gateway_pipe_frame end = { .kind = GP_END };
	struct gateway_pipe_frame frame;
	int64_t now = -1;

	fixture_start(&f, conf_text);
	put_keys();
	start();
	while (fread(&frame, sizeof(frame), 1, stdin) == 1) {
		fixture_pass_ms(now < 0 ? 0 : frame.now - now);
		now = frame.now;
		expire_due(&f.ledger);
		obey(&frame);
		ck_assert(store_commit(f.store));
		fixture_check(&f);
		put(&end, sizeof(end));
		fflush(stdout);
	}
	stop();
	fixture_end(&f);
}
END_TEST

/* A test for Check, in this process, since the fixture asserts; nothing but frames may be written to the pipe. */
int
main(void)
{
	Suite *suite = suite_create("gateway_pipe");
	TCase *tc = tcase_create("gateway_pipe");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, gateway);
	suite_add_tcase(suite, tc);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	if (failed > 0)
		fprintf(stderr, "gateway: %s\n", tr_msg(srunner_failures(runner)[0]));
	srunner_free(runner);
	return failed != 0;
}
