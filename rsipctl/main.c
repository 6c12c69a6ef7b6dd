/* rsipctl: asks rsipd or rsipc over its control socket, prints the answer for people or, with -j, for programs. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_client.h"
#include "show.h"
#include "writer.h"

#define GATEWAY_SOCKET "/run/rsip/rsipd.sock"
#define HOST_SOCKET "/run/rsip/rsipc.sock"
#define TIMEOUT_MS 10000 /* of silence; a long answer may take longer in all */

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3 };

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
} commands[] = {
	{ "status", "", 0, 0, ask_plain, "status", NULL, show_status, "version, uptime, how many hosts and bindings" },
	{ "hosts", "[ADDRESS|CLIENT_ID]", 0, 1, ask_filtered, "hosts", NULL, show_hosts, "registered hosts" },
	{ "bindings", "[ADDRESS|BIND_ID]", 0, 1, ask_filtered, "bindings", NULL, show_bindings,
	    "what is leased, all or of one host or public address" },
	{ "pools", "", 0, 0, ask_plain, "pools", NULL, show_pools, "pool addresses and how full they are" },
	{ "stats", "", 0, 0, ask_plain, "stats", NULL, show_stats, "counters of control messages and packets" },
	{ "drops", "", 0, 0, ask_plain, "stats", "data.drops", show_drops, "dropped packets by reason" },
	{ "free", "BIND_ID", 1, 1, ask_by_id, "free", NULL, show_done, "end one binding and tell its host" },
	{ "deregister", "CLIENT_ID", 1, 1, ask_by_id, "deregister", NULL, show_done,
	    "end one registration with all its bindings and tell the host" },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL },
};

static void
usage(FILE *out)
{
	fprintf(out, "usage: rsipctl [-j] [-s SOCKET] COMMAND [ARGUMENT]\n"
	             "       rsipctl -h | -V\n\n"
	             "  -j         print JSON, one document a line\n"
	             "  -s SOCKET  the daemon's control socket; without it " GATEWAY_SOCKET ", or\n"
	             "             " HOST_SOCKET " if only that exists\n\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(out, "  %-10s %-19s  %s\n", c->name, c->arguments, c->help);
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

static const char *
default_socket(void)
{
	return access(GATEWAY_SOCKET, F_OK) != 0 && access(HOST_SOCKET, F_OK) == 0 ? HOST_SOCKET : GATEWAY_SOCKET;
}

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

static int
run(const struct command *command, const char *path, const json_t *request, bool json)
{
	char error[CTL_ERROR_LEN];
	json_t *document;
	int fd = ctl_client_connect(path), status;

	if (fd < 0) {
		fprintf(stderr, errno == ENOENT || errno == ECONNREFUSED
		                    ? "rsipctl: no daemon at %s (%s): is rsipd or rsipc running?\n"
		                    : "rsipctl: cannot connect to %s: %s\n",
		    path, strerror(errno));
		return EXIT_NO_DAEMON;
	}
	switch (ctl_client_ask(fd, request, -1, TIMEOUT_MS, &document, error)) {
	case CTL_DONE:
		status = print(command, document, json);
		break;
	case CTL_REFUSED:
		fprintf(stderr, "rsipctl: %s: %s\n", command->name, error);
		status = EXIT_REFUSED;
		break;
	default:
		fprintf(stderr, "rsipctl: %s: %s\n", path, error);
		status = EXIT_NO_DAEMON;
	}
	json_decref(document);
	close(fd);
	return status;
}

/* The command that the words on the command line name, or NULL after saying what is wrong. */
static const struct command *
find_command(int n_words, char **words)
{
	const struct command *c = commands;

	if (n_words == 0) {
		usage(stderr);
		return NULL;
	}
	while (c->name != NULL && strcmp(c->name, words[0]) != 0)
		c++;
	if (c->name == NULL) {
		fprintf(stderr, "rsipctl: no command \"%s\"; see rsipctl -h\n", words[0]);
		return NULL;
	}
	if (n_words - 1 < c->min_args || n_words - 1 > c->max_args) {
		fprintf(stderr, "usage: rsipctl [-j] [-s SOCKET] %s %s\n", c->name, c->arguments);
		return NULL;
	}
	return c;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *path = NULL;
	bool json = false;
	json_t *request;
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int opt, status;

	setlocale(LC_CTYPE, "");
	while ((opt = getopt_long(argc, argv, "hjs:V", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'j':
			json = true;
			break;
		case 's':
			path = optarg;
			break;
		case 'V':
			puts("rsipctl " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if ((command = find_command(argc - optind, argv + optind)) == NULL)
		return EXIT_USAGE;
	if ((request = command->request(command, argv + optind + 1, argc - optind - 1)) == NULL)
		return EXIT_USAGE;
	status = run(command, path != NULL ? path : default_socket(), request, json);
	json_decref(request);
	return status;
}
