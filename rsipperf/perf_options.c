#include "config.h"

#include "perf_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "rsip_proto.h"
#include "swarm.h"

#define HOSTS_MAX 16000000
#define BINDINGS_MAX 65535
#define AT_ONCE_MAX 255

enum { OPT_AT_ONCE = 256, OPT_FILL, OPT_KEEP, OPT_COOKIES, OPT_TRIES, OPT_SEED, OPT_LEASE, OPT_PORTS, OPT_SPIS };

static const struct option long_options[] = {
	{ "at-once", required_argument, NULL, OPT_AT_ONCE },
	{ "bindings", required_argument, NULL, 'b' }, { "cookies", no_argument, NULL, OPT_COOKIES },
	{ "duration", required_argument, NULL, 'd' }, { "fill", no_argument, NULL, OPT_FILL },
	{ "help", no_argument, NULL, 'h' },           { "hosts", required_argument, NULL, 'n' },
	{ "hosts-from", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
	{ "keep", no_argument, NULL, OPT_KEEP },      { "lease", required_argument, NULL, OPT_LEASE },
	{ "method", required_argument, NULL, 'm' },   { "mix", required_argument, NULL, 'x' },
	{ "port", required_argument, NULL, 'p' },     { "ports", required_argument, NULL, OPT_PORTS },
	{ "quiet", no_argument, NULL, 'q' },          { "rate", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, OPT_SEED }, { "spis", required_argument, NULL, OPT_SPIS },
	{ "tcp", no_argument, NULL, 't' },            { "tries", required_argument, NULL, OPT_TRIES },
	{ "version", no_argument, NULL, 'V' },        { "window", required_argument, NULL, 'w' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *out)
{
	fputs("usage: rsipperf [OPTION...] GATEWAY\n"
	      "Loads an RSIP gateway with the requests of many simulated hosts and tells how it answered.\n\n"
	      "  -n, --hosts=N           simulated hosts (1000)\n"
	      "  -f, --hosts-from=ADDR   address of the first; all must be local to this machine (127.1.0.1)\n"
	      "  -t, --tcp               over TCP, a connection a host; else UDP\n"
	      "  -p, --port=PORT         of the gateway (4555)\n"
	      "  -b, --bindings=N        a host holds at most (4)\n"
	      "      --fill              each host takes all its bindings before the mix begins\n"
	      "  -d, --duration=SECONDS  of the mix; 0 leaves it out (10)\n"
	      "  -x, --mix=OP=WEIGHT,... of register, assign, extend, free, query (assign=1,extend=2,free=1)\n"
	      "  -r, --rate=N            requests a second in the mix; 0 = as fast as answers come (0)\n"
	      "  -w, --window=N          requests under way at a time; 0 = no limit but the hosts' own (256)\n"
	      "      --at-once=N         over TCP: requests that a host sends at once (1)\n"
	      "  -m, --method=METHOD     rsa-ip, rsap-ip or rsipsec (rsap-ip)\n"
	      "      --ports=N           asked for by one rsap-ip request, at most 255 (8)\n"
	      "      --spis=N            asked for by one rsipsec request (4)\n"
	      "      --cookies           rsipsec: a cookie block too\n"
	      "      --lease=SECONDS     asked for; 0 = what the gateway gives (0)\n"
	      "      --tries=N           of a request over UDP, RFC 3103 section 5 (7)\n"
	      "      --keep              do not de-register at the end\n"
	      "      --seed=N            of the order of hosts and operations (1)\n"
	      "  -j, --json              one JSON document at the end\n"
	      "  -q, --quiet             no line of progress\n"
	      "  -h, --help              this text\n"
	      "  -V, --version           the version\n\n"
	      "Exit status: 0 all requests were granted, 1 some were refused or lost, 2 wrong usage.\n", out);
}

static bool
wrong(const char *option, const char *value, const char *allowed)
{
	fprintf(stderr, "rsipperf: --%s: \"%s\" is no %s\n", option, value, allowed);
	return false;
}

static bool
read_number(const char *option, const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end, allowed[80];

	errno = 0;
	*out = strtoull(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && value[0] != '-' && *out >= min && *out <= max)
		return true;
	snprintf(allowed, sizeof(allowed), "number from %llu to %llu", (unsigned long long)min, (unsigned long long)max);
	return wrong(option, value, allowed);
}

static bool
read_real(const char *option, const char *value, double max, double *out)
{
	char *end;

	*out = strtod(value, &end);
	if (end != value && *end == '\0' && isfinite(*out) && *out >= 0 && *out <= max)
		return true;
	return wrong(option, value, "number of 0 or more");
}

/* "assign=1,extend=2": all that is not named has weight 0. */
static bool
read_mix(const char *value, struct plan *plan)
{
	unsigned total = 0;

	memset(plan->weight, 0, sizeof(plan->weight));
	for (const char *at = value; *at != '\0'; at += *at == ',') {
		size_t name_len = strcspn(at, "=,");
		unsigned long weight;
		enum op op;
		char *end;

		if (!op_parse(at, name_len, &op) || op == OP_DEREGISTER || at[name_len] != '=')
			return wrong("mix", value, "list such as assign=1,extend=2,free=1 of register, assign, extend, free, query");
		weight = strtoul(at + name_len + 1, &end, 10);
		if (end == at + name_len + 1 || (*end != '\0' && *end != ',') || weight > 1000000)
			return wrong("mix", value, "list of weights from 0 to 1000000");
		plan->weight[op] = (unsigned)weight;
		total += (unsigned)weight;
		at = end;
	}
	return total > 0 || wrong("mix", value, "mix: all weights are 0");
}

static bool
read_method(const char *value, struct plan *plan)
{
	int method = rsip_method_parse(value);

	plan->method = (uint8_t)method;
	return method != 0 || wrong("method", value, "method: rsa-ip, rsap-ip or rsipsec");
}

static bool
read_with_number(int c, const char *value, struct plan *plan)
{
	uint64_t n = 0;
	bool good = true;

	switch (c) {
	case 'b': good = read_number("bindings", value, 1, BINDINGS_MAX, &n); plan->bindings = (unsigned)n; break;
	case 'n': good = read_number("hosts", value, 1, HOSTS_MAX, &n); plan->hosts = (uint32_t)n; break;
	case 'p': good = read_number("port", value, 1, 65535, &n); plan->port = (uint16_t)n; break;
	case 'w': good = read_number("window", value, 0, HOSTS_MAX, &n); plan->window = (uint32_t)n; break;
	case OPT_AT_ONCE: good = read_number("at-once", value, 1, AT_ONCE_MAX, &n); plan->at_once = (unsigned)n; break;
	case OPT_LEASE: good = read_number("lease", value, 0, UINT32_MAX, &n); plan->lease_s = (uint32_t)n; break;
	case OPT_PORTS: good = read_number("ports", value, 1, 255, &n); plan->ports = (uint8_t)n; break;
	case OPT_SPIS: good = read_number("spis", value, 1, 65535, &n); plan->spis = (uint16_t)n; break;
	case OPT_TRIES: good = read_number("tries", value, 1, SWARM_TRIES_MAX, &n); plan->tries = (unsigned)n; break;
	default: good = read_number("seed", value, 0, UINT64_MAX, &n); plan->seed = n; break;
	}
	return good;
}

static bool
read_option(int c, const char *value, struct plan *plan)
{
	double seconds;

	switch (c) {
	case 'd':
		if (!read_real("duration", value, 1e6, &seconds))
			return false;
		plan->duration_us = (int64_t)(seconds * 1e6);
		return true;
	case 'f':
		return ip4_parse(value, &plan->first_host) || wrong("hosts-from", value, "IPv4 address");
	case 'm':
		return read_method(value, plan);
	case 'r':
		return read_real("rate", value, 1e9, &plan->rate);
	case 'x':
		return read_mix(value, plan);
	case 'j': plan->json = true; return true;
	case 'q': plan->quiet = true; return true;
	case 't': plan->tcp = true; return true;
	case OPT_FILL: plan->fill = true; return true;
	case OPT_KEEP: plan->keep = true; return true;
	case OPT_COOKIES: plan->cookies = true; return true;
	default:
		return read_with_number(c, value, plan);
	}
}

/* What must fit together. */
static bool
check(struct plan *plan, char **args, int n_args)
{
	if (n_args != 1) {
		fprintf(stderr, "rsipperf: %s; rsipperf --help tells more\n", n_args == 0 ? "the gateway's address is missing" :
		    "one gateway at a time");
		return false;
	}
	if (!ip4_parse(args[0], &plan->gateway)) {
		fprintf(stderr, "rsipperf: the gateway \"%s\" is no IPv4 address\n", args[0]);
		return false;
	}
	if (plan->first_host + plan->hosts - 1 < plan->first_host) {
		fprintf(stderr, "rsipperf: so many hosts do not fit behind the first address\n");
		return false;
	}
	if (plan->at_once > 1 && !plan->tcp) {
		fprintf(stderr, "rsipperf: --at-once: over UDP a host has one request under way (RFC 3103 section 10.1): add --tcp\n");
		return false;
	}
	if (plan->window == 0 || plan->window > (uint64_t)plan->hosts * plan->at_once)
		plan->window = plan->hosts * plan->at_once;
	return true;
}

enum options_verdict
options_read(int argc, char **argv, struct plan *plan)
{
	int c;

	*plan = (struct plan){ .port = RSIP_PORT, .first_host = 0x7f010001, .hosts = 1000, .bindings = 4,
	    .method = RSIP_METHOD_RSAP_IP, .ports = 8, .spis = 4, .window = 256, .duration_us = 10000000, .tries = 7,
	    .at_once = 1, .seed = 1, .weight = { [OP_ASSIGN] = 1, [OP_EXTEND] = 2, [OP_FREE] = 1 } };
	while ((c = getopt_long(argc, argv, "b:d:f:hjm:n:p:qr:tVw:x:", long_options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return OPTIONS_DONE;
		}
		if (c == 'V') {
			printf("rsipperf %s\n", PACKAGE_VERSION);
			return OPTIONS_DONE;
		}
		if (c == '?') {
			fputs("rsipperf --help lists the options\n", stderr);
			return OPTIONS_WRONG;
		}
		if (!read_option(c, optarg, plan))
			return OPTIONS_WRONG;
	}
	return check(plan, argv + optind, argc - optind) ? OPTIONS_RUN : OPTIONS_WRONG;
}
