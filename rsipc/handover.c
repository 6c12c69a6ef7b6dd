#include "config.h"

#include "handover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "clock.h"
#include "lease.h"
#include "log.h"
#include "mem.h"
#include "textfile.h"

#define CLOCK_SLACK_S 2
#define TEXT_MAX 65536

static bool
is_host_wide(const struct lease *l)
{
	return l->state == LEASE_HELD && l->owner == NULL;
}

/* Ports, SPIs and cookies are leased on of one address: the first. rsipc asks for all of them on that anyway. */
static ip4_t
shared_address(const struct agent *agent)
{
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (is_host_wide(l) && l->grant.method != RSIP_METHOD_RSA_IP)
			return l->grant.address;
	}
	return 0;
}

static bool
is_given(const struct lease *l, ip4_t shared)
{
	return is_host_wide(l) && (l->grant.method == RSIP_METHOD_RSA_IP || l->grant.address == shared);
}

/* What of one kind a lease has, as entries of a list; *sep parts them. */
typedef void put_fn(FILE *f, const struct grant *g, const char **sep);

static void
put_ports(FILE *f, const struct grant *g, const char **sep)
{
	for (unsigned i = 0; i < g->n_ports; i++, *sep = ", ")
		fprintf(f, "%s\"%u-%u\"", *sep, g->ports[i].first, g->ports[i].last);
}

static void
put_spis(FILE *f, const struct grant *g, const char **sep)
{
	for (unsigned i = 0; i < g->n_spis; i++, *sep = ", ")
		fprintf(f, "%s\"0x%08" PRIx32 "-0x%08" PRIx32 "\"", *sep, g->spis[i].first, g->spis[i].last);
}

static void
put_whole(FILE *f, const struct grant *g, const char **sep)
{
	char text[IP4_STRLEN];

	fprintf(f, "%s\"%s\"", *sep, ip4_str(g->address, text));
	*sep = ", ";
}

static void
put_list(FILE *f, const struct agent *agent, const char *option, bool whole, ip4_t shared, put_fn *put)
{
	char begin[32];
	const char *sep = begin; /* what stands before the next one */

	snprintf(begin, sizeof(begin), "%s = { ", option);
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (is_given(l, shared) && (l->grant.method == RSIP_METHOD_RSA_IP) == whole)
			put(f, &l->grant, &sep);
	}
	if (sep != begin)
		fprintf(f, " }\n");
}

/* One block: masks have their ones from the highest bit on. */
static void
put_cookies(FILE *f, const struct agent *agent, ip4_t shared)
{
	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (!is_given(l, shared) || l->grant.cookie_mask == 0)
			continue;
		fprintf(f, "cookies = \"0x%016" PRIx64 "/%d\"\n", l->grant.cookie_value,
		    __builtin_popcountll(l->grant.cookie_mask));
		return;
	}
}

static int64_t
first_end(const struct agent *agent, ip4_t shared)
{
	int64_t end = 0;

	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (is_given(l, shared) && (end == 0 || l->expires < end))
			end = l->expires;
	}
	return end == 0 ? 0 : clock_wall() + (end - clock_now()) / 1000;
}

char *
handover_text(const struct agent *agent, int64_t *expires)
{
	ip4_t shared = shared_address(agent);
	char *text = NULL, addr[IP4_STRLEN];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		log_fatal("handover", "out of memory");
	*expires = first_end(agent, shared);
	fprintf(f, "# Written by rsipc for the gateway on this machine; removed when rsipc ends.\n");
	if (shared != 0) {
		fprintf(f, "address = \"%s\"\n", ip4_str(shared, addr));
		put_list(f, agent, "ports", false, shared, put_ports);
		put_list(f, agent, "spis", false, shared, put_spis);
		put_cookies(f, agent, shared);
	}
	put_list(f, agent, "whole", true, 0, put_whole);
	fclose(f);
	return text;
}

/* The file now: what it tells, into text (TEXT_MAX bytes), and until when; 0 without a file. */
static int64_t
read_now(const char *path, char *text)
{
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(text, 1, TEXT_MAX - 1, f) : 0;
	char *end;

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	if ((end = strstr(text, "expires = \"")) == NULL)
		return 0;
	*end = '\0';
	return atoll(end + strlen("expires = \""));
}

void
handover_put(const char *path, const char *text, int64_t expires)
{
	char *now = mem_zero(TEXT_MAX, 1), *whole = NULL;
	int64_t until = read_now(path, now);
	bool same = strcmp(now, text) == 0 && llabs(until - expires) <= CLOCK_SLACK_S;

	free(now);
	if (same)
		return;
	if (asprintf(&whole, "%sexpires = \"%" PRId64 "\"\n", text, expires) < 0)
		log_fatal("handover", "out of memory");
	textfile_put(path, whole);
	free(whole);
	log_info("handover", "leases handed over path=%s expires=%" PRId64, path, expires);
}
