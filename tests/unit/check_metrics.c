/* The metrics: the text against a strict reading of Prometheus's format, and the HTTP server around it against clients
 * good and bad. */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "metrics.h"
#include "metrics_text.h"
#include "run_suite.h"
#include "small_gateway.h"

static struct small_gateway g;

static void
setup(void)
{
	small_gateway_start(&g);
}

static void
teardown(void)
{
	small_gateway_end(&g);
}

/* The caller frees it. */
static char *
metrics_text(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	metrics_write(out, &g.gw);
	fclose(out);
	return text;
}

/* ---- the text format ---- */

struct reader { char family[96], type[16]; char seen[8192]; };

/* Reads a metric's name; returns the rest of the line. */
static const char *
take_name(const char *line, char name[96])
{
	size_t len = 0;

	for (; isalnum((unsigned char)line[len]) || line[len] == '_' || line[len] == ':'; len++)
		ck_assert_uint_lt(len, 95);
	ck_assert_msg(strncmp(line, "rsipd_", 6) == 0, "%s", line);
	memcpy(name, line, len);
	name[len] = '\0';
	return line + len;
}

static void
read_help(struct reader *r, const char *line)
{
	char marker[100];
	const char *rest = take_name(line, r->family);

	ck_assert_msg(rest[0] == ' ' && strlen(rest) > 5 && rest[strlen(rest) - 1] == '.', "help of %s", line);
	snprintf(marker, sizeof(marker), "\n%s\n", r->family);
	ck_assert_msg(strstr(r->seen, marker) == NULL, "%s comes twice", r->family);
	ck_assert_uint_lt(strlen(r->seen) + strlen(marker), sizeof(r->seen));
	strcat(r->seen, marker);
	r->type[0] = '\0';
}

static void
read_type(struct reader *r, const char *line)
{
	char name[96];
	const char *rest = take_name(line, name);
	bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;

	ck_assert_str_eq(name, r->family); /* right behind its help */
	snprintf(r->type, sizeof(r->type), "%s", rest + 1);
	ck_assert_msg(strcmp(r->type, "counter") == 0 || strcmp(r->type, "gauge") == 0, "%s", line);
	ck_assert_msg(total == (strcmp(r->type, "counter") == 0), "%s: only counters end in _total", line);
}

static const char *
take_label(const char *rest)
{
	size_t len = strspn(rest, "abcdefghijklmnopqrstuvwxyz_");

	ck_assert_msg(len > 0 && rest[len] == '=' && rest[len + 1] == '"', "label %s", rest);
	for (rest += len + 2; *rest != '"'; rest++) {
		ck_assert_int_ne(*rest, '\0');
		if (*rest == '\\') {
			rest++;
			ck_assert_msg(strchr("\\\"n", *rest) != NULL, "escape %s", rest);
		}
	}
	ck_assert_int_eq(rest[1], '}');
	return rest + 2;
}

static void
read_sample(struct reader *r, const char *line)
{
	char name[96], *end;
	const char *rest = take_name(line, name);

	ck_assert_str_eq(name, r->family);
	ck_assert_str_ne(r->type, "");
	if (*rest == '{')
		rest = take_label(rest + 1);
	ck_assert_msg(rest[0] == ' ' && isdigit((unsigned char)rest[1]), "%s", line);
	strtoull(rest + 1, &end, 10);
	ck_assert_msg(*end == '\0', "%s", line);
}

static void
read_text(char *text)
{
	static struct reader r;

	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	strcpy(r.seen, "");
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strncmp(line, "# HELP ", 7) == 0)
			read_help(&r, line + 7);
		else if (strncmp(line, "# TYPE ", 7) == 0)
			read_type(&r, line + 7);
		else
			read_sample(&r, line);
	}
}

START_TEST(text_is_well_formed)
{
	char *text = metrics_text();

	read_text(text);
	free(text);
}
END_TEST

/* promtool, where it is installed, is stricter than we are. */
START_TEST(text_pleases_promtool)
{
	FILE *p;

	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		fprintf(stderr, "SKIP: promtool is not installed\n");
		return;
	}
	p = popen("promtool check metrics", "w");
	ck_assert_ptr_nonnull(p);
	metrics_write(p, &g.gw);
	ck_assert_int_eq(pclose(p), 0);
}
END_TEST

START_TEST(values)
{
	static const char *const lines[] = { "\nrsipd_build_info{version=\"" PACKAGE_VERSION "\"} 1\n",
		"\nrsipd_start_time_seconds 1799999910\n", "\nrsipd_hosts 2\n", "\nrsipd_bindings 3\n",
		"\nrsipd_pool_ports_leased{pool=\"shared\"} 64\n", "\nrsipd_pool_addresses{pool=\"whole\"} 16\n",
		"\nrsipd_requests_total{type=\"ASSIGN_REQUEST_RSIPSEC\"} 1\n", "\nrsipd_errors_total{error=\"USE_TCP\"} 1\n",
		"\nrsipd_bytes_total{direction=\"out\"} 1234567890123456789\n",
		"\nrsipd_dropped_packets_total{reason=\"no_lease\"} 3\n", "\nrsipd_rate_limited_total 4\n",
		"\nrsipd_open_connections 5\n" };
	char *text;

	stats_request(&g.stats, RSIP_ASSIGN_REQUEST_RSIPSEC);
	stats_error(&g.stats, RSIP_USE_TCP);
	g.data.out_bytes = 1234567890123456789;
	g.data.drops[DP_DROP_NO_LEASE] = 3;
	g.stats.rate_limited = 4;
	g.stats.open_connections = 5;
	text = metrics_text();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "no%sin\n%s", lines[i], text);
	free(text);
}
END_TEST

