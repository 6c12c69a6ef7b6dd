/* rsipctl: asks rsipd or rsipc over its control socket, prints the answer for people or, with -j, for programs. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_leases.h"
#include "daemon.h"
#include "leases.h"
#include "options.h"
#include "replay.h"
#include "show.h"
#include "trace.h"
#include "who.h"
#include "writer.h"

struct command;

/* Builds the request out of the command's arguments. Returns NULL after it has said what is wrong with them. */
typedef json_t *request_fn(const struct command *command, char **args, int n_args);

static request_fn ask_plain, ask_filtered, ask_by_id;

static const struct command {
	const char *name, *arguments;
	int min_args, max_args;
	request_fn *request;
	const char *cmd;    /* what the daemon calls it */
	const char *member; /* what is shown of the answer: "data.drops"; NULL for all */
	show_fn *show;
	const char *help;
	int (*run)(const struct options *o); /* of a command that is more than one question; returns the exit status */
	unsigned options;                    /* enum option_set: those that it takes */
} commands[] = {
	{ "status", "", 0, 0, ask_plain, "status", NULL, show_status, "version, uptime, how many hosts and bindings",
	    NULL, 0 },
	{ "hosts", "[ADDRESS|CLIENT_ID]", 0, 1, ask_filtered, "hosts", NULL, show_hosts, "registered hosts", NULL, 0 },
	{ "bindings", "[ADDRESS|BIND_ID]", 0, 1, ask_filtered, "bindings", NULL, show_bindings,
	    "what is leased, all or of one host or public address", NULL, 0 },
	{ "pools", "", 0, 0, ask_plain, "pools", NULL, show_pools, "pool addresses and how full they are", NULL, 0 },
	{ "stats", "", 0, 0, ask_plain, "stats", NULL, show_stats, "counters of control messages and packets", NULL, 0 },
	{ "drops", "", 0, 0, ask_plain, "stats", "data.drops", show_drops, "dropped packets by reason", NULL, 0 },
	{ "sas", "", 0, 0, ask_plain, "sas", NULL, show_sas, "IPsec tunnels of this machine and how they moved (rsipc)", NULL,
	    0 },
	{ "free", "BIND_ID", 1, 1, ask_by_id, "free", NULL, show_done, "end one binding and tell its host", NULL, 0 },
	{ "deregister", "CLIENT_ID", 1, 1, ask_by_id, "deregister", NULL, show_done,
	    "end one registration with all its bindings and tell the host", NULL, 0 },
	{ "who", "ADDRESS PORT|SPI|COOKIE", 2, 2, NULL, NULL, NULL, NULL, "which host held it at a time", who_run, OPTIONS_AT },
	{ "check", "", 0, 0, NULL, NULL, NULL, NULL,
	    "whether memory, database and data plane agree and keep the rules; exit status 1 when not", check_run, 0 },
	{ "leases", "", 0, 0, NULL, NULL, NULL, NULL, "all that packets are held against, as JSON, for replay",
	    leases_run, 0 },
	{ "trace", "", 0, 0, NULL, NULL, NULL, NULL,
	    "packets on both sides of the gateway, live: whose each is, or why it is dropped", trace_run, OPTIONS_FILTER | OPTIONS_WRITE },
	{ "replay", "FILE", 1, 1, NULL, NULL, NULL, NULL, "the same for the packets of a capture file", replay_run,
	    OPTIONS_FILTER | OPTIONS_LEASES },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 },
};

static void
usage(FILE *out)
{
	fprintf(out, "usage: rsipctl [OPTION]... COMMAND [ARGUMENT]\n"
	             "       rsipctl -h | -V\n\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(out, "  %-10s %-19s  %s\n", c->name, c->arguments, c->help);
	fputc('\n', out);
	options_usage(out);
}

/* ---- requests ---- */

static json_t *
ask_plain(const struct command *command, char **args, int n_args)
{
	(void)args;
	(void)n_args;
	return json_pack("{s:s}", "cmd", command->cmd);
}

static json_t *
ask_filtered(const struct command *command, char **args, int n_args)
{
	if (n_args == 0)
		return ask_plain(command, args, n_args);
	return json_pack("{s:s, s:s}", "cmd", command->cmd, "match", args[0]);
}

static json_t *
ask_by_id(const struct command *command, char **args, int n_args)
{
	char *end;
	unsigned long long id;

	(void)n_args;
	errno = 0;
	id = strtoull(args[0], &end, 0);
	if (errno != 0 || end == args[0] || *end != '\0' || id == 0 || id > UINT32_MAX || args[0][0] == '-') {
		fprintf(stderr, "rsipctl: %s: \"%s\" is no %s: a number from 1 to 4294967295\n", command->name, args[0],
		    command->arguments);
		return NULL;
	}
	return json_pack("{s:s, s:I}", "cmd", command->cmd, "id", (json_int_t)id);
}

/* ---- one run ---- */

/* The part of the document that a path such as "data.drops" names; borrowed. */
static const json_t *
part_of(const json_t *document, const char *path)
{
	char name[64];
	size_t len;

	for (; path != NULL && *path != '\0'; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		document = json_object_get(document, name);
	}
	return document;
}

/* Returns the exit status. */
static int
print(const struct command *command, const json_t *document, bool json)
{
	const json_t *part = part_of(document, command->member);

	if (part == NULL) {
		fprintf(stderr, "rsipctl: the daemon's answer has no %s\n", command->member);
		return EXIT_REFUSED;
	}
	if (json)
		writer_json(stdout, part);
	else
		command->show(stdout, part);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_SUCCESS;
}

/* One question and its answer. */
static int
ask(const struct command *command, const struct options *o)
{
	const char *path = daemon_socket(o->socket);
	json_t *request = command->request(command, o->words + 1, o->n_words - 1), *document = NULL;
	int fd, status = EXIT_NO_DAEMON;

	if (request == NULL)
		return EXIT_USAGE;
	if ((fd = daemon_connect(path)) >= 0) {
		status = daemon_ask(fd, path, command->name, request, &document);
		if (status == 0)
			status = print(command, document, o->json);
		close(fd);
	}
	json_decref(document);
	json_decref(request);
	return status;
}

/* The command that the words on the command line name, or NULL after saying what is wrong. */
static const struct command *
find_command(const struct options *o)
{
	const struct command *c = commands;

	if (o->n_words == 0) {
		usage(stderr);
		return NULL;
	}
	while (c->name != NULL && strcmp(c->name, o->words[0]) != 0)
		c++;
	if (c->name == NULL) {
		fprintf(stderr, "rsipctl: no command \"%s\"; see rsipctl -h\n", o->words[0]);
	} else if (o->n_words - 1 < c->min_args || o->n_words - 1 > c->max_args) {
		fprintf(stderr, "usage: rsipctl [OPTION]... %s %s\n", c->name, c->arguments);
	} else if ((o->sets & ~c->options) != 0) {
		fprintf(stderr, "rsipctl: %s does not take these options; see rsipctl -h\n", c->name);
	} else {
		return c;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	struct options o;

	setlocale(LC_CTYPE, "");
	if (!options_read(&o, argc, argv)) {
		if (o.unknown)
			usage(stderr);
		return EXIT_USAGE;
	}
	if (o.help) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	if (o.version) {
		puts("rsipctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if ((command = find_command(&o)) == NULL)
		return EXIT_USAGE;
	return command->run != NULL ? command->run(&o) : ask(command, &o);
}
