#include "resolver.h"

#include <event2/dns.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "dataplane.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

/* Two tries: a host gives up a request after 1.6 s (RFC 3103 10.1), by which time it has its answer. */
#define TIMEOUT_S "0.7"
#define ATTEMPTS "2"

struct lookup {
	struct lookup *prev, *next; /* among the resolver's lookups, or those told */
	struct resolver *resolver;
	bool told;
	char name[];
};

struct resolver {
	struct loop *loop;
	const struct conf *conf;
	struct resolver_events events;
	struct evdns_base *dns; /* NULL until the first lookup */
	struct lookup *lookups;
	struct lookup *told; /* have failed; evdns has not told us yet, but it will */
};

struct resolver *
resolver_new(struct loop *loop, const struct conf *conf, const struct resolver_events *events)
{
	struct resolver *r = mem_zero(1, sizeof(*r));

	r->loop = loop;
	r->conf = conf;
	r->events = *events;
	return r;
}

static void
log_of_evdns(int is_warning, const char *text)
{
	if (is_warning)
		log_debug("names", "%s", text);
}

static void
add_servers(struct evdns_base *dns, const struct conf *conf)
{
	char text[IP4_STRLEN + 8], addr[IP4_STRLEN];

	if (conf->n_resolvers == 0 && evdns_base_resolv_conf_parse(dns, DNS_OPTION_NAMESERVERS, "/etc/resolv.conf") != 0)
		log_warn("names", "no name servers in /etc/resolv.conf: set resolver in section gateway");
	for (size_t i = 0; i < conf->n_resolvers; i++) {
		snprintf(text, sizeof(text), "%s:%u", ip4_str(conf->resolvers[i].addr, addr), conf->resolvers[i].port);
		evdns_base_nameserver_ip_add(dns, text);
	}
}

static struct evdns_base *
open_dns(const struct resolver *r)
{
	struct evdns_base *dns = evdns_base_new(loop_base(r->loop), 0);

	if (dns == NULL)
		return NULL;
	evdns_set_log_fn(log_of_evdns);
	evdns_base_set_option(dns, "timeout:", TIMEOUT_S);
	evdns_base_set_option(dns, "attempts:", ATTEMPTS);
	add_servers(dns, r->conf);
	return dns;
}

static void
tell(struct resolver *r, const char *name, int result, int n, int ttl, const void *addresses)
{
	ip4_t addrs[DP_REMOTE_ADDRS_MAX];
	struct in_addr addr;
	size_t count = 0;

	if (result != DNS_ERR_NONE && result != DNS_ERR_NOTEXIST && result != DNS_ERR_NODATA) {
		r->events.failed(r->events.arg, name);
		return;
	}
	for (int i = 0; result == DNS_ERR_NONE && i < n && count < DP_REMOTE_ADDRS_MAX; i++) {
		memcpy(&addr, (const char *)addresses + (size_t)i * sizeof(addr), sizeof(addr));
		addrs[count++] = ntohl(addr.s_addr);
	}
	r->events.answer(r->events.arg, name, addrs, count, ttl > 0 ? (uint32_t)ttl : 0);
}

static void
on_answer(int result, char type, int n, int ttl, void *addresses, void *arg)
{
	struct lookup *lookup = arg;
	struct resolver *r = lookup->resolver;

	if (lookup->told) {
		DL_DELETE(r->told, lookup);
	} else {
		DL_DELETE(r->lookups, lookup);
		tell(r, lookup->name, result, type == DNS_IPv4_A ? n : 0, ttl, addresses);
	}
	free(lookup);
}

void
resolver_look_up(struct resolver *r, const char *name)
{
	size_t len = strlen(name);
	struct lookup *lookup = mem_zero(1, sizeof(*lookup) + len + 1);

	lookup->resolver = r;
	memcpy(lookup->name, name, len);
	DL_APPEND(r->lookups, lookup);
	if (r->dns == NULL)
		r->dns = open_dns(r);
	if (r->dns != NULL && evdns_base_count_nameservers(r->dns) > 0 &&
	    evdns_base_resolve_ipv4(r->dns, name, DNS_QUERY_NO_SEARCH, on_answer, lookup) != NULL)
		return;
	DL_DELETE(r->lookups, lookup);
	free(lookup);
	r->events.failed(r->events.arg, name);
}

/* evdns tells of every request, and later: it may have an answer in hand already, from before it is freed. So what it was
 * given stays until it has come back. */
static void
close_dns(struct resolver *r)
{
	struct lookup *lookup;

	if (r->dns != NULL)
		evdns_base_free(r->dns, 1);
	r->dns = NULL;
	while ((lookup = r->lookups) != NULL) {
		DL_DELETE(r->lookups, lookup);
		DL_APPEND(r->told, lookup);
		lookup->told = true;
		r->events.failed(r->events.arg, lookup->name);
	}
}

void
resolver_set_conf(struct resolver *r, const struct conf *conf)
{
	close_dns(r);
	r->conf = conf;
}

static void
free_all(struct lookup *lookups)
{
	struct lookup *lookup, *next;

	DL_FOREACH_SAFE(lookups, lookup, next)
		free(lookup);
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	if (r->dns != NULL)
		evdns_base_free(r->dns, 0);
	free_all(r->lookups);
	free_all(r->told);
	free(r);
}
