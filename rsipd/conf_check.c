#include "conf_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfile.h"
#include "conf.h"
#include "mem.h"

#define RANGE_STRLEN (2 * IP4_STRLEN)

static const char *
range_str(struct ip4_range range, char buf[RANGE_STRLEN])
{
	char first[IP4_STRLEN], last[IP4_STRLEN];

	snprintf(buf, RANGE_STRLEN, "%s%s%s", ip4_str(range.first, first), range.first == range.last ? "" : "-",
	         range.first == range.last ? "" : ip4_str(range.last, last));
	return buf;
}

static int
compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct ip4_range *x = a, *y = b;

	return compare(x->first, y->first);
}

static int
compare_pool_ranges(const void *a, const void *b)
{
	const struct conf_pool_range *x = a, *y = b;

	return compare(x->range.first, y->range.first);
}

/* Longest prefix first. */
static int
compare_hosts(const void *a, const void *b)
{
	const struct conf_host *x = a, *y = b;

	if (x->prefix.len != y->prefix.len)
		return y->prefix.len - x->prefix.len;
	if (x->prefix.addr != y->prefix.addr)
		return compare(x->prefix.addr, y->prefix.addr);
	return x->line - y->line;
}

static int
compare_identities(const void *a, const void *b)
{
	const struct conf_host *x = *(const struct conf_host *const *)a, *y = *(const struct conf_host *const *)b;
	int order = strcmp(x->identity, y->identity);

	return order != 0 ? order : x->line - y->line;
}

/* qsort takes no NULL, which a list of nothing is. */
static void
sort(void *base, size_t n, size_t size, int (*compare_two)(const void *, const void *))
{
	if (n > 0)
		qsort(base, n, size, compare_two);
}

/* Each address may be in one pool, and in it once. */
static void
check_overlap(const struct cfile *file, const struct conf *conf)
{
	const struct conf_pool_range *widest = conf->pool_ranges; /* of those before i, the one that ends last */
	char a[RANGE_STRLEN], b[RANGE_STRLEN];

	for (size_t i = 1; i < conf->n_pool_ranges; i++) {
		const struct conf_pool_range *this = &conf->pool_ranges[i];

		if (this->range.first <= widest->range.last) {
			const struct conf_pool_range *later = this->line >= widest->line ? this : widest;
			const struct conf_pool_range *earlier = later == this ? widest : this;

			cfile_error(file, later->line, "addresses: %s of pool \"%s\" overlap %s of pool \"%s\" (line %d); an address may be "
			            "in one pool, once", range_str(later->range, a), later->pool->name, range_str(earlier->range, b),
			            earlier->pool->name, earlier->line);
		}
		if (this->range.last > widest->range.last)
			widest = this;
	}
}

/* A public address is never one of the private realm: hosts would not send to it through the tunnel. */
static void
check_realms(const struct cfile *file, const struct conf *conf)
{
	char range[RANGE_STRLEN], net[IP4_PREFIX_STRLEN];

	for (size_t i = 0; i < conf->n_pool_ranges; i++) {
		const struct conf_pool_range *r = &conf->pool_ranges[i];

		for (size_t j = 0; j < conf->n_local_networks; j++) {
			struct ip4_prefix local = conf->local_networks[j];

			if (r->range.first <= (local.addr | ~ip4_mask(local.len)) && r->range.last >= local.addr)
				cfile_error(file, r->line, "addresses: %s of pool \"%s\" overlap the local network %s; pools are public, "
				            "local-networks private", range_str(r->range, range), r->pool->name, ip4_prefix_str(local, net));
		}
		for (size_t j = 0; j < conf->n_listen; j++) {
			if (conf->listen[j] >= r->range.first && conf->listen[j] <= r->range.last)
				cfile_error(file, r->line, "addresses: %s of pool \"%s\" hold the gateway's listen address %s; hosts could not "
				            "reach it", range_str(r->range, range), r->pool->name, ip4_str(conf->listen[j], net));
		}
	}
}

