/* What rsipctl prints, against golden text, from documents of the shape that users' programs rely on. */
#include "config.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "show.h"
#include "who.h"
#include "writer.h"

static json_t *
document(const char *text)
{
	json_error_t error;
	json_t *doc = json_loads(text, JSON_DECODE_ANY, &error);

	ck_assert_msg(doc != NULL, "%s at %d", error.text, error.position);
	return doc;
}

/* The text that show makes of the document; the caller frees it. */
static char *
shown(show_fn *show, const char *text)
{
	json_t *doc = document(text);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	show(f, doc);
	fclose(f);
	json_decref(doc);
	return out;
}

#define SHOWS(show, text, golden)       \
	do {                                  \
		char *out_ = shown(show, text);     \
		ck_assert_str_eq(out_, golden);     \
		free(out_);                         \
	} while (0)

START_TEST(status)
{
	SHOWS(show_status,
	    "{\"version\":\"0.1.0\",\"uptime_s\":7380,\"data_plane\":\"relay\",\"hosts\":2,\"bindings\":3,\"pools\":["
	    "{\"name\":\"shared\",\"methods\":[\"rsap-ip\",\"rsipsec\"],\"addresses\":19,\"hosts\":2},"
	    "{\"name\":\"whole\",\"methods\":[\"rsa-ip\"],\"addresses\":16,\"hosts\":0}]}",
	    "version     0.1.0\n"
	    "uptime      2h 3m\n"
	    "data plane  relay\n"
	    "hosts       2\n"
	    "bindings    3\n"
	    "pools:\n"
	    "  NAME    METHODS          ADDRESSES  HOSTS\n"
	    "  shared  rsap-ip,rsipsec         19      2\n"
	    "  whole   rsa-ip                  16      0\n");
}
END_TEST

START_TEST(hosts)
{
	SHOWS(show_hosts,
	    "[{\"client_id\":3735928559,\"address\":\"10.0.0.11\",\"name\":\"x1\",\"identity\":\"laptop\","
	    "\"moved_from\":\"10.0.1.11\",\"transport\":\"tcp\","
	    "\"policy\":\"default\",\"expires_in_s\":7199,\"bindings\":2},"
	    "{\"client_id\":7,\"address\":\"10.0.0.112\",\"name\":null,\"transport\":\"udp\",\"policy\":\"office\","
	    "\"expires_in_s\":59,\"bindings\":10}]",
	    " CLIENT ID  ADDRESS     NAME  IDENTITY  MOVED FROM  TRANSPORT  POLICY   BINDINGS  EXPIRES IN\n"
	    "3735928559  10.0.0.11   x1    laptop    10.0.1.11   tcp        default         2      1h 59m\n"
	    "         7  10.0.0.112  -     -         -           udp        office         10         59s\n");
	SHOWS(show_hosts, "[]", "No host is registered.\n");
}
END_TEST

START_TEST(bindings)
{
	SHOWS(show_bindings,
	    "[{\"bind_id\":1,\"client_id\":7,\"host\":\"10.0.0.11\",\"method\":\"rsipsec\",\"address\":\"203.0.113.8\","
	    "\"ports\":[],\"spis\":[[\"0x10000000\",\"0x1000000f\"]],"
	    "\"cookie\":{\"value\":\"0x5ac3000000000000\",\"mask\":\"0xffff000000000000\"},\"remote\":null,"
	    "\"tunnel\":\"ip-ip\",\"expires_in_s\":3600,\"in_packets\":123456,\"out_packets\":78},"
	    "{\"bind_id\":2,\"client_id\":7,\"host\":\"10.0.0.11\",\"method\":\"rsap-ip\",\"address\":\"203.0.113.8\","
	    "\"ports\":[[1024,1087],[4000,4000]],\"spis\":[],"
	    "\"cookie\":null,\"remote\":{\"address\":\"198.51.100.7\",\"ports\":[[80,80]]},"
	    "\"tunnel\":\"gre\",\"expires_in_s\":86400,\"in_packets\":0,\"out_packets\":1},"
	    "{\"bind_id\":3,\"client_id\":8,\"host\":\"10.0.0.12\",\"method\":\"rsa-ip\",\"address\":\"203.0.113.64\","
	    "\"ports\":[],\"spis\":[],\"cookie\":{\"value\":\"0x0000000000000001\",\"mask\":\"0x00000000000000ff\"},"
	    "\"remote\":{\"address\":\"198.51.100.7\",\"ports\":[]},\"tunnel\":\"ip-ip\",\"expires_in_s\":0,\"in_packets\":0,\"out_packets\":0}]",
	    "BIND ID  HOST       METHOD   ADDRESS       PORTS           SPIS                   "
	    "COOKIE                                 REMOTE           TUNNEL      IN  OUT  EXPIRES IN\n"
	    "      1  10.0.0.11  rsipsec  203.0.113.8   -               0x10000000-0x1000000f  "
	    "0x5ac3000000000000/16                  any              ip-ip   123456   78       1h 0m\n"
	    "      2  10.0.0.11  rsap-ip  203.0.113.8   1024-1087,4000  -                      "
	    "-                                      198.51.100.7:80  gre          0    1       1d 0h\n"
	    "      3  10.0.0.12  rsa-ip   203.0.113.64  -               -                      "
	    "0x0000000000000001/0x00000000000000ff  198.51.100.7     ip-ip        0    0          0s\n");
	SHOWS(show_bindings, "[]", "There is no binding.\n");
}
END_TEST

