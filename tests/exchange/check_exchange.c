/* Conversations between hosts and a gateway, in protocol notation: each file of this directory is a configuration and
 * the conversations held under it. See README. The gateway is all of the control process but its sockets: requests go
 * into request_handle, what it says comes out after the commit, as it would on the wire. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/gateway_fixture.h"
#include "clock.h"
#include "expire.h"
#include "farewell.h"
#include "mem.h"
#include "message.h"
#include "message_print.h"
#include "names.h"
#include "notation.h"
#include "notices.h"
#include "random.h"
#include "rate.h"
#include "registration.h"
#include "request.h"
#include "script.h"

enum { HOSTS_MAX = 8, MAIL_MAX = 64, MESSAGE_MAX = 4096 };

struct mail {
	uint8_t bytes[MESSAGE_MAX];
	size_t len;
};

/* A host of the conversation, by its name there. */
struct host {
	char name[16];
	struct requester from;
	struct mail last, heard; /* its latest request, the latest thing it heard */
	struct mail box[MAIL_MAX]; /* what has been sent to it and not been looked at */
	size_t n;
	bool waits; /* its request waits for a name */
};

static struct world {
	struct fixture f;
	struct service service;
	struct stats stats;
	struct host hosts[HOSTS_MAX];
	size_t n_hosts;
	struct notation_vars vars;
	char *conf_text;
	const char *file;
	int line;
} w;

static struct script script;

static void
deliver(struct host *host, const uint8_t *bytes, size_t len)
{
	ck_assert_msg(host->n < MAIL_MAX && len <= MESSAGE_MAX, "%s:%d: too much", w.file, w.line);
	memcpy(host->box[host->n].bytes, bytes, len);
	host->box[host->n++].len = len;
}

/* --- the gateway --- */

/* Notices go to the last one that spoke from that address over the transport of the registration. */
static struct host *
addressee(const struct session *s)
{
	for (size_t i = 0; i < w.n_hosts; i++) {
		struct requester *from = &w.hosts[i].from;
		if (from->host_addr == s->host_addr && from->transport == s->transport &&
		    (s->transport == RSIP_TCP || from->port == replay_port(&s->replay)))
			return &w.hosts[i];
	}
	return NULL;
}

static void
notify(const struct session *s, uint8_t bytes[NOTICE_MAX], size_t len)
{
	struct host *host = addressee(s);

	if (host != NULL)
		deliver(host, bytes, len);
}

static void
start_service(void)
{
	notices_begin(&w.f.ledger, notify);
	w.service = (struct service){ .ledger = &w.f.ledger, .stats = &w.stats, .rates = rate_table_new(),
	                              .farewell = farewell_new() };
}

static void
stop_service(void)
{
	rate_table_free(w.service.rates);
	farewell_free(w.service.farewell);
}

static void
turn(void)
{
	ck_assert(store_commit(w.f.store));
	fixture_check(&w.f);
}

static void
ask(struct host *host)
{
	static uint8_t response[RSIP_MESSAGE_MAX];
	size_t len = request_handle(&w.service, &host->from, host->last.bytes, host->last.len, response, sizeof(response));

	turn();
	host->waits = host->from.again = len == REQUEST_LATER;
	if (len > 0 && !host->waits)
		deliver(host, response, len);
}

/* --- the lines of a conversation --- */

static struct host *
find_host(const char *name)
{
	for (size_t i = 0; i < w.n_hosts; i++) {
		if (strcmp(w.hosts[i].name, name) == 0)
			return &w.hosts[i];
	}
	ck_abort_msg("%s:%d: who is %s?", w.file, w.line, name);
	return NULL;
}

