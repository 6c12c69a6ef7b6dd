/* The control socket under good and bad clients. Server and clients share this process: pump() turns the loop. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl_client.h"
#include "ctl_conn.h"
#include "ctl_server.h"
#include "log.h"
#include "loop.h"
#include "run_suite.h"

static char dir[] = "/tmp/check_ctl.XXXXXX", path[64];
static struct loop *loop;
static struct ctl_server *server;
static int listen_fd;
static struct ctl_conn *deferred;
static int closed, lists_done;
static long elements_made;

/* ---- the daemon's side ---- */

static void
do_echo(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)arg;
	ctl_answer(conn, json_incref(json_object_get(request, "text")));
}

static void
do_refuse(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	ctl_refuse(conn, "no: %s", (const char *)arg);
}

static json_t *
count_next(void *cursor)
{
	long *left = cursor;

	if (*left == 0)
		return NULL;
	elements_made++;
	return json_pack("{s:I, s:s}", "n", (json_int_t)--*left, "padding", "0123456789012345678901234567890123456789");
}

static void
count_done(void *cursor)
{
	free(cursor);
	lists_done++;
}

static void
do_list(struct ctl_conn *conn, const json_t *request, void *arg)
{
	long *left = malloc(sizeof(*left));

	(void)arg;
	ck_assert_ptr_nonnull(left);
	*left = (long)json_integer_value(json_object_get(request, "n"));
	ctl_answer_list(conn, count_next, left, count_done);
}

static void
count_closed(void *arg)
{
	(void)arg;
	closed++;
	deferred = NULL;
}

static void
do_later(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	(void)arg;
	deferred = conn;
	ctl_on_close(conn, count_closed, NULL);
}

static void
do_write_to_fd(struct ctl_conn *conn, const json_t *request, void *arg)
{
	int fd = ctl_take_fd(conn);

	(void)request;
	(void)arg;
	if (fd < 0) {
		ctl_refuse(conn, "no descriptor came with the request");
		return;
	}
	ck_assert_int_eq(write(fd, "hello", 5), 5);
	close(fd);
	ctl_answer(conn, json_true());
}

static void
do_nothing(struct ctl_conn *conn, const json_t *request, void *arg)
{
	(void)request;
	(void)arg;
	ctl_answer(conn, json_null());
}

static const struct ctl_command commands[] = {
	{ "echo", do_echo, false },
	{ "refuse", do_refuse, false },
	{ "list", do_list, false },
	{ "later", do_later, false },
	{ "fd", do_write_to_fd, false },
	{ "reboot", do_nothing, true },
	{ NULL, NULL, false },
};

/* ---- the clients' side ---- */

static void
pump(int turns)
{
	while (turns-- > 0)
		loop_once(loop, false);
}

