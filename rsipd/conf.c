#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_check.h"
#include "conf_read.h"
#include "mem.h"

struct conf *
conf_parse_fd(int fd, const char *path, cfile_report *report, void *arg)
{
	struct cfile *file = cfile_read(fd, path, conf_kinds, report, arg);
	struct conf *conf;

	if (file == NULL)
		return NULL;
	conf = mem_zero(1, sizeof(*conf));
	conf_read(file, conf);
	conf_check(file, conf);
	if (cfile_errors(file) > 0) {
		conf_free(conf);
		conf = NULL;
	}
	cfile_free(file);
	return conf;
}

static void
free_remotes(struct conf_remotes *remotes)
{
	for (size_t i = 0; i < remotes->n_names; i++)
		free(remotes->names[i]);
	free(remotes->names);
	free(remotes->prefixes);
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n_private_interfaces; i++)
		free(conf->private_interfaces[i]);
	for (size_t i = 0; i < conf->n_pools; i++) {
		free(conf->pools[i].name);
		free(conf->pools[i].addresses);
		free(conf->pools[i].upstream);
		free(conf->pools[i].port_runs);
		free(conf->pools[i].spi_runs);
	}
	for (size_t i = 0; i < conf->n_policies; i++) {
		free(conf->policies[i].name);
		free(conf->policies[i].pools);
		free_remotes(&conf->policies[i].allow);
		free_remotes(&conf->policies[i].deny);
	}
	for (size_t i = 0; i < conf->n_hosts; i++) {
		free(conf->hosts[i].identity);
		free(conf->hosts[i].key_file);
		authentication_wipe(&conf->hosts[i].key);
	}
	free(conf->identities);
	free(conf->private_interfaces);
	free(conf->public_interface);
	free(conf->listen);
	free(conf->resolvers);
	free(conf->state);
	free(conf->control);
	free(conf->pools);
	free(conf->pool_ranges);
	free(conf->policies);
	free(conf->hosts);
	free(conf->local_networks);
	free(conf);
}

/* The first section of the hosts that is not before the prefix in their order; n_hosts when there is none. */
static size_t
host_lower_bound(const struct conf *conf, struct ip4_prefix prefix)
{
	size_t low = 0, high = conf->n_hosts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct ip4_prefix at = conf->hosts[mid].prefix;

		if (at.len > prefix.len || (at.len == prefix.len && at.addr < prefix.addr))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The first section of the longest prefix with the address; n_hosts when there is none. One search for each prefix length
 * that the file uses, the longest first. */
static size_t
host_at(const struct conf *conf, ip4_t host_addr)
{
	struct ip4_prefix want;

	for (size_t at = 0; at < conf->n_hosts;) {
		want.len = conf->hosts[at].prefix.len;
		want.addr = host_addr & ip4_mask(want.len);
		at = host_lower_bound(conf, want);
		if (at < conf->n_hosts && conf->hosts[at].prefix.len == want.len && conf->hosts[at].prefix.addr == want.addr)
			return at;
		if (want.len == 0)
			break;
		want.addr = 0;
		want.len--;
		at = host_lower_bound(conf, want);
	}
	return conf->n_hosts;
}

const struct conf_policy *
conf_policy_for(const struct conf *conf, ip4_t host_addr)
{
	size_t at = host_at(conf, host_addr);

	return at < conf->n_hosts ? conf->hosts[at].policy : NULL;
}

bool
conf_requires_authentication(const struct conf *conf, ip4_t host_addr)
{
	size_t at = host_at(conf, host_addr);
	const struct conf_host *first = &conf->hosts[at];

	for (; at < conf->n_hosts && conf->hosts[at].prefix.len == first->prefix.len &&
	       conf->hosts[at].prefix.addr == first->prefix.addr; at++) {
		if (conf->hosts[at].required)
			return true;
	}
	return false;
}

const struct conf_host *
conf_identity(const struct conf *conf, const char *name, size_t len)
{
	size_t low = 0, high = conf->n_identities;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *at = conf->identities[mid]->identity;
		int order = strncmp(at, name, len);

		if (order == 0 && at[len] == '\0')
			return conf->identities[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool
conf_has_upstream(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_pools; i++) {
		if (conf->pools[i].upstream != NULL)
			return true;
	}
	return false;
}

const struct conf_pool *
conf_pool_of(const struct conf *conf, ip4_t local_addr)
{
	size_t low = 0, high = conf->n_pool_ranges;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct conf_pool_range *at = &conf->pool_ranges[mid];

		if (local_addr < at->range.first)
			high = mid;
		else if (local_addr > at->range.last)
			low = mid + 1;
		else
			return at->pool;
	}
	return NULL;
}
