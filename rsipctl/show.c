#include "config.h"

#include "show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

/* Value and mask of a cookie block, RFC 3104's 8-byte initiator cookie: "0x5ac3000000000000/16" where the fixed bits
 * are the first ones, as in an address prefix; else "value/mask". */
static void
cell_cookie(char cell[CELL_MAX], const json_t *cookie)
{
	const char *value = json_string_value(json_object_get(cookie, "value"));
	const char *mask_text = json_string_value(json_object_get(cookie, "mask"));
	uint64_t mask;

	if (value == NULL || mask_text == NULL) {
		strcpy(cell, "-");
		return;
	}
	mask = strtoull(mask_text, NULL, 0);
	if (mask != 0 && (~mask & (~mask + 1)) == 0)
		snprintf(cell, CELL_MAX, "%.20s/%d", value, __builtin_popcountll(mask));
	else
		snprintf(cell, CELL_MAX, "%.20s/%.20s", value, mask_text);
}

/* The peer of a remote flow policy: "any", "198.51.100.7", "198.51.100.7:80", "www.example.com:80". */
static void
cell_remote(char cell[CELL_MAX], const json_t *remote)
{
	char address[CELL_MAX], ports[CELL_MAX];

	if (!json_is_object(remote)) {
		strcpy(cell, "any");
		return;
	}
	cell_plain(address, json_object_get(remote, json_object_get(remote, "name") != NULL ? "name" : "address"));
	cell_ranges(ports, json_object_get(remote, "ports"));
	if (strcmp(ports, "-") == 0)
		strcpy(cell, address);
	else
		snprintf(cell, CELL_MAX, "%.40s:%.140s", address, ports);
}

void
show_status(FILE *out, const json_t *document)
{
	writer_members(out, document);
}

void
show_hosts(FILE *out, const json_t *document)
{
	static const struct column columns[] = {
		{ "CLIENT ID", "client_id", cell_plain },
		{ "ADDRESS", "address", cell_plain },
		{ "NAME", "name", cell_plain },
		{ "IDENTITY", "identity", cell_plain },
		{ "MOVED FROM", "moved_from", cell_plain },
		{ "TRANSPORT", "transport", cell_plain },
		{ "POLICY", "policy", cell_plain },
		{ "BINDINGS", "bindings", cell_plain },
		{ "EXPIRES IN", "expires_in_s", cell_duration },
		{ NULL, NULL, NULL },
	};

	writer_table(out, document, columns, "No host is registered.");
}

void
show_bindings(FILE *out, const json_t *document)
{
	static const struct column columns[] = {
		{ "BIND ID", "bind_id", cell_plain },
		{ "HOST", "host", cell_plain },
		{ "METHOD", "method", cell_plain },
		{ "ADDRESS", "address", cell_plain },
		{ "PORTS", "ports", cell_ranges },
		{ "SPIS", "spis", cell_ranges },
		{ "COOKIE", "cookie", cell_cookie },
		{ "REMOTE", "remote", cell_remote },
		{ "TUNNEL", "tunnel", cell_plain },
		{ "IN", "in_packets", cell_plain },
		{ "OUT", "out_packets", cell_plain },
		{ "EXPIRES IN", "expires_in_s", cell_duration },
		{ NULL, NULL, NULL },
	};

	writer_table(out, document, columns, "There is no binding.");
}

void
show_sas(FILE *out, const json_t *document)
{
	static const struct column columns[] = {
		{ "TUNNEL", "name", cell_plain },
		{ "LOCAL", "local", cell_plain },
		{ "REMOTE", "remote", cell_plain },
		{ "SPI OUT", "spi_out", cell_plain },
		{ "NEWEST", "newest", cell_plain },
		{ "IN", "in_packets", cell_plain },
		{ "OUT", "out_packets", cell_plain },
		{ "ADOPTED", "adopted", cell_plain },
		{ "MOVED", "moved", cell_plain },
		{ "REFUSED", "refused", cell_plain },
		{ "LAST MOVE AGO", "moved_s_ago", cell_duration },
		{ NULL, NULL, NULL },
	};

	writer_table(out, document, columns, "There is no IPsec tunnel.");
}

/* Is anything of this address leased or held? */
static bool
in_use(const json_t *row)
{
	static const char *const members[] = { "hosts", "ports_leased", "ports_held", "spis_leased", "cookies_leased" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (json_integer_value(json_object_get(row, members[i])) != 0)
			return true;
	}
	return false;
}

/* A pool may have thousands of addresses: those that nobody uses are only counted. */
void
show_pools(FILE *out, const json_t *document)
{
	static const struct column columns[] = {
		{ "POOL", "name", cell_plain },
		{ "ADDRESS", "address", cell_plain },
		{ "HOSTS", "hosts", cell_plain },
		{ "PORTS", "ports_total", cell_plain },
		{ "LEASED", "ports_leased", cell_plain },
		{ "HELD", "ports_held", cell_plain },
		{ "SPIS LEASED", "spis_leased", cell_plain },
		{ "COOKIES LEASED", "cookies_leased", cell_plain },
		{ NULL, NULL, NULL },
	};

	json_t *rows = json_array(), *row;
	size_t i, n;

	json_array_foreach(document, i, row) {
		if (in_use(row))
			json_array_append(rows, row);
	}
	writer_table(out, rows, columns, "No pool address is in use.");
	if ((n = json_array_size(document) - json_array_size(rows)) > 0)
		fprintf(out, "%zu %s not in use.\n", n, n == 1 ? "address is" : "addresses are");
	json_decref(rows);
}

void
show_stats(FILE *out, const json_t *document)
{
	writer_members(out, document);
}

/* {"reason":count,...}: those that happened. */
void
show_drops(FILE *out, const json_t *document)
{
	static const struct column columns[] = {
		{ "REASON", "reason", cell_plain },
		{ "PACKETS", "packets", cell_plain },
		{ NULL, NULL, NULL },
	};
	json_t *rows = json_array(), *count;
	const char *reason;

	json_object_foreach((json_t *)document, reason, count) {
		if (json_integer_value(count) != 0)
			json_array_append_new(rows, json_pack("{s:s, s:O}", "reason", reason, "packets", count));
	}
	writer_table(out, rows, columns, "No packet was dropped.");
	json_decref(rows);
}

void
show_done(FILE *out, const json_t *document)
{
	(void)document;
	fputs("done\n", out);
}
