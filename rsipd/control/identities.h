/* What the gateway remembers of each identity (common/authentication.h): the highest counter that it accepted, and the
 * registration that the host has proved to be its own. There are no more of them than the config has ever named. */
#ifndef RSIPD_IDENTITIES_H
#define RSIPD_IDENTITIES_H

#include <stdint.h>
#include <uthash.h>

struct session;

struct identity {
	char *name;
	uint64_t counter;        /* 0: nothing accepted yet */
	struct session *session; /* an identity is one host, so it has one; NULL: none */
	UT_hash_handle hh;
};

/* Zero-initialised. */
struct identities { struct identity *by_name; };

struct identity *identities_get(struct identities *all, const char *name); /* made where there is none yet */
void identities_clear(struct identities *all);

#endif