/* X1 = 10.0.0.11 tcp, or X1 = 10.0.0.11 udp 5000 [gateway] */
static void
do_host(const char *name, char *rest)
{
	char addr[32], transport[8], gateway[32] = "10.0.0.1";
	unsigned port = 40000;
	struct host *host = &w.hosts[w.n_hosts++];

	ck_assert_uint_le(w.n_hosts, HOSTS_MAX);
	memset(host, 0, sizeof(*host));
	ck_assert_int_ge(sscanf(rest, "%31s %7s %u %31s", addr, transport, &port, gateway), 2);
	snprintf(host->name, sizeof(host->name), "%s", name);
	ck_assert(ip4_parse(addr, &host->from.host_addr) && ip4_parse(gateway, &host->from.gateway_addr));
	host->from.transport = strcmp(transport, "udp") == 0 ? RSIP_UDP : RSIP_TCP;
	host->from.port = (uint16_t)port;
}

static void
do_request(struct host *host, const char *text)
{
	char filled[800];

	notation_fill(&w.vars, text, filled, sizeof(filled));
	host->last.len = notation_encode(filled, host->last.bytes, sizeof(host->last.bytes));
	ask(host);
}

static void
do_bytes(struct host *host, const char *hex)
{
	unsigned byte;
	int used;

	for (host->last.len = 0; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used)
		host->last.bytes[host->last.len++] = (uint8_t)byte;
	ask(host);
}

static void
print_mail(const struct mail *mail, char *text, size_t size)
{
	static struct rsip_message m;

	ck_assert_msg(message_decode(&m, mail->bytes, mail->len) == RSIP_OK, "%s:%d: malformed", w.file, w.line);
	message_str(&m, text, size);
}

/* The latest message is thrown away: nobody hears it. */
static void
do_loss(struct host *host)
{
	ck_assert_msg(host->n > 0, "%s:%d: nothing to lose", w.file, w.line);
	host->n--;
}

static void
do_response(struct host *host, const char *expected)
{
	char text[2000] = "nothing";

	if (strcmp(expected, "nothing") == 0) {
		if (host->n > 0)
			print_mail(&host->box[0], text, sizeof(text));
		ck_assert_msg(host->n == 0, "%s:%d: heard %s", w.file, w.line, text);
		return;
	}
	ck_assert_msg(host->n > 0, "%s:%d: heard nothing", w.file, w.line);
	struct mail before = host->heard;
	host->heard = host->box[0];
	memmove(&host->box[0], &host->box[1], --host->n * sizeof(host->box[0]));
	print_mail(&host->heard, text, sizeof(text));
	ck_assert_msg(strncmp(text, "ERROR_RESPONSE", 14) != 0 || strstr(text, " error_text=\"") != NULL,
	              "%s:%d: an error without a reason for a person: %s", w.file, w.line, text);
	if (strcmp(expected, "same") == 0)
		ck_assert_msg(before.len == host->heard.len && memcmp(before.bytes, host->heard.bytes, before.len) == 0,
		              "%s:%d: not the same: %s", w.file, w.line, text);
	else
		ck_assert_msg(notation_match(&w.vars, text, expected), "%s:%d: heard %s", w.file, w.line, text);
}

/* X registers x: REGISTER_REQUEST with counter 1, and $x is the client ID. */
static void
do_register(struct host *host, const char *name)
{
	char expected[200];

	do_request(host, "REGISTER_REQUEST counter=1");
	snprintf(expected, sizeof(expected), "REGISTER_RESPONSE client_id=$%s lease_time=* local_flow=* remote_flow=* "
	         "methods=* tunnels=* counter=1", name);
	do_response(host, expected);
}

static void
do_pass(const char *seconds)
{
	fixture_pass_ms((int64_t)(strtod(seconds, NULL) * 1000));
	expire_due(&w.f.ledger);
	remote_names_due(w.f.names);
	turn();
}

static void
do_restart(void)
{
	stop_service();
	fixture_restart(&w.f);
	start_service();
}

