#include "config.h"

#include "conf_upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfile_get.h"
#include "conf.h"
#include "mem.h"

static const struct cfile_option options[] = {
	{ "address", false }, { "ports", true }, { "spis", true }, { "cookies", false }, { "whole", true },
	{ "expires", false }, { 0 },
};
static const struct cfile_kind kinds[] = { { "", CFILE_ONCE, options }, { 0 } };

/* The section of rsipd.conf that a fault is told at. */
struct place { const struct cfile_section *section; int line; };

static void
report(const char *line, void *arg)
{
	const struct place *place = arg;

	cfile_error(cfile_section_file(place->section), place->line, "upstream: %s", line);
}

static void
fault(const struct cfile_section *s, const struct cfile_value *v, const char *option, const char *allowed)
{
	cfile_error(cfile_section_file(s), v->line, "%s: \"%s\" is not %s", option, v->text, allowed);
}

/* ---- addresses ---- */

static void
add_address(const struct cfile_section *s, const char *option, const struct cfile_value *v, int line, struct conf *conf,
            struct conf_pool *pool)
{
	struct ip4_range range;

	if (!cfile_get_ip4(s, option, v, &range.first))
		return;
	range.last = range.first;
	pool->addresses = mem_grow(pool->addresses, pool->n_addresses + 1, sizeof(range));
	pool->addresses[pool->n_addresses++] = range;
	conf->pool_ranges = mem_grow(conf->pool_ranges, conf->n_pool_ranges + 1, sizeof(*conf->pool_ranges));
	conf->pool_ranges[conf->n_pool_ranges++] = (struct conf_pool_range){ range, pool, line };
}

/* ---- what there is of an address ---- */

static int
compare_ports(const void *a, const void *b)
{
	return ((const struct port_range *)a)->first - ((const struct port_range *)b)->first;
}

/* Sorted ranges: neighbours become one run, as what fits into neither may fit into both. */
static void
join_runs(struct conf_pool *pool, size_t n)
{
	size_t last = 0;

	if (n == 0)
		return;
	for (size_t i = 1; i < n; i++) {
		struct port_range *run = &pool->port_runs[last];
		struct port_range next = pool->port_runs[i];

		if (next.first > run->last + 1)
			pool->port_runs[++last] = next;
		else if (next.last > run->last)
			run->last = next.last;
	}
	pool->n_port_runs = last + 1;
	pool->ports = (struct port_range){ pool->port_runs[0].first, pool->port_runs[last].last };
}

static void
read_ports(const struct cfile_section *s, struct conf_pool *pool)
{
	const struct cfile_value *first = cfile_values(s, "ports");
	size_t n = 0;

	pool->port_runs = mem_zero(cfile_values_count(first), sizeof(*pool->port_runs));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (port_range_parse(v->text, &pool->port_runs[n]))
			n++;
		else
			fault(s, v, "ports", "a port or a range of ports");
	}
	qsort(pool->port_runs, n, sizeof(*pool->port_runs), compare_ports);
	join_runs(pool, n);
}

static void
read_spis(const struct cfile_section *s, struct conf_pool *pool)
{
	const struct cfile_value *first = cfile_values(s, "spis");

	pool->spi_runs = mem_zero(cfile_values_count(first), sizeof(*pool->spi_runs));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (spi_range_parse(v->text, &pool->spi_runs[pool->n_spi_runs]))
			pool->n_spi_runs++;
		else
			fault(s, v, "spis", "a range of SPIs");
	}
}

/* "VALUE/BITS": the cookies that begin with these bits. */
static void
read_cookies(const struct cfile_section *s, struct conf_pool *pool)
{
	const struct cfile_value *v = cfile_values(s, "cookies");
	unsigned long long value;
	unsigned bits;
	char end;

	if (v == NULL)
		return;
	if (sscanf(v->text, "0x%16llx/%u%c", &value, &bits, &end) != 2 || bits < 1 || bits > 64 ||
	    (bits < 64 && (value & (UINT64_MAX >> bits)) != 0)) {
		fault(s, v, "cookies", "a block of IKE cookies such as 0x5a00000000000000/8");
		return;
	}
	pool->cookie_first = value;
	pool->cookie_last = value | (bits < 64 ? UINT64_MAX >> bits : 0);
}

static void
read_expires(const struct cfile_section *s, struct conf_pool *pool)
{
	const struct cfile_value *v = cfile_values(s, "expires");
	char *end;

	if (v == NULL)
		return;
	errno = 0;
	pool->expires = strtoll(v->text, &end, 10);
	if (errno != 0 || *end != '\0' || end == v->text || pool->expires < 0)
		fault(s, v, "expires", "a number of seconds since 1970");
}

static void
read_file(const struct cfile *file, int line, struct conf *conf, struct conf_pool *pool)
{
	const struct cfile_section *s = cfile_section_next(file, "", NULL);
	const struct cfile_value *v;

	if ((pool->methods & CONF_METHOD(RSIP_METHOD_RSA_IP)) != 0) {
		for (v = cfile_values(s, "whole"); v != NULL; v = v->next)
			add_address(s, "whole", v, line, conf, pool);
	} else if ((v = cfile_values(s, "address")) != NULL) {
		add_address(s, "address", v, line, conf, pool);
	}
	read_ports(s, pool);
	read_spis(s, pool);
	read_cookies(s, pool);
	read_expires(s, pool);
}

/* ---- */

static void
refuse_own_options(const struct cfile_section *s)
{
	static const char *const own[] = { "addresses", "ports", "spis" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct cfile_value *v = cfile_values(s, own[i]);

		if (v != NULL)
			cfile_error(cfile_section_file(s), v->line, "%s: a pool with upstream has what its file says; leave it out",
			            own[i]);
	}
}

void
conf_read_upstream(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool)
{
	const struct cfile_value *v = cfile_values(s, "upstream");
	struct place place = { s, v->line };
	struct cfile *file;
	int fd;

	refuse_own_options(s);
	pool->upstream = mem_strdup(cfile_path(s, "upstream", ""));
	if (pool->upstream[0] == '\0')
		return;
	fd = open(pool->upstream, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		cfile_error(cfile_section_file(s), v->line, "upstream: %s cannot be read: %s", pool->upstream, strerror(errno));
	if (fd < 0)
		return;
	file = cfile_read(fd, pool->upstream, kinds, report, &place);
	if (file != NULL)
		read_file(file, v->line, conf, pool);
	cfile_free(file);
	close(fd);
}
