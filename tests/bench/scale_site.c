#include "scale_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dp_client.h"
#include "lease.h"
#include "log.h"
#include "registration.h"
#include "restore.h"

#define HOST_FIRST 0x0a010000u /* 10.1.0.0 */
#define GATEWAY 0x0a000001u
#define WHY_MAX 300

static const char conf_text[] =
    "gateway { private-interface = \"lan0\" public-interface = \"wan0\" listen = { \"10.0.0.1\" } data-plane = \"relay\"\n"
    "  state = \"%s\" control = \"%s\" }\n"
    "log { level = \"info\" }\n"
    "pool \"p\" { addresses = { \"198.18.0.0-198.18.3.255\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  ports = \"1024-65535\" }\n"
    "policy \"all\" { pools = { \"p\" } registration = \"1d\" lease = \"1d\" max-lease = \"1d\"\n"
    "  max-bindings = 64 max-ports = 2048 max-spis = 1024 max-cookies = 64 rate = 100000 }\n"
    "host \"10.0.0.0/8\" { policy = \"all\" }\n";

void
site_write_conf(int fd, const char *db, const char *control)
{
	dprintf(fd, conf_text, db, control);
}

static void
on_fault(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "scale: %s\n", line);
}

static struct conf *
read_conf(const char *db)
{
	FILE *file = tmpfile();
	struct conf *conf;

	if (file == NULL)
		log_fatal("scale", "no temporary file");
	site_write_conf(fileno(file), db, "/run/rsip/rsipd.sock");
	conf = conf_parse_fd(fileno(file), "scale.conf", on_fault, NULL);
	if (conf == NULL)
		log_fatal("scale", "the site's config is refused");
	fclose(file);
	return conf;
}

static void
on_violation(void *arg, const struct dp_violation *v)
{
	(void)arg;
	(void)v;
}

static void
on_binding_ended(void *arg, const struct session *session, const struct binding *b)
{
	(void)arg;
	(void)session;
	(void)b;
}

static void
on_session_ended(void *arg, const struct session *session)
{
	(void)arg;
	(void)session;
}

void
site_open(struct site *s, const char *db, const struct scale_relay *relay)
{
	const struct dp_client_events dp_events = { on_violation, NULL };
	char why[WHY_MAX];

	*s = (struct site){ .db = db, .conf = read_conf(db), .relay = *relay, .now_ms = clock_now() };
	clock_set(s->now_ms, clock_wall());
	s->loop = loop_new();
	s->store = store_open(db, why, sizeof(why));
	if (s->store == NULL)
		log_fatal("scale", "%s", why);
	s->dp = dp_client_new(s->loop, &s->ledger.bindings, s->conf, NULL, 0, &dp_events);
}

void
site_load(struct site *s)
{
	const struct ledger_events events = { on_binding_ended, on_session_ended, NULL };
	const struct dp_ops ops = dp_client_ops(s->dp);
	char why[WHY_MAX];

	ledger_init(&s->ledger, s->conf, s->store, &s->stats, &ops, &events);
	if (!restore_ledger(&s->ledger, why, sizeof(why)))
		log_fatal("scale", "%s", why);
	s->n_bindings = binding_count(&s->ledger.bindings);
}

void
site_connect(struct site *s)
{
	dp_client_connect(s->dp, s->relay.fd);
	site_settle(s);
}

void
site_close(struct site *s)
{
	site_commit(s);
	dp_client_free(s->dp);
	ledger_done(&s->ledger);
	store_close(s->store);
	loop_free(s->loop);
	conf_free(s->conf);
}

void
site_commit(struct site *s)
{
	s->in_turn = 0;
	if (!store_commit(s->store))
		log_fatal("scale", "the database cannot be written");
	loop_once(s->loop, false);
}

void
site_turn(struct site *s)
{
	if (++s->in_turn == SITE_TURN)
		site_commit(s);
}

void
site_settle(struct site *s)
{
	site_commit(s);
	while (__atomic_load_n(s->relay.n_bindings, __ATOMIC_ACQUIRE) != binding_count(&s->ledger.bindings)) {
		loop_once(s->loop, false);
		usleep(200);
	}
}

void
site_pass(struct site *s, int64_t ms)
{
	s->now_ms += ms;
	clock_set(s->now_ms, clock_wall() + ms / 1000);
}

static struct lease_request
request_of(size_t i, uint32_t lease_s)
{
	struct lease_request req = { .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY, .port_intent = POOL_ANY,
	                             .n_ports = i % 10 == 6 ? 32 : 4, .lease_s = lease_s };

	if (i % 10 < 7)
		return req;
	req.method = RSIP_METHOD_RSIPSEC;
	req.port_intent = POOL_NONE;
	req.n_ports = 0;
	req.spi_intent = POOL_ANY;
	req.n_spis = 4;
	if (i % 10 == 9) {
		req.cookie_intent = POOL_ANY;
		req.cookie_mask = 0xffffff0000000000;
	}
	return req;
}

static struct session *
host_of(struct site *s, size_t i)
{
	ip4_t addr = HOST_FIRST + (ip4_t)(i / SITE_BINDINGS_A_HOST % SITE_HOSTS_MAX);
	struct session *session = session_find(&s->ledger.sessions, addr);

	return session != NULL ? session :
	                         registration_begin(&s->ledger, addr, GATEWAY, RSIP_UDP, NULL, NULL, 0);
}

struct binding *
site_grant(struct site *s, size_t i, uint32_t lease_s)
{
	struct lease_request req = request_of(i, lease_s);
	struct refusal why;
	struct binding *b;
	enum rsip_error error = lease_grant(&s->ledger, host_of(s, i), &req, &b, &why);

	if (error != RSIP_OK)
		log_fatal("scale", "refused error=%d why=\"%s\" bindings=%zu", (int)error, why.text, s->n_bindings);
	s->n_bindings++;
	return b;
}
