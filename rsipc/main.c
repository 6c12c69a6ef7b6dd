/* rsipc: options, and which of its three lives it leads: checking a config file, serving the host by one, or running a
 * command with a lease of its own. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "conf.h"
#include "detach.h"
#include "host.h"
#include "log.h"
#include "message.h"
#include "notify.h"
#include "privileges.h"
#include "station.h"

#define EXIT_USAGE 2

struct options { bool foreground, test; const char *path; };

static const char usage_text[] =
    "usage: rsipc [-f] [-c FILE]\n"
    "       rsipc [-c FILE] -t\n"
    "       rsipc [-c FILE] -- COMMAND [ARGUMENT ...]\n"
    "  -c, --config=FILE  read FILE, default " RSIP_CONFDIR "/rsipc.conf\n"
    "  -f, --foreground   stay in the foreground\n"
    "  -t, --test         check the config, tell each fault as FILE:LINE, and exit\n"
    "  -h, --help         show this and exit\n"
    "  -V, --version      show the version and exit\n";

static void
print_fault(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* Everything that needs root is open. False: it cannot be given up. */
static bool
ready(void)
{
	if (!privileges_drop())
		return false;
	log_errors_to_stderr(false);
	detach_serving();
	notify_send("READY=1");
	return true;
}

/* Registers, leases and serves until it is told to stop. */
static int
serve_host(struct conf *conf, const char *path)
{
	struct host host;
	bool busy, good;

	if (!host_open(&host, conf, path, &busy))
		return EXIT_FAILURE;
	if ((good = ready())) {
		host_run(&host);
		notify_send("STOPPING=1");
	}
	host_close(&host);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same without a gateway: IPsec tunnels alone. */
static int
serve_station(struct conf *conf, const char *path)
{
	struct station station;
	bool good;

	if (!station_open(&station, conf, path))
		return EXIT_FAILURE;
	if ((good = ready())) {
		station_run(&station);
		notify_send("STOPPING=1");
	}
	station_close(&station);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
serve(struct conf *conf, const struct options *options)
{
	bool to_syslog = !options->foreground && conf->log_to == LOG_TO_STDERR;
	char *path = realpath(options->path, NULL); /* the daemon leaves this directory */
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN); /* a gateway that hangs up, a log that nobody reads: the write fails, and that is all */
	log_init("rsipc", to_syslog ? LOG_TO_SYSLOG : conf->log_to, conf->log_level, conf->log_json);
	if (!options->foreground) {
		detach_start();
		log_errors_to_stderr(true);
	}
	if (path != NULL)
		status = conf->gateway != 0 ? serve_host(conf, path) : serve_station(conf, path);
	else
		log_error("config", "cannot be found again path=%s error=\"%s\"", options->path, strerror(errno));
	free(path);
	return status;
}

static int
run(const struct options *options, char *const command[])
{
	struct conf *conf = conf_parse(options->path, print_fault, NULL);
	int status = EXIT_FAILURE;

	if (conf == NULL) {
		if (!options->test)
			fprintf(stderr, "rsipc: not started\n");
		return EXIT_FAILURE;
	}
	message_set_vendor_id(conf->vendor_id);
	if (options->test) {
		printf("%s: good\n", options->path);
		status = EXIT_SUCCESS;
	} else if (command[0] != NULL && conf->gateway == 0) {
		fprintf(stderr, "rsipc: %s has no gateway section: a command needs a gateway to lease from\n", options->path);
	} else if (privileges_suffice()) {
		status = command[0] != NULL ? command_run(conf, command) : serve(conf, options);
	}
	conf_free(conf);
	return status;
}

int
main(int argc, char *argv[])
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' }, { "foreground", no_argument, NULL, 'f' },
		{ "test", no_argument, NULL, 't' },         { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },      { 0 },
	};
	struct options options = { .path = RSIP_CONFDIR "/rsipc.conf" };
	int option;

	while ((option = getopt_long(argc, argv, "+c:fthV", long_options, NULL)) != -1) {
		switch (option) {
		case 'c': options.path = optarg; break;
		case 'f': options.foreground = true; break;
		case 't': options.test = true; break;
		case 'h': fputs(usage_text, stdout); return EXIT_SUCCESS;
		case 'V': puts("rsipc " PACKAGE_VERSION); return EXIT_SUCCESS;
		default: fputs(usage_text, stderr); return EXIT_USAGE;
		}
	}
	/* A command stands behind "--", so that a slip of the pen is not run. */
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		fprintf(stderr, "rsipc: unexpected argument \"%s\"\n%s", argv[optind], usage_text);
		return EXIT_USAGE;
	}
	if (optind == argc && strcmp(argv[argc - 1], "--") == 0 && argc > 1) {
		fprintf(stderr, "rsipc: no command behind \"--\"\n%s", usage_text);
		return EXIT_USAGE;
	}
	return run(&options, argv + optind);
}
