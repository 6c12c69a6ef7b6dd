/* rsipd: options, and which of its two lives it leads: checking a config file, or serving by one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "conf.h"
#include "conf_keys.h"
#include "detach.h"
#include "monitor.h"
#include "proctitle.h"

#define EXIT_USAGE 2

struct options { bool foreground, test, detach; const char *path; };

static const char usage_text[] =
    "usage: rsipd [-f] [-t] [-c FILE]\n"
    "       rsipd -d [-c FILE]\n"
    "  -c, --config=FILE  read FILE, default " RSIP_CONFDIR "/rsipd.conf\n"
    "  -d, --detach       take away what an rsipd that is gone left behind, and exit\n"
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

/* The checked config, or NULL after all that is wrong with it has been told. */
static struct conf *
read_conf(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct conf *conf;

	if (fd < 0) {
		fprintf(stderr, "rsipd: cannot read %s: %s\n", path, strerror(errno));
		return NULL;
	}
	conf = conf_parse_fd(fd, path, print_fault, NULL);
	close(fd);
	if (conf == NULL || conf_keys_read(conf, path, print_fault, NULL))
		return conf;
	conf_free(conf);
	return NULL;
}

static int
serve(const struct options *options)
{
	struct conf *conf = read_conf(options->path);
	char *path = realpath(options->path, NULL); /* the daemon leaves this directory */
	int status = 1;

	if (conf == NULL || path == NULL) {
		fprintf(stderr, "rsipd: not started\n");
		conf_free(conf);
	} else {
		if (!options->foreground)
			detach_start();
		status = monitor_run(conf, path, !options->foreground, detach_serving);
	}
	free(path);
	return status;
}

static int
test(const char *path)
{
	struct conf *conf = read_conf(path);

	if (conf == NULL)
		return EXIT_FAILURE;
	conf_free(conf);
	printf("%s: good\n", path);
	return EXIT_SUCCESS;
}

static int
detach(const char *path)
{
	struct conf *conf = read_conf(path);
	int status = conf != NULL ? cleanup_run(conf) : EXIT_FAILURE;

	conf_free(conf);
	return status;
}

int
main(int argc, char *argv[])
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' }, { "foreground", no_argument, NULL, 'f' },
		{ "test", no_argument, NULL, 't' },         { "detach", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct options options = { .path = RSIP_CONFDIR "/rsipd.conf" };
	int option;

	while ((option = getopt_long(argc, argv, "c:dfthV", long_options, NULL)) != -1) {
		switch (option) {
		case 'c': options.path = optarg; break;
		case 'd': options.detach = true; break;
		case 'f': options.foreground = true; break;
		case 't': options.test = true; break;
		case 'h': fputs(usage_text, stdout); return EXIT_SUCCESS;
		case 'V': puts("rsipd " PACKAGE_VERSION); return EXIT_SUCCESS;
		default: fputs(usage_text, stderr); return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "rsipd: unexpected argument \"%s\"\n%s", argv[optind], usage_text);
		return EXIT_USAGE;
	}
	if (options.test)
		return test(options.path);
	if (options.detach)
		return detach(options.path);
	proctitle_init(argc, argv);
	return serve(&options);
}
