#include "ike.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "conf.h"
#include "lease.h"
#include "log.h"

static const struct grant *
first_held(const struct agent *agent, uint8_t method)
{
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->state == LEASE_HELD && l->owner == NULL && (method == 0 || l->grant.method == method))
			return &l->grant;
	}
	return NULL;
}

/* An IKE daemon takes one range. Gateways lease aligned blocks, so there is hardly ever more than one. */
static struct spi_range
longest_range(const struct grant *grant)
{
	struct spi_range best = grant->spis[0];

	for (unsigned i = 1; i < grant->n_spis; i++) {
		if (grant->spis[i].last - grant->spis[i].first > best.last - best.first)
			best = grant->spis[i];
	}
	return best;
}

static FILE *
text_begin(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (f == NULL)
		log_fatal("ike", "out of memory");
	return f;
}

char *
ike_strongswan(const struct agent *agent)
{
	const struct grant *grant = first_held(agent, RSIP_METHOD_RSIPSEC);
	struct spi_range spis;
	char *text = NULL;
	size_t len;
	FILE *f;

	if (grant == NULL)
		return NULL;
	spis = longest_range(grant);
	f = text_begin(&text, &len);
	fprintf(f, "# Written by rsipc while its lease lasts; removed at its end.\n"
	           "charon {\n"
	           "\tspi_min = 0x%08" PRIx32 "\n"
	           "\tspi_max = 0x%08" PRIx32 "\n", spis.first, spis.last);
	if (grant->cookie_mask != 0)
		fprintf(f, "\tspi_label = 0x%016" PRIx64 "\n"
		           "\tspi_mask = 0x%016" PRIx64 "\n", grant->cookie_value, grant->cookie_mask);
	fprintf(f, "}\n");
	fclose(f);
	return text;
}

static void
put_ports(FILE *f, const struct agent *agent, ip4_t addr)
{
	const char *separator = "";

	fprintf(f, "RSIP_PORTS='");
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->state != LEASE_HELD || l->owner != NULL || l->grant.address != addr)
			continue;
		for (unsigned i = 0; i < l->grant.n_ports; i++) {
			fprintf(f, "%s%u-%u", separator, l->grant.ports[i].first, l->grant.ports[i].last);
			separator = " ";
		}
	}
	fprintf(f, "'\n");
}

static void
put_ipsec(FILE *f, const struct grant *grant)
{
	struct spi_range spis = longest_range(grant);
	char addr[IP4_STRLEN];

	fprintf(f, "RSIP_IPSEC_ADDRESS=%s\nRSIP_SPI_MIN=0x%08" PRIx32 "\nRSIP_SPI_MAX=0x%08" PRIx32 "\n",
	    ip4_str(grant->address, addr), spis.first, spis.last);
	if (grant->cookie_mask != 0)
		fprintf(f, "RSIP_COOKIE_VALUE=0x%016" PRIx64 "\nRSIP_COOKIE_MASK=0x%016" PRIx64 "\n", grant->cookie_value,
		    grant->cookie_mask);
}

char *
ike_environment(const struct conf *conf, const struct agent *agent)
{
	const struct grant *first = first_held(agent, 0), *ipsec = first_held(agent, RSIP_METHOD_RSIPSEC);
	char addr[IP4_STRLEN], *text = NULL;
	size_t len;
	FILE *f;

	if (first == NULL)
		return NULL;
	f = text_begin(&text, &len);
	fprintf(f, "RSIP_GATEWAY=%s\n", ip4_str(conf->gateway, addr));
	fprintf(f, "RSIP_DEVICE='%s'\n", conf->device);
	fprintf(f, "RSIP_ADDRESS=%s\n", ip4_str(first->address, addr));
	put_ports(f, agent, first->address);
	if (ipsec != NULL)
		put_ipsec(f, ipsec);
	fclose(f);
	return text;
}
