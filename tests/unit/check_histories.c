/* Random histories of leases, a million operations, beside a naive model: what it can find room for is granted, what is
 * granted it agrees with, what ends it has end, and when all has been freed every pool is full. A history follows from its
 * seed; the one that fails is told, with the latest operations. HISTORY_SEED and HISTORY_STEPS choose others. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "expire.h"
#include "gateway_fixture.h"
#include "lease.h"
#include "lease_check.h"
#include "naive_model.h"
#include "random.h"
#include "registration.h"
#include "run_suite.h"

#define STEPS 1000000ul
#define STEPS_A_HISTORY 20000
#define STEPS_A_CHECK 500
#define HOSTS 12
#define HOST_FIRST 0x0a000001u
#define TOLD 24 /* operations, when one fails */

static struct fixture f;
static struct model model;
static unsigned long step, seed;
static char told[TOLD][160];
static unsigned n_told;

static void __attribute__((format(printf, 1, 2)))
note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told[n_told++ % TOLD], sizeof(told[0]), fmt, ap);
	va_end(ap);
}

static _Noreturn void
wrong(const char *what)
{
	fprintf(stderr, "HISTORY_SEED=%lu step %lu: %s. The latest operations:\n", seed, step, what);
	for (unsigned i = n_told > TOLD ? n_told - TOLD : 0; i < n_told; i++)
		fprintf(stderr, "  %s\n", told[i % TOLD]);
	ck_abort_msg("HISTORY_SEED=%lu step %lu: %s", seed, step, what);
	abort();
}

static unsigned
pick(unsigned n)
{
	return (unsigned)random_below(n);
}

/* --- requests --- */

static void
ask_ports(struct lease_request *req)
{
	unsigned first = pick(MODEL_PORTS);

	req->port_intent = pick(4) > 0 ? POOL_ANY : POOL_NAMED;
	req->n_ports = (uint16_t)(1 + pick(9));
	if (req->port_intent == POOL_ANY)
		return;
	if (first + req->n_ports > MODEL_PORTS)
		req->n_ports = (uint16_t)(MODEL_PORTS - first);
	req->n_port_ranges = 1;
	req->ports[0] = (struct port_range){ (uint16_t)(MODEL_PORT + first), (uint16_t)(MODEL_PORT + first + req->n_ports - 1) };
}

static void
ask_spis(struct lease_request *req)
{
	unsigned first = pick(MODEL_SPIS);

	req->spi_intent = pick(4) > 0 ? POOL_ANY : POOL_NAMED;
	req->n_spis = (uint16_t)(1 + pick(9));
	if (req->spi_intent == POOL_ANY)
		return;
	if (first + req->n_spis > MODEL_SPIS)
		req->n_spis = (uint16_t)(MODEL_SPIS - first);
	req->n_spi_ranges = 1;
	req->spis[0] = (struct spi_range){ MODEL_SPI + first, MODEL_SPI + first + req->n_spis - 1 };
}

static void
ask_cookies(struct lease_request *req)
{
	unsigned bits = 2 + pick(2);

	req->cookie_intent = (enum pool_intent)pick(3);
	if (req->cookie_intent == POOL_NONE)
		return;
	req->cookie_mask = UINT64_MAX << (64 - bits);
	req->cookie_value = (1 + (uint64_t)pick((1u << bits) - 1)) << (64 - bits);
}

static struct lease_request
random_request(void)
{
	struct lease_request req = { .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY,
	                             .lease_s = pick(3) == 0 ? 0 : 1 + pick(1500) };

	if (pick(12) == 0) {
		req.method = RSIP_METHOD_RSA_IP;
		return req;
	}
	if (pick(3) == 0) {
		req.addr_intent = POOL_NAMED;
		req.addr = MODEL_ADDR + pick(MODEL_SHARED);
	}
	if (pick(2)) {
		ask_ports(&req);
		return req;
	}
	req.method = RSIP_METHOD_RSIPSEC;
	ask_spis(&req);
	ask_cookies(&req);
	if (pick(3) == 0)
		ask_ports(&req);
	if (pick(6) == 0)
		req.ike_listener = MODEL_PEER + pick(MODEL_PEERS);
	return req;
}

/* --- operations --- */

static void
grant(ip4_t host)
{
	static const char *const intents[] = { "no", "any", "named" };
	struct session *s = session_find(&f.ledger.sessions, host);
	struct lease_request req = random_request();
	struct refusal why = { .text = "" };
	struct binding *b = NULL;
	const char *fault;
	bool can;

	if (s == NULL)
		s = registration_begin(&f.ledger, host, 0x0a000001, RSIP_UDP, NULL, NULL, 0);
	can = model_can_grant(&model, host, &req);
	note("host %u asks method %d, %s address %08x, %s ports %u from %u, %s SPIs %u from 0x%x, %s cookies %llx/%llx, peer %x",
	     host - HOST_FIRST, req.method, intents[req.addr_intent], req.addr, intents[req.port_intent], req.n_ports,
	     req.ports[0].first, intents[req.spi_intent], req.n_spis, req.spis[0].first, intents[req.cookie_intent],
	     (unsigned long long)req.cookie_value, (unsigned long long)req.cookie_mask, req.ike_listener);
	if (lease_grant(&f.ledger, s, &req, &b, &why) != RSIP_OK) {
		if (can)
			wrong(why.text);
		return;
	}
	note("  is granted bind_id %u on %08x", b->bind_id, b->local_addr);
	if ((fault = model_grant(&model, host, &req, b)) != NULL)
		wrong(fault);
	if (!can)
		wrong("the model has no room for it");
}

