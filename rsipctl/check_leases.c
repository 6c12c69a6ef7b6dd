#include "config.h"

#include "check_leases.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "options.h"
#include "writer.h"

static json_int_t
number(const json_t *report, const char *member)
{
	return json_integer_value(json_object_get(json_object_get(report, "checked"), member));
}

/* The daemon makes it printable. */
static const char *
text(const json_t *finding, const char *member)
{
	const char *value = json_string_value(json_object_get(finding, member));

	return value != NULL ? value : "-";
}

static void
show_findings(const json_t *report)
{
	const json_t *findings = json_object_get(report, "findings"), *finding;
	json_int_t more = json_integer_value(json_object_get(report, "more"));
	size_t i;

	json_array_foreach(findings, i, finding)
		printf("invariant %lld: %s\n    what to do: %s\n",
		       (long long)json_integer_value(json_object_get(finding, "invariant")), text(finding, "what"),
		       text(finding, "do"));
	if (more > 0)
		printf("... and %lld more\n", (long long)more);
}

static void
show(const json_t *report)
{
	bool ok = json_is_true(json_object_get(report, "ok"));

	show_findings(report);
	printf("%s: looked at %lld hosts, %lld bindings, %lld addresses, %lld database rows; asked the data plane about "
	       "%lld bindings\n", ok ? "All is well" : "Not all is well", (long long)number(report, "hosts"),
	       (long long)number(report, "bindings"), (long long)number(report, "addresses"),
	       (long long)number(report, "rows"), (long long)number(report, "data_plane_bindings"));
}

static int
tell(const struct options *o, const json_t *report)
{
	if (o->json)
		writer_json(stdout, report);
	else
		show(report);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		return EXIT_REFUSED;
	}
	return json_is_true(json_object_get(report, "ok")) ? EXIT_SUCCESS : EXIT_REFUSED;
}

int
check_run(const struct options *o)
{
	json_t *request = json_pack("{s:s}", "cmd", "check"), *report = NULL;
	const char *path = daemon_socket(o->socket);
	int fd = daemon_connect(path), status = EXIT_NO_DAEMON;

	if (fd >= 0) {
		status = daemon_ask(fd, path, "check", request, &report);
		close(fd);
	}
	if (status == 0)
		status = tell(o, report);
	json_decref(report);
	json_decref(request);
	return status;
}
