/* A gateway in memory for the tests of what rsipctl and Prometheus see: two hosts and a binding of each method. */
#ifndef TESTS_SMALL_GATEWAY_H
#define TESTS_SMALL_GATEWAY_H

#include <stdbool.h>

#include "claims.h"
#include "gateway.h"
#include "gateway_fixture.h"
#include "stats.h"

struct small_gateway {
	struct fixture fixture;
	struct gateway gw;
	struct stats stats;
	struct dp_counters data;
	struct claims claims;
	uint64_t changes;
	ip4_t own;
	struct binding *ports, *ipsec, *whole; /* 10.0.0.11 holds the first two, 10.0.0.77 the third */
	bool commit_fails;
};

void small_gateway_start(struct small_gateway *g);
void small_gateway_end(struct small_gateway *g);

ip4_t small_ip(const char *text);

#endif