static int
client(void)
{
	int fd = ctl_client_connect(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	pump(2);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	pump(1);
}

/* Reads one line, turning the loop meanwhile. Returns "" at the end of the connection; static. */
static const char *
hear(int fd)
{
	static char line[200000];
	size_t len = 0;

	for (int turns = 0; turns < 100000; turns++) {
		ssize_t n = recv(fd, line + len, 1, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return "";
		if (n < 0)
			pump(1);
		else if (line[len++] == '\n')
			break;
		ck_assert_uint_lt(len, sizeof(line));
	}
	ck_assert_uint_gt(len, 0);
	line[len - 1] = '\0';
	return line;
}

#define HEARS(fd, text) ck_assert_str_eq(hear(fd), text)
#define HEARS_PART(fd, text)                       \
	do {                                             \
		const char *line_ = hear(fd);                  \
		ck_assert_msg(strstr(line_, text), "%s", line_); \
	} while (0)

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	log_init("check", LOG_TO_NONE, LOG_LVL_ERROR, false);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/sock", dir);
	strcpy(sun.sun_path, path);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_int_eq(listen(listen_fd, 128), 0);
	loop = loop_new();
	server = ctl_server_new(loop, listen_fd, commands, (void *)"not today");
}

static void
teardown(void)
{
	ctl_server_free(server);
	loop_free(loop);
	close(listen_fd);
	unlink(path);
	rmdir(dir);
}

/* As a daemon looks that hangs: nobody takes what connects. */
static void
fill_queue(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	strcpy(at.sun_path, path);
	ck_assert_int_eq(listen(listen_fd, 1), 0);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	} while (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert_int_eq(errno, EAGAIN);
}

/* Two daemons that are given the same path: the second must not take it from the first. Nor is a file that is no socket
 * ours to remove, whatever a config file says. */
START_TEST(the_path)
{
	struct stat st;
	FILE *file;

	ck_assert_int_eq(ctl_server_listen(path), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	fill_queue();
	ck_assert_int_eq(ctl_server_listen(path), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(listen_fd);
	listen_fd = ctl_server_listen(path); /* that of a dead one is taken away */
	ck_assert_int_ge(listen_fd, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(ctl_server_listen(path), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(answers_in_order)
{
	int fd = client();

	say(fd, "{\"cmd\":\"echo\",\"text\":\"a\"}\n{\"cmd\":\"refuse\"}\n{\"cmd\":\"echo\",\"text\":[1]}\n");
	HEARS(fd, "{\"ok\":true,\"result\":\"a\"}");
	HEARS(fd, "{\"ok\":false,\"error\":\"no: not today\"}");
	HEARS(fd, "{\"ok\":true,\"result\":[1]}");
	close(fd);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
	const char *text = "{\"cmd\":\"echo\",\"text\":true}\r\n";
	char byte[2] = "";
	int fd = client();

	for (; *text != '\0'; text++) {
		byte[0] = *text;
		say(fd, byte);
	}
	HEARS(fd, "{\"ok\":true,\"result\":true}");
	close(fd);
}
END_TEST

START_TEST(garbage_is_refused_and_the_connection_lives)
{
	static const char *const garbage[] = { "\n", "hello\n", "{\n", "[]\n", "{}\n", "{\"cmd\":7}\n", "{\"cmd\":null}\n",
		"{\"cmd\":\"echo\",\"cmd\":\"echo\"}\n", "{\"cmd\":\"\xff\xfe\"}\n", "\"cmd\"\n", "{\"cmd\":\"status\"} {}\n",
		"\x01\x02\x03\n" };
	int fd = client();

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		say(fd, garbage[i]);
		HEARS_PART(fd, "{\"ok\":false,\"error\":\"");
	}
	say(fd, "{\"cmd\":\"format\"}\n");
	HEARS_PART(fd, "no such command; this daemon knows: echo refuse list later fd reboot");
	say(fd, "{\"cmd\":\"echo\",\"text\":1}\n");
	HEARS(fd, "{\"ok\":true,\"result\":1}");
	close(fd);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	char text[CTL_LINE_MAX];
	int fd = client();

	memset(text, '[', sizeof(text));
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	HEARS_PART(fd, "not one line of JSON");
	close(fd);
}
END_TEST

START_TEST(an_oversize_request_ends_the_connection)
{
	char text[CTL_LINE_MAX + 100];
	int fd = client();

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	HEARS_PART(fd, "longer than 16384 bytes");
	HEARS(fd, "");
	close(fd);
}
END_TEST

START_TEST(a_half_closed_client_is_still_answered)
{
	int fd = client();

	say(fd, "{\"cmd\":\"echo\",\"text\":1}\n{\"cmd\":\"echo\",\"text\":2}\nrest");
	shutdown(fd, SHUT_WR);
	HEARS(fd, "{\"ok\":true,\"result\":1}");
	HEARS(fd, "{\"ok\":true,\"result\":2}");
	HEARS(fd, "");
	close(fd);
}
END_TEST

START_TEST(too_many_clients_are_turned_away)
{
	int fds[CTL_CLIENTS_MAX], extra;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		fds[i] = client();
	extra = client();
	HEARS_PART(extra, "too many clients");
	HEARS(extra, "");
	close(extra);
	close(fds[5]);
	pump(2);
	fds[5] = client();
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		say(fds[i], "{\"cmd\":\"echo\",\"text\":1}\n");
		HEARS(fds[i], "{\"ok\":true,\"result\":1}");
		close(fds[i]);
	}
}
END_TEST

START_TEST(lists_of_any_length)
{
	static const long lengths[] = { 0, 1, 2, 1500 };
	json_error_t error;
	int fd = client();

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char text[64];
		json_t *answer;

		snprintf(text, sizeof(text), "{\"cmd\":\"list\",\"n\":%ld}\n", lengths[i]);
		say(fd, text);
		answer = json_loads(hear(fd), 0, &error);
		ck_assert_uint_eq(json_array_size(json_object_get(answer, "result")), (size_t)lengths[i]);
		json_decref(answer);
		ck_assert_int_eq(lists_done, (int)i + 1);
	}
	close(fd);
}
END_TEST

/* A client that asks for ten million entries and reads none costs one chunk, and no other client anything. */
START_TEST(a_slow_reader_is_bounded_and_dropped)
{
	int slow, fd;

	ctl_stall_ms = 3000; /* longer than all of this takes, however busy the machine */
	slow = client();
	say(slow, "{\"cmd\":\"list\",\"n\":10000000}\n");
	pump(1000);
	ck_assert_int_gt(elements_made, 100);
	ck_assert_int_lt(elements_made, 20000);
	fd = client();
	say(fd, "{\"cmd\":\"echo\",\"text\":1}\n");
	HEARS(fd, "{\"ok\":true,\"result\":1}");
	ck_assert_int_eq(lists_done, 0);
	for (int turns = 0; lists_done == 0 && turns < 4000; turns++) {
		usleep(10000);
		pump(1);
	}
	ck_assert_int_eq(lists_done, 1);
	say(fd, "{\"cmd\":\"echo\",\"text\":2}\n");
	HEARS(fd, "{\"ok\":true,\"result\":2}");
	close(slow);
	close(fd);
}
END_TEST

START_TEST(an_idle_client_is_dropped)
{
	int fd;

	ctl_idle_ms = 50;
	fd = client();
	say(fd, "{\"cmd\":");
	usleep(100000);
	pump(5);
	HEARS(fd, "");
	close(fd);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
	int fd;

	ctl_idle_ms = 50;
	fd = client();
	say(fd, "{\"cmd\":\"later\"}\n{\"cmd\":\"echo\",\"text\":2}\n");
	pump(5);
	ck_assert_ptr_nonnull(deferred);
	usleep(100000); /* a held connection does not idle out */
	pump(5);
	ck_assert_int_eq(recv(fd, &(char){ 0 }, 1, 0), -1);
	ctl_answer(deferred, json_string("now"));
	HEARS(fd, "{\"ok\":true,\"result\":\"now\"}");
	HEARS(fd, "{\"ok\":true,\"result\":2}");
	ck_assert_int_eq(closed, 0);
	close(fd);
	pump(3);
	ck_assert_int_eq(closed, 1);
}
END_TEST

START_TEST(a_client_may_leave_before_its_answer)
{
	int fd = client();

	say(fd, "{\"cmd\":\"later\"}\n");
	close(fd);
	pump(5);
	if (deferred != NULL) /* it might have been half closed only: the answer finds out */
		ctl_answer(deferred, json_true());
	pump(5);
	ck_assert_int_eq(closed, 1);
	fd = client();
	say(fd, "{\"cmd\":\"list\",\"n\":1000000}\n");
	close(fd);
	pump(5);
	ck_assert_int_eq(lists_done, 1);
}
END_TEST

START_TEST(administration_is_for_root_and_the_daemon)
{
	int fd = client();

	say(fd, "{\"cmd\":\"reboot\"}\n");
	HEARS(fd, "{\"ok\":true,\"result\":null}");
	close(fd);
	if (geteuid() != 0)
		return; /* only root can be somebody else */
	ck_assert_int_eq(seteuid(65534), 0);
	fd = ctl_client_connect(path);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	say(fd, "{\"cmd\":\"reboot\"}\n{\"cmd\":\"echo\",\"text\":1}\n");
	HEARS(fd, "{\"ok\":false,\"error\":\"reboot is for root only\"}");
	HEARS(fd, "{\"ok\":true,\"result\":1}");
	close(fd);
}
END_TEST

/* ---- ctl_client against a server in a process of its own ---- */

static pid_t
serve(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		loop_free(loop); /* an epoll set is not shared with the parent */
		loop = loop_new();
		ctl_server_new(loop, listen_fd, commands, (void *)"not today");
		loop_run(loop);
	}
	return pid;
}

static enum ctl_outcome
ask(int fd, const char *text, int pass_fd, json_t **result, char *error)
{
	json_t *request = json_loads(text, 0, NULL);
	enum ctl_outcome outcome = ctl_client_ask(fd, request, pass_fd, 300, result, error);

	json_decref(request);
	return outcome;
}

START_TEST(the_client)
{
	char error[CTL_ERROR_LEN], text[8] = "";
	pid_t pid = serve();
	json_t *result;
	int fd = ctl_client_connect(path), pipe_fds[2];

	ck_assert_int_eq(ask(fd, "{\"cmd\":\"echo\",\"text\":\"x\"}", -1, &result, error), CTL_DONE);
	ck_assert_str_eq(json_string_value(result), "x");
	json_decref(result);
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"refuse\"}", -1, &result, error), CTL_REFUSED);
	ck_assert_str_eq(error, "no: not today");
	ck_assert_ptr_null(result);
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"list\",\"n\":50000}", -1, &result, error), CTL_DONE);
	ck_assert_uint_eq(json_array_size(result), 50000);
	json_decref(result);

	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"fd\"}", pipe_fds[1], &result, error), CTL_DONE);
	ck_assert_int_eq(read(pipe_fds[0], text, sizeof(text)), 5);
	ck_assert_str_eq(text, "hello");
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"echo\",\"text\":1}", pipe_fds[1], &result, error), CTL_DONE);
	json_decref(result);
	close(pipe_fds[1]);
	ck_assert_int_eq(read(pipe_fds[0], text, sizeof(text)), 0); /* what nobody took is closed, so nobody writes */
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"fd\"}", -1, &result, error), CTL_REFUSED);

	ck_assert_int_eq(ask(fd, "{\"cmd\":\"later\"}", -1, &result, error), CTL_BROKEN);
	ck_assert_msg(strstr(error, "no answer") != NULL, "%s", error);
	close(fd);
	fd = ctl_client_connect(path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(ask(fd, "{\"cmd\":\"echo\",\"text\":1}", -1, &result, error), CTL_BROKEN);
	close(fd);
}
END_TEST

