#include <string.h>

#include "cfile_get.h"
#include "conf.h"
#include "conf_read.h"
#include "conf_upstream.h"
#include "mem.h"

#define POOL_RANGE_MAX 65536u /* addresses: more is a slip of the pen, such as /4 for /24 */

static const struct cfile_word methods[] = {
	{ "rsa-ip", RSIP_METHOD_RSA_IP }, { "rsap-ip", RSIP_METHOD_RSAP_IP }, { "rsipsec", RSIP_METHOD_RSIPSEC }, { 0 },
};
static const struct cfile_word tunnels[] = { { "ip-ip", RSIP_TUNNEL_IP_IP }, { "gre", RSIP_TUNNEL_GRE }, { 0 } };

static bool
read_pool_range(const struct cfile_section *s, const struct cfile_value *v, struct ip4_range *range)
{
	const char *wrong = NULL;

	if (!ip4_range_parse(v->text, range))
		wrong = "is no address, prefix or range; write it like 203.0.113.8, 203.0.113.8/29 or 203.0.113.20-203.0.113.30";
	else if (range->last - range->first >= POOL_RANGE_MAX)
		wrong = "is more than 65536 addresses; split it, or mend the prefix length";
	else if (range->first >> 24 == 0 || range->last >> 24 >= 224 ||
	         (range->first >> 24 <= 127 && range->last >> 24 >= 127))
		wrong = "holds addresses that no host can have; unicast addresses outside of 0.0.0.0/8 and 127.0.0.0/8 are allowed";
	if (wrong != NULL)
		cfile_error(cfile_section_file(s), v->line, "addresses: \"%s\" %s", v->text, wrong);
	return wrong == NULL;
}

static void
read_pool_addresses(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool)
{
	const struct cfile_value *first = cfile_values(s, "addresses");
	size_t n = cfile_values_count(first);
	struct ip4_range range;

	pool->addresses = mem_zero(n, sizeof(range));
	conf->pool_ranges = mem_grow(conf->pool_ranges, conf->n_pool_ranges + n, sizeof(*conf->pool_ranges));
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (!read_pool_range(s, v, &range))
			continue;
		pool->addresses[pool->n_addresses++] = range;
		conf->pool_ranges[conf->n_pool_ranges++] = (struct conf_pool_range) { range, pool, v->line };
	}
}

static void
insert_ike_port(struct conf_pool *pool, uint16_t port)
{
	size_t at = pool->n_ike_ports++;

	for (; at > 0 && pool->ike_ports[at - 1] > port; at--)
		pool->ike_ports[at] = pool->ike_ports[at - 1];
	pool->ike_ports[at] = port;
}

static void
read_ike_ports(const struct cfile_section *s, struct conf_pool *pool)
{
	const struct cfile_value *first = cfile_values(s, "ike-ports");
	uint32_t port;

	if (first == NULL && pool->methods & CONF_METHOD(RSIP_METHOD_RSIPSEC)) {
		insert_ike_port(pool, 500);
		insert_ike_port(pool, 4500);
	}
	for (const struct cfile_value *v = first; v != NULL; v = v->next) {
		if (!cfile_get_number(s, "ike-ports", v, 1, UINT16_MAX, &port))
			continue;
		if (pool->n_ike_ports == CONF_IKE_PORTS_MAX) {
			cfile_error(cfile_section_file(s), v->line, "ike-ports: too many; %d are allowed", CONF_IKE_PORTS_MAX);
			return;
		}
		insert_ike_port(pool, (uint16_t)port);
	}
	for (size_t i = 1; i < pool->n_ike_ports; i++) {
		if (pool->ike_ports[i] == pool->ike_ports[i - 1])
			cfile_error(cfile_section_file(s), first->line, "ike-ports: %u is listed twice; once is enough",
			            pool->ike_ports[i]);
	}
}

/* The IKE ports are taken out of the leasable range; something must stay. */
static void
check_ports_left(const struct cfile_section *s, const struct conf_pool *pool)
{
	const struct cfile_value *v = cfile_values(s, "ports");
	size_t left = (size_t)pool->ports.last - pool->ports.first + 1;

	for (size_t i = 0; i < pool->n_ike_ports; i++)
		left -= pool->ike_ports[i] >= pool->ports.first && pool->ike_ports[i] <= pool->ports.last;
	if (left == 0 && v != NULL)
		cfile_error(cfile_section_file(s), v->line, "ports: \"%s\" leaves no port to lease beside ike-ports; allow more",
		            v->text);
}

/* What is ours to lease. */
static void
read_own(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool)
{
	read_pool_addresses(s, conf, pool);
	pool->ports = cfile_ports(s, "ports", (struct port_range) { 1024, 65535 });
	pool->spis = cfile_spis(s, "spis", (struct spi_range) { 0x10000000, 0xdfffffff });
	check_ports_left(s, pool);
}

void
conf_read_pool(const struct cfile_section *s, struct conf *conf, struct conf_pool *pool)
{
	const unsigned whole = CONF_METHOD(RSIP_METHOD_RSA_IP);

	cfile_require_name(s);
	pool->name = mem_strdup(cfile_section_title(s));
	if (cfile_values(s, "upstream") == NULL)
		cfile_require(s, "addresses", "addresses = { \"203.0.113.8/29\" }");
	cfile_require(s, "methods", "methods = { \"rsap-ip\", \"rsipsec\" }");
	pool->methods = cfile_words(s, "methods", methods, CONF_METHOD(RSIP_METHOD_RSAP_IP));
	if (pool->methods & whole && pool->methods != whole)
		cfile_error(cfile_section_file(s), cfile_values(s, "methods")->line, "methods: \"rsa-ip\" leases whole addresses and "
		            "cannot share a pool with other methods; give it a pool of its own");
	pool->tunnels = cfile_words(s, "tunnels", tunnels, CONF_TUNNEL(RSIP_TUNNEL_IP_IP) | CONF_TUNNEL(RSIP_TUNNEL_GRE));
	read_ike_ports(s, pool);
	if (cfile_values(s, "upstream") != NULL)
		conf_read_upstream(s, conf, pool);
	else
		read_own(s, conf, pool);
}