/* reload OLD => NEW: the configuration with NEW in the place of OLD. */
static void
do_reload(char *change)
{
	char *new = strstr(change, "=>"), *at, *text;
	struct conf *old = w.f.conf;

	ck_assert_msg(new != NULL, "%s:%d: reload what?", w.file, w.line);
	new[-1] = '\0';
	new += new[2] == ' ' ? 3 : 2;
	at = strstr(w.conf_text, change);
	ck_assert_msg(at != NULL, "%s:%d: the configuration has no such text", w.file, w.line);
	text = calloc(1, strlen(w.conf_text) + strlen(new) + 1);
	sprintf(text, "%.*s%s%s", (int)(at - w.conf_text), w.conf_text, new, at + strlen(change));
	free(w.conf_text);
	w.conf_text = text;
	w.f.conf = fixture_conf(text);
	registration_set_conf(&w.f.ledger, w.f.conf);
	conf_free(old);
	expire_due(&w.f.ledger);
	turn();
}

/* X violates REMOTE_ADDR_UNALLOWED bind_id=3: the data plane reports a packet that it dropped. */
static void
do_violation(const struct host *host, const char *what)
{
	struct dp_violation v = { .host_addr = host->from.host_addr, .local_addr = 0xcb007108, .remote_addr = 0xc6336407 };
	uint8_t bytes[NOTICE_MAX];
	char name[64], filled[200];

	notation_fill(&w.vars, what, filled, sizeof(filled));
	ck_assert_int_ge(sscanf(filled, "%63s bind_id=%u", name, &v.bind_id), 1);
	for (int error = 101; error < 400 && v.error == 0; error++)
		v.error = strcmp(rsip_error_name(error), name) == 0 ? (uint32_t)error : 0;
	const struct session *s = session_find(&w.f.ledger.sessions, v.host_addr);
	notify(s, bytes, notice_violation(s, &v, bytes));
}

/* name www.example.com has 198.51.100.7 198.51.100.8 ttl 60, or: fails. An answer to the gateway's lookup; those who wait
 * for it go on. */
static void
do_name(char *words)
{
	char *save, *name = strtok_r(words, " ", &save), *verb = strtok_r(NULL, " ", &save), *word;
	ip4_t addrs[64];
	size_t n = 0;
	unsigned ttl = 60;

	while ((word = strtok_r(NULL, " ", &save)) != NULL && ip4_parse(word, &addrs[n]))
		n++;
	if (word != NULL)
		ttl = (unsigned)atoi(save);
	if (strcmp(verb, "has") == 0)
		remote_names_answer(w.f.names, name, addrs, n, ttl);
	else
		remote_names_failed(w.f.names, name);
	turn();
	for (size_t i = 0; i < w.n_hosts; i++) {
		if (w.hosts[i].waits)
			ask(&w.hosts[i]);
	}
}

/* peers 3 are 198.51.100.7 198.51.100.8: of the binding with that ID, in the data plane. */
static void
do_peers(char *words)
{
	char *save, have[600] = "", want[600] = "", addr[IP4_STRLEN], *word;
	uint32_t bind_id = (uint32_t)atoi(strtok_r(words, " ", &save));
	struct fixture_bound *bound;

	HASH_FIND(hh, w.f.bound, &bind_id, sizeof(bind_id), bound);
	ck_assert_msg(bound != NULL, "%s:%d: no such binding", w.file, w.line);
	for (size_t i = 0; i < bound->n_peers; i++)
		sprintf(have + strlen(have), " %s", ip4_str(bound->peers[i], addr));
	for (strtok_r(NULL, " ", &save); (word = strtok_r(NULL, " ", &save)) != NULL;)
		sprintf(want + strlen(want), " %s", word);
	ck_assert_msg(strcmp(have, want) == 0, "%s:%d: the peers are%s", w.file, w.line, have);
}

/* endpoint 1 is 10.0.0.3: our end of that binding's tunnel, as the data plane has it. */
static void
do_endpoint(char *words)
{
	unsigned bind_id;
	char addr[32];
	ip4_t want;
	struct fixture_bound *bound;

	ck_assert_int_eq(sscanf(words, "%u is %31s", &bind_id, addr), 2);
	ck_assert(ip4_parse(addr, &want));
	HASH_FIND(hh, w.f.bound, &bind_id, sizeof(bind_id), bound);
	ck_assert_msg(bound != NULL && bound->endpoint == want, "%s:%d: another", w.file, w.line);
}

