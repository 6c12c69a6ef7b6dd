/* What the tests of the agent share: the one world that they are set in, and how they are run. */
#ifndef AGENT_SUITE_H
#define AGENT_SUITE_H

#include <check.h>

#include "agent_world.h"

#define ASK_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=any local_ports=any(4) remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter
#define ASK_SAME_APPS(client, counter) \
	"ASSIGN_REQUEST_RSAP-IP client_id=" client " local_address=203.0.113.8 local_ports=1234-1237 remote_address=any " \
	"remote_ports=any tunnels=ip-ip counter=" counter

extern struct world w; /* new for each test */

/* Runs the tests, NULL behind the last, with a host that speaks UDP and with one that speaks TCP. Returns what main does. */
int agent_suite_run(const char *name, const TTest *const *udp_tests, const TTest *const *tcp_tests);

#endif
