#include "small_gateway.h"

#include <check.h>
#include <string.h>

#include "clock.h"
#include "lease.h"
#include "registration.h"

static const char conf_text[] =
    "pool \"shared\" { addresses = { \"203.0.113.8/29\", \"203.0.113.20-203.0.113.30\" }\n"
    "                  methods = { \"rsap-ip\", \"rsipsec\" } ike-ports = { 500, 4500 } tunnels = { \"ip-ip\", \"gre\" } }\n"
    "pool \"whole\" { addresses = { \"203.0.113.64/28\" } methods = { \"rsa-ip\" } }\n"
    "policy \"default\" { pools = { \"shared\" } registration = \"2h\" lease = \"1h\" }\n"
    "policy \"office\" { pools = { \"whole\", \"shared\" } registration = \"2h\" lease = \"8h\" }\n"
    "host \"10.0.0.0/16\" { policy = \"default\" }\n"
    "host \"10.0.0.77\" { policy = \"office\" }\n";

ip4_t
small_ip(const char *text)
{
	ip4_t addr;

	ck_assert_msg(ip4_parse(text, &addr), "%s", text);
	return addr;
}

static bool
commit(void *arg)
{
	struct small_gateway *g = arg;

	return !g->commit_fails && store_commit(g->fixture.store);
}

static struct binding *
grant(struct small_gateway *g, struct session *s, const struct lease_request *req)
{
	struct binding *b = NULL;
	struct refusal why = { 0 };

	ck_assert_msg(lease_grant(&g->fixture.ledger, s, req, &b, &why) == RSIP_OK, "%d %s", why.error, why.text);
	return b;
}

static void
fill(struct small_gateway *g)
{
	static const uint8_t gre[] = { RSIP_TUNNEL_GRE };
	static const struct lease_request ports = { .method = RSIP_METHOD_RSAP_IP, .addr_intent = POOL_ANY,
		.port_intent = POOL_ANY, .n_ports = 64, .lease_s = 3600, .n_tunnels = 1, .tunnels = gre };
	static const struct lease_request ipsec = { .method = RSIP_METHOD_RSIPSEC, .addr_intent = POOL_ANY,
		.spi_intent = POOL_ANY, .n_spis = 16, .cookie_intent = POOL_ANY, .cookie_mask = 0xffff000000000000,
		.lease_s = 1800 };
	static const struct lease_request whole = { .method = RSIP_METHOD_RSA_IP, .addr_intent = POOL_ANY };
	struct ledger *l = &g->fixture.ledger;
	struct session *x1 = registration_begin(l, small_ip("10.0.0.11"), small_ip("10.0.0.1"), RSIP_TCP, NULL, "x1", 2);
	struct session *x2 = registration_begin(l, small_ip("10.0.0.77"), small_ip("10.0.0.1"), RSIP_UDP, NULL, NULL, 0);

	g->ports = grant(g, x1, &ports);
	g->ipsec = grant(g, x1, &ipsec);
	g->whole = grant(g, x2, &whole);
	ck_assert(store_commit(g->fixture.store));
}

void
small_gateway_start(struct small_gateway *g)
{
	memset(g, 0, sizeof(*g));
	fixture_start(&g->fixture, conf_text);
	g->gw = (struct gateway){ .store = g->fixture.store, .ledger = &g->fixture.ledger, .stats = &g->stats, .data = &g->data,
		.data_plane = "relay", .data_plane_detail = "the config says so", .started = clock_now() - 90000, .own = &g->own, .n_own = 1,
		.claims = &g->claims, .changes = &g->changes, .commit = commit, .arg = g };
	fill(g);
	g->own = small_ip("203.0.113.9");
}

void
small_gateway_end(struct small_gateway *g)
{
	claims_clear(&g->claims);
	fixture_end(&g->fixture);
}
