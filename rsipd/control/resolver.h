/* Asks name servers for IPv4 addresses, without waiting: libevent's evdns. A lookup ends within 1.4 seconds. */
#ifndef RSIPD_RESOLVER_H
#define RSIPD_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"

struct loop;
struct resolver;

struct resolver_events {
	/* n 0: there is no address of that name. The TTL is the shortest of the answer's. */
	void (*answer)(void *arg, const char *name, const ip4_t *addrs, size_t n, uint32_t ttl_s);
	void (*failed)(void *arg, const char *name); /* no server, or no answer */
	void *arg;
};

/* Opens nothing until the first lookup. */
struct resolver *resolver_new(struct loop *loop, const struct conf *conf, const struct resolver_events *events);
void resolver_free(struct resolver *r); /* the loop does not run any more: what is being looked up ends without a word; accepts
                                         * NULL */

/* Other servers: conf->resolvers, or those of /etc/resolv.conf. What is being looked up has failed, and is
 * told so before this returns. */
void resolver_set_conf(struct resolver *r, const struct conf *conf);

/* Ends in one of the events, perhaps before it returns. */
void resolver_look_up(struct resolver *r, const char *name);

#endif