START_TEST(no_daemon)
{
	char long_path[200];

	ck_assert_int_eq(ctl_client_connect("/nonexistent/rsip.sock"), -1);
	ck_assert_int_eq(errno, ENOENT);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(ctl_client_connect(long_path), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl_server");
	TCase *tc = tcase_create("ctl_server");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_path);
	tcase_add_test(tc, answers_in_order);
	tcase_add_test(tc, a_request_may_come_byte_by_byte);
	tcase_add_test(tc, garbage_is_refused_and_the_connection_lives);
	tcase_add_test(tc, deep_nesting_is_refused);
	tcase_add_test(tc, an_oversize_request_ends_the_connection);
	tcase_add_test(tc, a_half_closed_client_is_still_answered);
	tcase_add_test(tc, too_many_clients_are_turned_away);
	tcase_add_test(tc, lists_of_any_length);
	tcase_add_test(tc, a_slow_reader_is_bounded_and_dropped);
	tcase_add_test(tc, an_idle_client_is_dropped);
	tcase_add_test(tc, an_answer_may_come_later);
	tcase_add_test(tc, a_client_may_leave_before_its_answer);
	tcase_add_test(tc, administration_is_for_root_and_the_daemon);
	tcase_add_test(tc, the_client);
	tcase_add_test(tc, no_daemon);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