START_TEST(pools)
{
	SHOWS(show_pools,
	    "[{\"name\":\"shared\",\"address\":\"203.0.113.8\",\"ports_total\":64512,\"ports_leased\":64,\"ports_held\":0,"
	    "\"spis_leased\":16,\"cookies_leased\":1,\"hosts\":2},"
	    "{\"name\":\"shared\",\"address\":\"203.0.113.9\",\"ports_total\":64512,\"ports_leased\":0,\"ports_held\":0,"
	    "\"spis_leased\":0,\"cookies_leased\":0,\"hosts\":0}]",
	    "POOL    ADDRESS      HOSTS  PORTS  LEASED  HELD  SPIS LEASED  COOKIES LEASED\n"
	    "shared  203.0.113.8      2  64512      64     0           16               1\n"
	    "1 address is not in use.\n");
	SHOWS(show_pools, "[]", "No pool address is in use.\n");
}
END_TEST

START_TEST(stats)
{
	SHOWS(show_stats,
	    "{\"control\":{\"responses\":12,\"requests\":{\"REGISTER_REQUEST\":3,\"FREE_REQUEST\":0},\"errors\":{}},"
	    "\"data\":{\"in_packets\":1000,\"in_bytes\":1536000,\"out_packets\":0,\"out_bytes\":0,"
	    "\"drops\":{\"no_lease\":5,\"ttl_exceeded\":0},\"xdp\":{},\"relay\":{\"claims\":1}}}",
	    "control:\n"
	    "  responses  12\n"
	    "  requests:\n"
	    "    REGISTER_REQUEST  3\n"
	    "  errors:\n"
	    "    none\n"
	    "data:\n"
	    "  in packets   1000\n"
	    "  in bytes     1.5 MiB\n"
	    "  out packets  0\n"
	    "  out bytes    0 B\n"
	    "  drops:\n"
	    "    no lease  5\n"
	    "  xdp:\n"
	    "    none\n"
	    "  relay:\n"
	    "    claims  1\n");
}
END_TEST

START_TEST(drops)
{
	SHOWS(show_drops, "{\"no_lease\":5,\"ttl_exceeded\":0,\"malformed\":12345}",
	    "REASON     PACKETS\n"
	    "no_lease         5\n"
	    "malformed    12345\n");
	SHOWS(show_drops, "{\"no_lease\":0}", "No packet was dropped.\n");
}
END_TEST

START_TEST(json_is_the_document)
{
	const char *text = "[{\"spis\":[[\"0x00000100\",\"0xffffffff\"]],\"name\":\"a\\u001b[2Jb\",\"n\":4294967295}]";
	json_t *doc = document(text);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	writer_json(f, doc);
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
	ck_assert_str_eq(out, "[{\"spis\":[[\"0x00000100\",\"0xffffffff\"]],\"name\":\"a\\u001B[2Jb\",\"n\":4294967295}]");
	free(out);
	json_decref(doc);
}
END_TEST

static void
check_cell(cell_fn *cell, const char *value, const char *golden)
{
	json_t *doc = document(value);
	char text[CELL_MAX];

	cell(text, doc);
	ck_assert_str_eq(text, golden);
	json_decref(doc);
}