START_TEST(pool_names_are_escaped)
{
	char *text, *old = g.fixture.conf->pools[0].name, odd[] = "a\"b\\c\nd";

	g.fixture.conf->pools[0].name = odd;
	text = metrics_text();
	g.fixture.conf->pools[0].name = old;
	ck_assert_ptr_nonnull(strstr(text, "{pool=\"a\\\"b\\\\c\\nd\"} 19\n"));
	read_text(text);
	free(text);
}
END_TEST

/* ---- HTTP ---- */

static struct loop *loop;
static struct metrics *metrics;
static struct sockaddr_in sin_;
static int listen_fd;

static void
setup_http(void)
{
	socklen_t len = sizeof(sin_);

	setup();
	sin_ = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&sin_, sizeof(sin_)), 0);
	ck_assert_int_eq(listen(listen_fd, 128), 0);
	ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&sin_, &len), 0);
	loop = loop_new();
	metrics = metrics_new(loop, listen_fd, &g.gw);
}

static void
teardown_http(void)
{
	metrics_free(metrics);
	loop_free(loop);
	close(listen_fd);
	teardown();
}

static int
client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin_, sizeof(sin_)), 0);
	for (int i = 0; i < 4; i++)
		loop_once(loop, false);
	return fd;
}

/* All that comes until the server closes the connection; static. */
static const char *
talk(int fd, const char *request)
{
	static char text[65536];
	size_t len = 0;

	ck_assert_int_gt(send(fd, request, strlen(request), MSG_NOSIGNAL), 0);
	for (int turns = 0; turns < 40000; turns++) {
		ssize_t n;

		loop_once(loop, false);
		n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		len += n > 0 ? (size_t)n : 0;
		if (n < 0)
			usleep(500);
	}
	close(fd);
	text[len] = '\0';
	return text;
}

static void
serves(void)
{
	const char *answer = talk(client(), "GET /metrics HTTP/1.1\r\nHost: gw\r\n\r\n"), *body;
	char *copy;

	ck_assert_msg(strncmp(answer, "HTTP/1.1 200 ", 13) == 0, "%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	body = strstr(answer, "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	read_text(copy = strdup(body + 4));
	free(copy);
}

START_TEST(http_serves)
{
	const char *answer;

	serves();
	answer = talk(client(), "GET /metrics?x=1 HTTP/1.0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer, "rsipd_hosts 2\n"));
}
END_TEST

START_TEST(http_refuses)
{
	static char big[20000];
	const char *answer = talk(client(), "GET / HTTP/1.1\r\nHost: gw\r\n\r\n");

	ck_assert_msg(strncmp(answer, "HTTP/1.1 404 ", 13) == 0, "%s", answer);
	answer = talk(client(), "POST /metrics HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\n\r\nabc");
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	answer = talk(client(), "\x01\x02\x03 garbage\r\n\r\n");
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "GET /metrics HTTP/1.1\r\nX: ", 26);
	answer = talk(client(), big);
	ck_assert_msg(strstr(answer, " 200 ") == NULL, "%s", answer);
	serves();
}
END_TEST

/* Connections that say nothing are closed at the bound, and the next scrape is served. */
START_TEST(http_connections_are_bounded)
{
	int fds[3 * METRICS_CONNECTIONS_MAX], closed = 0;

	for (int i = 0; i < 3 * METRICS_CONNECTIONS_MAX; i++)
		fds[i] = client();
	for (int i = 0; i < 3 * METRICS_CONNECTIONS_MAX; i++) {
		char byte;

		closed += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
	}
	ck_assert_int_ge(closed, 2 * METRICS_CONNECTIONS_MAX);
	serves();
	for (int i = 0; i < 3 * METRICS_CONNECTIONS_MAX; i++)
		close(fds[i]);
	for (int i = 0; i < 3 * METRICS_CONNECTIONS_MAX; i++)
		serves(); /* those that end are not counted for ever */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *text = tcase_create("text"), *http = tcase_create("http");

	tcase_add_checked_fixture(text, setup, teardown);
	tcase_add_test(text, text_is_well_formed);
	tcase_add_test(text, text_pleases_promtool);
	tcase_add_test(text, values);
	tcase_add_test(text, pool_names_are_escaped);
	tcase_add_checked_fixture(http, setup_http, teardown_http);
	tcase_set_timeout(http, 300); /* many a short wait, each as long as a busy machine makes it */
	tcase_add_test(http, http_serves);
	tcase_add_test(http, http_refuses);
	tcase_add_test(http, http_connections_are_bounded);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, http);
	return run_suite(suite);
}
