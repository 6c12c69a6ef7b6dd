#include "config.h"

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "who.h"

/* Options without a letter. */
enum { OPT_HOST = 256, OPT_ADDRESS, OPT_PEER, OPT_PORT, OPT_SPI, OPT_COOKIE, OPT_DROPPED, OPT_LEASES, OPT_AT };

static const struct option options[] = {
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "at", required_argument, NULL, OPT_AT },
	{ "cookie", required_argument, NULL, OPT_COOKIE },
	{ "count", required_argument, NULL, 'c' },
	{ "dropped", no_argument, NULL, OPT_DROPPED },
	{ "help", no_argument, NULL, 'h' },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "json", no_argument, NULL, 'j' },
	{ "leases", required_argument, NULL, OPT_LEASES },
	{ "peer", required_argument, NULL, OPT_PEER },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "socket", required_argument, NULL, 's' },
	{ "spi", required_argument, NULL, OPT_SPI },
	{ "version", no_argument, NULL, 'V' },
	{ "write", required_argument, NULL, 'w' },
	{ 0 },
};

void
options_usage(FILE *out)
{
	fputs("  -j, --json           print JSON, one document a line\n"
	      "  -s, --socket=SOCKET  the daemon's control socket\n"
	      "  -h, --help           show this and exit\n"
	      "  -V, --version        show the version and exit\n"
	      "of who:\n"
	      "      --at=TIME        then, such as 2026-11-22T08:30Z, or @ and seconds since 1970; else now\n"
	      "of trace and replay:\n"
	      "      --host=ADDRESS   packets of this RSIP host, by its private address\n"
	      "      --address=ADDRESS  ... of this leased public address\n"
	      "      --peer=ADDRESS   ... with this peer\n"
	      "      --port=PORT[-PORT]  ... with one of these ports on either side\n"
	      "      --spi=SPI[-SPI]  ... ESP and AH with one of these SPIs\n"
	      "      --cookie=COOKIE[/BITS]  ... IKE with this cookie, or one that begins with these bits of it\n"
	      "      --dropped        ... that are dropped\n"
	      "  -c, --count=N        end after N packets\n"
	      "  -w, --write=FILE     trace: write the packets into a capture file for Wireshark; - is standard output\n"
	      "      --leases=FILE    replay: against the leases that rsipctl leases has printed there\n",
	    out);
}

static bool
bad(const char *option, const char *text, const char *allowed)
{
	fprintf(stderr, "rsipctl: --%s: \"%s\" is not %s\n", option, text, allowed);
	return false;
}

static bool
read_address(const char *option, const char *text, ip4_t *out)
{
	return (ip4_parse(text, out) && *out != 0) || bad(option, text, "an IPv4 address");
}

static bool
read_count(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *out > 0) ||
	       bad("count", text, "a number from 1 on");
}

/* Those of OPTIONS_FILTER. */
static bool
read_filter(struct options *o, int opt)
{
	struct filter *f = &o->filter;

	switch (opt) {
	case OPT_HOST:
		return read_address("host", optarg, &f->host);
	case OPT_ADDRESS:
		return read_address("address", optarg, &f->address);
	case OPT_PEER:
		return read_address("peer", optarg, &f->peer);
	case OPT_PORT:
		return filter_read_port(f, optarg) || bad("port", optarg, "a port or a range of ports, such as 4500 or 1024-2047");
	case OPT_SPI:
		return filter_read_spi(f, optarg) || bad("spi", optarg, "an SPI or a range of SPIs, such as 0x4a10 or 0x4a10-0x4a1f");
	case OPT_COOKIE:
		return filter_read_cookie(f, optarg) ||
		       bad("cookie", optarg, "an IKE cookie or a block of them, such as 0x5ac3000000000001 or 0x5ac3000000000000/16");
	case OPT_DROPPED:
		return f->dropped = true;
	default: /* c */
		return read_count(optarg, &o->count);
	}
}

static bool
read_one(struct options *o, int opt)
{
	switch (opt) {
	case 'h':
		return o->help = true;
	case 'V':
		return o->version = true;
	case 'j':
		return o->json = true;
	case 's':
		o->socket = optarg;
		return true;
	case 'w':
		o->sets |= OPTIONS_WRITE;
		o->write = optarg;
		return true;
	case OPT_LEASES:
		o->sets |= OPTIONS_LEASES;
		o->leases = optarg;
		return true;
	case OPT_AT:
		o->sets |= OPTIONS_AT;
		o->has_at = true;
		return who_time(optarg, &o->at) || bad("at", optarg, "a time such as 2026-11-22T08:30:05Z (UTC) or @1795336205");
	case '?':
		o->unknown = true;
		return false;
	default:
		o->sets |= OPTIONS_FILTER;
		return read_filter(o, opt);
	}
}

bool
options_read(struct options *o, int argc, char **argv)
{
	int opt;

	memset(o, 0, sizeof(*o));
	while ((opt = getopt_long(argc, argv, "c:hjs:Vw:", options, NULL)) != -1) {
		if (!read_one(o, opt))
			return false;
	}
	o->words = argv + optind;
	o->n_words = argc - optind;
	return true;
}