static struct binding *
random_binding(const struct session *s)
{
	struct binding *b = s != NULL ? s->bindings : NULL;

	for (unsigned i = b != NULL ? pick(s->n_bindings) : 0; i > 0; i--)
		b = b->next;
	return b;
}

static void
end(struct binding *b)
{
	note("bind_id %u is freed", b->bind_id);
	model_end(&model, b->bind_id);
	lease_end(&f.ledger, b, LEASE_FREED);
}

static void
extend(struct binding *b)
{
	uint32_t asked = pick(1500);
	struct refusal why;

	note("bind_id %u is extended to %u s", b->bind_id, asked);
	if (lease_extend(&f.ledger, b, asked, &why) != RSIP_OK)
		wrong(why.text);
	model_extend(&model, b->bind_id, b->expires);
}

static void
deregister(struct session *s)
{
	note("host %u is de-registered", s->host_addr - HOST_FIRST);
	for (const struct binding *b = s->bindings; b != NULL; b = b->next)
		model_end(&model, b->bind_id);
	registration_end(&f.ledger, s, LEASE_DE_REGISTERED);
}

static void
pass(int64_t ms)
{
	note("%lld ms pass", (long long)ms);
	fixture_pass_ms(ms);
	while (expire_delay(&f.ledger) == 0)
		expire_due(&f.ledger);
	model_pass(&model, clock_now());
}

static void
random_step(void)
{
	ip4_t host = HOST_FIRST + pick(HOSTS);
	struct session *s = session_find(&f.ledger.sessions, host);
	struct binding *b = random_binding(s);

	switch (pick(16)) {
	case 0:
		if (s != NULL && pick(4) == 0)
			deregister(s);
		break;
	case 1: case 2: case 3: case 4: case 5:
		if (b != NULL)
			end(b);
		break;
	case 6: case 7:
		if (b != NULL)
			extend(b);
		break;
	case 8: pass(pick(60000)); break;
	default: grant(host);
	}
}

/* --- whole histories --- */

static void
check_all(void)
{
	char why[200];

	if (!lease_check(&f.ledger, why, sizeof(why)))
		wrong(why);
	for (unsigned i = 0; i < MODEL_BINDINGS; i++) {
		const struct model_binding *b = &model.bindings[i];
		if (b->bind_id != 0 && binding_find(&f.ledger.bindings, b->bind_id) == NULL)
			wrong("a binding has ended before its time");
	}
}

/* Invariant 6. */
static void
free_all(void)
{
	for (ip4_t host = HOST_FIRST; host < HOST_FIRST + HOSTS; host++) {
		struct session *s = session_find(&f.ledger.sessions, host);
		if (s != NULL)
			deregister(s);
	}
	pass(MODEL_HOLD_MS);
	if (!pool_is_full(f.ledger.pool))
		wrong("all has been freed, and the pools are not full");
	if (!model_is_empty(&model))
		wrong("all has been freed, and the model is not empty");
}

static unsigned long
number_of(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

START_TEST(histories)
{
	unsigned long steps = number_of("HISTORY_STEPS", STEPS), granted;

	seed = number_of("HISTORY_SEED", 20261122);
	for (step = 0; step < steps; step++) {
		if (step % STEPS_A_HISTORY == 0)
			random_seed(step == 0 ? seed : ++seed); /* each history by itself, so that one can be had again */
		random_step();
		if (binding_count(&f.ledger.bindings) != model_count(&model))
			wrong("there are more or fewer bindings than the model has");
		if (step % STEPS_A_CHECK == 0)
			check_all();
		if (step % STEPS_A_HISTORY == STEPS_A_HISTORY - 1)
			free_all();
	}
	granted = (unsigned long)f.stats.bindings_granted;
	ck_assert_uint_gt(granted, steps / 10); /* it was about something */
	ck_assert_uint_gt(f.stats.bindings_expired, steps / 200);
}
END_TEST

static void
setup(void)
{
	fixture_start(&f, model_conf);
	model_pass(&model, clock_now());
}

static void
teardown(void)
{
	fixture_end(&f);
}

int
main(void)
{
	Suite *suite = suite_create("histories");
	TCase *tc = tcase_create("histories");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 600); /* a debug build looks at everything after each operation */
	tcase_add_test(tc, histories);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