/* Nor is the end of a tunnel: who leases the address would get the tunnels of all. */
static void
check_endpoints(const struct cfile *file, const struct conf *conf)
{
	char addr[IP4_STRLEN];

	for (size_t i = 0; i < conf->n_policies; i++) {
		const struct conf_pool *pool = conf_pool_of(conf, conf->policies[i].tunnel_endpoint);

		if (conf->policies[i].tunnel_endpoint != 0 && pool != NULL)
			cfile_error(file, cfile_last_line(file), "tunnel-endpoint: %s of policy \"%s\" is an address of pool \"%s\"; hosts "
			            "could lease it", ip4_str(conf->policies[i].tunnel_endpoint, addr), conf->policies[i].name, pool->name);
	}
}

/* Several identities may share a prefix: who is there proves which it is. */
static void
check_hosts(const struct cfile *file, const struct conf *conf)
{
	char net[IP4_PREFIX_STRLEN];

	for (size_t i = 1; i < conf->n_hosts; i++) {
		const struct conf_host *a = &conf->hosts[i - 1], *b = &conf->hosts[i];

		if (a->prefix.len != b->prefix.len || a->prefix.addr != b->prefix.addr || a->policy == NULL || b->policy == NULL ||
		    (a->identity != NULL && b->identity != NULL))
			continue;
		cfile_error(file, b->line, "host %s stands here again; one section a prefix%s, the first is at line %d",
		            ip4_prefix_str(a->prefix, net),
		            a->identity != NULL || b->identity != NULL ? ", or one for each identity in it" : "", a->line);
	}
}

static void
check_identities(const struct cfile *file, struct conf *conf)
{
	conf->identities = mem_zero(conf->n_hosts, sizeof(*conf->identities));
	for (size_t i = 0; i < conf->n_hosts; i++) {
		if (conf->hosts[i].identity != NULL)
			conf->identities[conf->n_identities++] = &conf->hosts[i];
	}
	sort(conf->identities, conf->n_identities, sizeof(*conf->identities), compare_identities);
	for (size_t i = 1; i < conf->n_identities; i++) {
		const struct conf_host *a = conf->identities[i - 1], *b = conf->identities[i];

		if (strcmp(a->identity, b->identity) == 0)
			cfile_error(file, b->line, "identity: \"%s\" stands here again; an identity is one host, the first is at line %d",
			            b->identity, a->line);
	}
}

/* What is leased from another gateway leaves by a tunnel that the kernel routes to: packets must not go past it. */
static void
check_upstream(const struct cfile *file, struct conf *conf)
{
	const struct cfile_section *gateway = cfile_section_next(file, "gateway", NULL);

	if (!conf_has_upstream(conf) || gateway == NULL)
		return;
	if (conf->relay_io == CONF_IO_RINGS)
		cfile_error(file, cfile_values(gateway, "relay-io")->line, "relay-io: rings lead past the tunnel of pools with "
		            "upstream; tun and auto are allowed");
	if (conf->data_plane == CONF_DP_XDP)
		cfile_error(file, cfile_values(gateway, "data-plane")->line, "data-plane: xdp leads past the tunnel of pools with "
		            "upstream; relay and auto are allowed");
	conf->relay_io = CONF_IO_TUN;
	conf->data_plane = CONF_DP_RELAY;
}

static void
check_something_to_do(const struct cfile *file, const struct conf *conf)
{
	int end = cfile_last_line(file);

	if (conf->n_pools == 0)
		cfile_error(file, end, "there is no pool: nothing could be leased; add pool NAME { addresses, methods }");
	if (conf->n_policies == 0)
		cfile_error(file, end, "there is no policy: no host could be served; add policy NAME { pools }");
	if (conf->n_hosts == 0)
		cfile_error(file, end, "there is no host: nobody could register; add host \"10.0.0.0/24\" { policy }");
}

void
conf_check(const struct cfile *file, struct conf *conf)
{
	for (size_t i = 0; i < conf->n_pools; i++)
		sort(conf->pools[i].addresses, conf->pools[i].n_addresses, sizeof(struct ip4_range), compare_ranges);
	sort(conf->pool_ranges, conf->n_pool_ranges, sizeof(*conf->pool_ranges), compare_pool_ranges);
	sort(conf->hosts, conf->n_hosts, sizeof(*conf->hosts), compare_hosts);
	check_overlap(file, conf);
	check_realms(file, conf);
	check_endpoints(file, conf);
	check_hosts(file, conf);
	check_identities(file, conf);
	check_upstream(file, conf);
	check_something_to_do(file, conf);
}