/* key 1 is 4711: the GRE key of that binding, as the data plane has it. */
static void
do_key(const char *words)
{
	unsigned bind_id, want;
	struct fixture_bound *bound;

	ck_assert_int_eq(sscanf(words, "%u is %u", &bind_id, &want), 2);
	HASH_FIND(hh, w.f.bound, &bind_id, sizeof(bind_id), bound);
	ck_assert_msg(bound != NULL && bound->gre_key == want, "%s:%d: another", w.file, w.line);
}

static void
do_line(char *line)
{
	char *save, *first = strtok_r(line, " \t", &save), *verb;

	if (strcmp(first, "pass") == 0) {
		do_pass(save);
	} else if (strcmp(first, "name") == 0) {
		do_name(save);
	} else if (strcmp(first, "peers") == 0) {
		do_peers(save);
	} else if (strcmp(first, "endpoint") == 0) {
		do_endpoint(save);
	} else if (strcmp(first, "key") == 0) {
		do_key(save);
	} else if (strcmp(first, "lookups") == 0) {
		ck_assert_msg(w.f.lookups == (unsigned)atoi(save), "%s:%d: %u lookups", w.file, w.line, w.f.lookups);
	} else if (strcmp(first, "restart") == 0) {
		do_restart();
	} else if (strcmp(first, "reload") == 0) {
		do_reload(save + strspn(save, " \t"));
	} else if (strcmp(first, "read-only") == 0) {
		w.service.read_only = strcmp(save, "on") == 0;
	} else if (strcmp(first, "udp") == 0) {
		w.f.conf->udp = strcmp(save, "on") == 0;
	} else {
		verb = strtok_r(NULL, " \t", &save);
		ck_assert_msg(verb != NULL, "%s:%d: what?", w.file, w.line);
		save += strspn(save, " \t");
		if (strcmp(verb, "=") == 0)
			do_host(first, save);
		else if (strcmp(verb, "-->") == 0)
			do_request(find_host(first), save);
		else if (strcmp(verb, "<--") == 0)
			do_response(find_host(first), save);
		else if (strcmp(verb, "again") == 0)
			ask(find_host(first));
		else if (strcmp(verb, "bytes") == 0)
			do_bytes(find_host(first), save);
		else if (strcmp(verb, "registers") == 0)
			do_register(find_host(first), save);
		else if (strcmp(verb, "loses") == 0)
			do_loss(find_host(first));
		else if (strcmp(verb, "violates") == 0)
			do_violation(find_host(first), save);
		else
			ck_abort_msg("%s:%d: %s?", w.file, w.line, verb);
	}
}

/* --- all of them --- */

/* A line of its own tells that a conversation was held: the names that docs/conformance.md refers to. */
static void
run(const struct conversation *c)
{
	char line[1200];

	random_seed(3103);
	w.n_hosts = 0;
	w.vars.n = 0;
	w.file = c->file;
	w.conf_text = mem_strdup(c->conf);
	fixture_start(&w.f, c->conf);
	start_service();
	for (size_t i = 0; i < c->n_lines; i++) {
		w.line = c->lines[i].number;
		snprintf(line, sizeof(line), "%s", c->lines[i].text);
		do_line(line);
	}
	for (size_t i = 0; i < w.n_hosts; i++)
		do_response(&w.hosts[i], "nothing");
	stop_service();
	fixture_end(&w.f);
	free(w.conf_text);
	printf("PASS: %s: %s\n", c->file, c->title);
	fflush(stdout);
}

START_TEST(conversation)
{
	run(&script.list[_i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tc = tcase_create("exchange");
	SRunner *runner = srunner_create(suite);

	script = script_read(EXCHANGE_DIR);
	if (script.n == 0) {
		fprintf(stderr, "no conversations in %s\n", EXCHANGE_DIR);
		return 1;
	}
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, conversation, 0, (int)script.n);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
