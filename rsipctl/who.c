#include "config.h"

#include "who.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "options.h"
#include "writer.h"

#define HEX_OF_SPI 8
#define HEX_OF_COOKIE 16

const char *
who_kind(const char *text)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t len = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long long value;

	if (len == 0 || digits[len] != '\0' || len > HEX_OF_COOKIE)
		return NULL;
	if (hex)
		return len <= HEX_OF_SPI ? "spi" : "cookie";
	value = strtoull(digits, NULL, 10);
	return value <= UINT16_MAX ? "port" : value <= UINT32_MAX ? "spi" : NULL;
}

bool
who_time(const char *text, int64_t *at)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M" };
	char *end;

	if (text[0] == '@') {
		errno = 0;
		*at = strtoll(text + 1, &end, 10);
		return errno == 0 && end != text + 1 && *end == '\0' && *at >= 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *rest = strptime(text, forms[i], &tm);
		int day = tm.tm_mday;
		if (rest != NULL && (*rest == '\0' || strcmp(rest, "Z") == 0)) {
			*at = timegm(&tm); /* which makes March of the 30th of February */
			return tm.tm_mday == day;
		}
	}
	return false;
}

static void
cell_time(char cell[CELL_MAX], const json_t *value)
{
	time_t at = (time_t)json_integer_value(value);
	struct tm tm;

	if (!json_is_integer(value))
		strcpy(cell, "still");
	else
		strftime(cell, CELL_MAX, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
}

static void
show(const json_t *holders, bool now)
{
	static const struct column columns[] = {
		{ "HOST", "host", cell_plain },
		{ "NAME", "name", cell_plain },
		{ "CLIENT ID", "client_id", cell_plain },
		{ "BIND ID", "bind_id", cell_plain },
		{ "FROM", "from", cell_time },
		{ "TO", "to", cell_time },
		{ NULL, NULL, NULL },
	};

	writer_table(stdout, holders, columns,
	             now ? "Nobody holds it now." : "Nobody held it then, as far as the history goes back.");
}

/* The request, or NULL after a line about what is wrong with the words. */
static json_t *
request_of(const struct options *o)
{
	const char *address = o->words[1], *what = o->words[2], *kind = who_kind(what);
	char value[24];
	ip4_t addr;

	if (!ip4_parse(address, &addr)) {
		fprintf(stderr, "rsipctl: who: \"%s\" is no IPv4 address\n", address);
		return NULL;
	}
	if (kind == NULL) {
		fprintf(stderr, "rsipctl: who: \"%s\" is no port (4500), SPI (0x4a10) or IKE cookie (0x5ac3000000000001)\n", what);
		return NULL;
	}
	snprintf(value, sizeof(value), "0x%llx", strtoull(what, NULL, strncmp(what, "0x", 2) == 0 ? 16 : 10));
	return json_pack("{s:s, s:s, s:s, s:s, s:o*}", "cmd", "who", "address", address, "kind", kind, "value", value,
	    "at", o->has_at ? json_integer(o->at) : NULL);
}

static int
tell(const struct options *o, const json_t *holders)
{
	if (o->json)
		writer_json(stdout, holders);
	else
		show(holders, !o->has_at);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "rsipctl: cannot write: %s\n", strerror(errno));
		return EXIT_REFUSED;
	}
	return json_array_size(holders) > 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}

int
who_run(const struct options *o)
{
	json_t *request = request_of(o), *holders = NULL;
	const char *path = daemon_socket(o->socket);
	int fd, status;

	if (request == NULL)
		return EXIT_USAGE;
	fd = daemon_connect(path);
	status = fd < 0 ? EXIT_NO_DAEMON : daemon_ask(fd, path, "who", request, &holders);
	if (status == EXIT_SUCCESS)
		status = tell(o, holders);
	json_decref(holders);
	json_decref(request);
	if (fd >= 0)
		close(fd);
	return status;
}
