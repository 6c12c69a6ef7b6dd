/* A network namespace of a test's own, which ip(8) furnishes. */
#ifndef TEST_OWN_NETWORK_H
#define TEST_OWN_NETWORK_H

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ip(8) with these words. What it says of a failure is left out: the caller tells. */
static inline bool
ip(const char *words)
{
	char command[200];

	snprintf(command, sizeof(command), "ip %s 2>/dev/null", words);
	return system(command) == 0;
}

/* From here on the process is in it. False: neither root nor a user namespace to be had, or no ip(8) or veth; such a test is
 * to be skipped. */
static inline bool
own_network(void)
{
	return unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
	       ip("link add t0 type veth peer name t1") && ip("link del t0");
}

#endif
