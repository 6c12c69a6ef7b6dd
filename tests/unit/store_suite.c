#include "store_suite.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>

#include "lease.h"
#include "random.h"
#include "registration.h"

static const char conf_text[] =
    "pool \"a\" { addresses = { \"203.0.113.8-203.0.113.9\" } methods = { \"rsap-ip\", \"rsipsec\" }\n"
    "  spis = \"0xf0000000-0xffffffff\" }\n"
    "pool \"w\" { addresses = { \"203.0.113.64/30\" } methods = { \"rsa-ip\" } }\n"
    "policy \"p\" { pools = { \"a\", \"w\" } remote-flow = \"micro\" }\n"
    "host \"10.0.0.0/24\" { policy = \"p\" }\n";

struct fixture f;

void
store_setup(void)
{
	random_seed(7);
	fixture_start(&f, conf_text);
}

void
store_teardown(void)
{
	fixture_end(&f);
}

struct binding *
grant(struct session *s, enum rsip_method method)
{
	struct lease_request req = { .method = method, .addr_intent = POOL_ANY, .remote_addr = 0x08080808,
	                             .remote_port = 53, .n_remote_ports = 1 };
	static const uint8_t gre = RSIP_TUNNEL_GRE;
	struct refusal why;
	struct binding *b = NULL;

	if (method == RSIP_METHOD_RSAP_IP) {
		req.n_tunnels = 1;
		req.tunnels = &gre;
		req.gre_key = UINT32_MAX;
	}
	if (method != RSIP_METHOD_RSA_IP) {
		req.port_intent = POOL_ANY;
		req.n_ports = 4;
	}
	if (method == RSIP_METHOD_RSIPSEC) {
		req.spi_intent = POOL_ANY;
		req.n_spis = 16;
		req.cookie_intent = POOL_ANY;
		req.cookie_mask = 0xffffffff00000000;
		req.ike_listener = 0xc6336401 + (uint32_t)random_below(1000000);
	}
	return lease_grant(&f.ledger, s, &req, &b, &why) == RSIP_OK ? b : NULL;
}

void
fill(void)
{
	struct session *s = registration_begin(&f.ledger, HOST, 0x0a000001, RSIP_UDP, NULL, "name 'x'", 8);
	uint8_t response[] = { 1, 3, 0, 4, 0xff, 0 };

	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSA_IP));
	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSAP_IP));
	ck_assert_ptr_nonnull(grant(s, RSIP_METHOD_RSIPSEC));
	lease_end(&f.ledger, grant(s, RSIP_METHOD_RSIPSEC), LEASE_FREED);
	lease_end(&f.ledger, grant(s, RSIP_METHOD_RSA_IP), LEASE_FREED);
	registration_note_reply(&f.ledger, s, (struct replay_seq){ 40000, 0xffffffff }, response, sizeof(response),
	                        true);
	registration_begin(&f.ledger, HOST + 1, 0x0a000001, RSIP_TCP, NULL, NULL, 0);
}

int
rows_of(const char *table)
{
	char text[100];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int n;

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	ck_assert(store_commit(f.store));
	ck_assert_int_eq(sqlite3_open_v2(f.db, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}
