/* Remote sides that are names (RFC 3103 8.1, 9.8.3): their addresses now, for the bindings whose remote policy holds them.
 * A name is looked up when it is first asked for, and again when its TTL is over, as long as a binding has it.
 *
 * An address that the latest answer does not have any more stays allowed for a grace time, since the host may have got
 * the earlier answer; an answer that cannot be got changes nothing. Who the resolver is, is not known here. */
#ifndef RSIPD_REMOTE_NAMES_H
#define RSIPD_REMOTE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "addr.h"
#include "dataplane.h"

#define REMOTE_NAMES_MAX 4096          /* altogether: an attacker's names take no more memory than this */
#define REMOTE_NAME_TTL_MIN_S 10       /* bounds on how often a name is looked up again */
#define REMOTE_NAME_TTL_MAX_S 3600
#define REMOTE_NAME_RETRY_S 30         /* after an answer that could not be got */
#define REMOTE_NAME_GRACE_S 600
#define REMOTE_NAME_FORGET_S 5         /* so long is a failure told without another lookup */

struct binding;

enum remote_name_state {
	REMOTE_NAME_PENDING, /* being looked up for the first time */
	REMOTE_NAME_KNOWN,   /* has addresses */
	REMOTE_NAME_NONE,    /* has no address that a host may talk to */
	REMOTE_NAME_FAILED,  /* the lookup did */
};

struct remote_name {
	char *name; /* lower case, without the closing dot */
	enum remote_name_state state;
	bool looking; /* an answer will come */
	size_t n;
	ip4_t addrs[DP_REMOTE_ADDRS_MAX];
	int64_t gone[DP_REMOTE_ADDRS_MAX]; /* since when answers do not have the address any more; 0: they do */
	int64_t next;                      /* when something is to be done about it: clock_now() */
	struct binding *bindings;          /* whose remote side it is; utlist.h, by terms->named */
	UT_hash_handle hh;
};

struct remote_names_events {
	void (*look_up)(void *arg, const char *name); /* ends in remote_names_answer, now or later */
	bool (*may_talk_to)(void *arg, ip4_t addr);   /* whether an address may be a peer at all */
	void (*changed)(void *arg, const struct remote_name *name); /* the addresses of a name that bindings have */
	void (*answered)(void *arg); /* a lookup has ended: what was pending may go on; _delay is another */
	void *arg;
};

struct remote_names;

struct remote_names *remote_names_new(const struct remote_names_events *events);
void remote_names_free(struct remote_names *names); /* no binding has a name any more; accepts NULL */

/* The name, looked up if it is not known; text need not be terminated. NULL when there are too many. It lives until the
 * next remote_names_due unless a binding has it. */
const struct remote_name *remote_names_ask(struct remote_names *names, const char *text, size_t len);

/* The answer to a lookup. n 0 is an answer: there is no such address. */
void remote_names_answer(struct remote_names *names, const char *name, const ip4_t *addrs, size_t n, uint32_t ttl_s);
void remote_names_failed(struct remote_names *names, const char *name);

/* A name and its addresses as they were before a restart; it is looked up again at once. */
void remote_names_restore(struct remote_names *names, const char *name, const ip4_t *addrs, size_t n);

/* Enters b, whose remote side is a name, at that name, and takes it out again. names NULL: no effect. */
void remote_names_attach(struct remote_names *names, struct binding *b);
void remote_names_detach(struct remote_names *names, struct binding *b);

/* What is to be done by now: lookups, addresses whose grace is over, names that nobody has. _delay is the time until
 * then in milliseconds, -1 for never. */
void remote_names_due(struct remote_names *names);
int64_t remote_names_delay(const struct remote_names *names);

#endif