START_TEST(cells)
{
	char text[CELL_MAX];

	check_cell(cell_duration, "0", "0s");
	check_cell(cell_duration, "59", "59s");
	check_cell(cell_duration, "60", "1m 0s");
	check_cell(cell_duration, "3599", "59m 59s");
	check_cell(cell_duration, "86399", "23h 59m");
	check_cell(cell_duration, "90000", "1d 1h");
	check_cell(cell_duration, "null", "-");
	check_cell(cell_size, "0", "0 B");
	check_cell(cell_size, "1023", "1023 B");
	check_cell(cell_size, "1024", "1.0 KiB");
	check_cell(cell_size, "1048575", "1.0 MiB");
	check_cell(cell_size, "9223372036854775807", "8.0 EiB");
	check_cell(cell_plain, "true", "yes");
	check_cell(cell_plain, "[]", "-");
	check_cell(cell_plain, "{}", "-");
	check_cell(cell_ranges, "[[1,2],[3,3],5]", "1-2,3,5");
	check_cell(cell_ranges, "\"x\"", "-");
	check_cell(cell_ranges, "[[],[1,2,3],{}]", "-,1,2,3,-");
	cell_plain(text, NULL);
	ck_assert_str_eq(text, "-");
}
END_TEST

/* A host chooses its own name; it must not reach the terminal as control characters, nor spoil the columns. */
START_TEST(names_cannot_steer_the_terminal)
{
	check_cell(cell_plain, "\"a\\u001b[2J\\nb\\u0085\"", "a\\x1b[2J\\x0ab\\xc2\\x85");
	if (MB_CUR_MAX > 1)
		SHOWS(show_drops, "{\"b\\u00fcro\":1,\"x\":22}", "REASON  PACKETS\nb\u00fcro          1\nx            22\n");
	else
		check_cell(cell_plain, "\"b\\u00fcro\"", "b\\xc3\\xbcro");
}
END_TEST

START_TEST(long_values_are_cut)
{
	char text[2 * CELL_MAX + 3], cell[CELL_MAX];
	json_t *doc, *ranges = json_array();

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	doc = json_string(text);
	cell_plain(cell, doc);
	ck_assert_str_eq(cell + strlen(cell) - 3, "x..");
	json_decref(doc);
	for (int i = 0; i < 100; i++)
		json_array_append_new(ranges, json_pack("[i,i]", i * 10, i * 10 + 1));
	cell_ranges(cell, ranges);
	ck_assert_str_eq(cell + strlen(cell) - 2, "..");
	json_decref(ranges);
}
END_TEST

static const struct { const char *text, *kind; } kinds[] = {
	{ "1", "port" }, { "65535", "port" }, { "65536", "spi" }, { "4294967295", "spi" }, { "4294967296", NULL },
	{ "0x1194", "spi" }, { "0xffffffff", "spi" }, { "0x0ffffffff", "cookie" }, { "0x5ac3000000000001", "cookie" },
	{ "0x5ac30000000000012", NULL }, { "", NULL }, { "0x", NULL }, { "-1", NULL }, { "12a", NULL }, { "http", NULL },
};

START_TEST(what_is_asked_for)
{
	const char *kind = who_kind(kinds[_i].text);

	ck_assert_msg((kind == NULL) == (kinds[_i].kind == NULL) && (kind == NULL || strcmp(kind, kinds[_i].kind) == 0),
	    "%s is %s", kinds[_i].text, kind != NULL ? kind : "nothing");
}
END_TEST

START_TEST(times)
{
	static const char *const wrong[] = { "", "@", "@-1", "@5x", "yesterday", "2026-13-01T00:00Z", "2026-11-22T08:30Zx", "2026-11-22",
	    "2026-02-30T00:00Z" };
	int64_t at = 0;

	ck_assert(who_time("@1790000000", &at) && at == 1790000000);
	ck_assert(who_time("2026-11-22T08:30:05Z", &at) && at == 1795336205);
	ck_assert(who_time("2026-11-22 08:30", &at) && at == 1795336200);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!who_time(wrong[i], &at), "%s", wrong[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rsipctl_format");
	TCase *tc = tcase_create("rsipctl_format");

	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tc, status);
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, bindings);
	tcase_add_test(tc, pools);
	tcase_add_test(tc, stats);
	tcase_add_test(tc, drops);
	tcase_add_test(tc, json_is_the_document);
	tcase_add_test(tc, cells);
	tcase_add_test(tc, names_cannot_steer_the_terminal);
	tcase_add_test(tc, long_values_are_cut);
	tcase_add_loop_test(tc, what_is_asked_for, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tc, times);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
